"""When there is too little, or too lopsided, data for a verdict, and what to warn of."""

from __future__ import annotations

import math
from dataclasses import dataclass

from harness.stats.clustered import satterthwaite_df
from harness.stats.clusters import Grouped

# Below this no gate: a variance between so few clusters is hardly known.
MIN_CLUSTERS = 8

# Below this the sign-flip test has to agree with the t-test: 20 clusters of equal size have it.
FEW_DF = 19.0

# Below this too, where sizes are so uneven that not even half of the degrees of freedom are left.
FEW_DF_UNEVEN = 40.0

# Below this the t distribution itself is no longer believable.
MIN_DF = 2.0


@dataclass(frozen=True, slots=True)
class Shortage:
    """Why the clusters at hand allow no verdict, in one sentence.

    Attributes:
        clusters_missing: How many more would do; None where that cannot be said.
    """

    reason: str
    clusters_missing: int | None = None


def needs_flips(df: float, n_clusters: int) -> bool:
    """Whether a t distribution with so many degrees of freedom is a hope, and flips are asked too.

    Examples:
        >>> needs_flips(19, 20), needs_flips(18, 19), needs_flips(30, 31), needs_flips(30, 200)
        (False, True, False, True)
    """
    return df < FEW_DF or (df < FEW_DF_UNEVEN and df < (n_clusters - 1) / 2)


def shortage(clusters: Grouped) -> Shortage | None:
    """What forbids a verdict from these clusters; None if nothing does.

    Examples:
        >>> from harness.stats.clusters import Clusters
        >>> shortage(Clusters.independent(7)).reason
        '7 clusters are too few, 8 are needed'
        >>> shortage(Clusters.independent(8))
    """
    count = clusters.n_clusters
    if clusters.n_pairs == 0:
        return Shortage("no pair has a value on both sides", MIN_CLUSTERS)
    if count < MIN_CLUSTERS:
        noun = "cluster is" if count == 1 else "clusters are"
        return Shortage(f"{count} {noun} too few, {MIN_CLUSTERS} are needed", MIN_CLUSTERS - count)
    df = satterthwaite_df(clusters.sizes)
    if df < MIN_DF:
        share = float(clusters.sizes.max() / clusters.n_pairs)
        return Shortage(
            f"one cluster holds {share:.0%} of the pairs, which leaves {df:.1f} degrees of "
            f"freedom; {MIN_DF:g} are needed"
        )
    return None


def cautions(clusters: Grouped) -> tuple[str, ...]:
    """What a reader of the interval should know about the clusters, a sentence each."""
    df = satterthwaite_df(clusters.sizes)
    share = float(clusters.sizes.max() / clusters.n_pairs)
    found = []
    if share > 0.1:
        found.append(f"one cluster holds {share:.0%} of the pairs")
    if df < 5:
        found.append(f"{df:.1f} degrees of freedom: the interval rests on very few clusters")
    return tuple(found)


def more_clusters(clusters: Grouped, factor: float) -> int:
    """Clusters missing when `factor` times as many pairs are needed, at the same sizes."""
    return max(1, math.ceil(clusters.n_clusters * (factor - 1)))


def flips_needed(clusters: Grouped, alpha: float) -> Shortage:
    """Sign flips of K clusters give `2**-K` at best, and that is not below `alpha`."""
    count = clusters.n_clusters
    return Shortage(
        f"{count} clusters cannot show anything at confidence {1 - alpha:g}",
        max(1, math.floor(math.log2(1 / alpha)) + 1 - count),
    )

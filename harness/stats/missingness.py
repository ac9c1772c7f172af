"""What pairs without a value could be hiding.

The champion's side of a pair is known even where the challenger's is missing, so we can look
whether the missing ones are of another kind; and however bad they are, they cannot move a mean by
more than their share of its range.

References:
    Manski (2003), Partial Identification of Probability Distributions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from harness.stats.clustered import cr2
from harness.stats.clustered_mcnemar import obuchowski
from harness.stats.clusters import Booleans, Clusters, Floats
from harness.stats.interval import Interval
from harness.stats.sampling_ratio import sampling_log_e

# Integrity checks run on every verdict; a false alarm must be rare.
ALPHA = 0.001

# A difference this small, in standard deviations, is of no account however certain.
MIN_STANDARDISED = 0.1

# With fewer clusters in a group its spread is not known well enough for an error of one in 1000.
MIN_CLUSTERS = 10

# Effective incomplete pairs for which the mixture over looks is tightest, and a floor for logs.
_MIXTURE = 100.0
_LEAST_P = 1e-300


@dataclass(frozen=True, slots=True)
class MissingDifference:
    """How incomplete pairs differ from complete ones on something known for both.

    Attributes:
        difference: Mean over incomplete pairs minus mean over complete ones.
        standardised: The same over the standard deviation of all.
        p_value: Two-sided.
        flagged: Whether the difference is both sure and large.
        n_effective: So many independent incomplete pairs would have told as much.
    """

    difference: float
    standardised: float
    p_value: float
    flagged: bool
    n_effective: float = 0.0

    @property
    def p_at_any_look(self) -> float:
        """The same where the run may be looked at any time: 1 over the e-value of a normal mixture
        (asymptotically valid; Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas 2024)."""
        squared = float(stats.norm.isf(max(self.p_value, _LEAST_P) / 2)) ** 2
        weight = self.n_effective / (self.n_effective + _MIXTURE)
        log_e = 0.5 * math.log1p(-weight) + squared * weight / 2
        return math.exp(-max(0.0, log_e))


def missing_difference(
    values: Floats, complete: Booleans, clusters: Clusters
) -> MissingDifference | None:
    """Compare incomplete with complete pairs, for instance by the champion's latency.

    The variance is the larger of the cluster-robust one and that of drawing the incomplete pairs
    from all of them: a few pairs without a value may happen to be alike. The degrees of freedom are
    those of the group with fewer clusters. Values of a long tail should be given as ranks.

    Args:
        values: Known for every pair.
        complete: Which pairs have everything.

    Returns:
        The comparison; None where one of the groups has fewer than `MIN_CLUSTERS` clusters.
    """
    n_complete = int(np.count_nonzero(complete))
    n_missing = complete.size - n_complete
    least = min(_n_clusters(clusters, complete), _n_clusters(clusters, ~complete))
    if least < MIN_CLUSTERS:
        return None
    known, missing = float(values[complete].mean()), float(values[~complete].mean())
    influence = np.where(
        complete,
        (known - values) * (complete.size / n_complete),
        (values - missing) * (complete.size / n_missing),
    )
    moment = cr2(missing - known, clusters.totals(influence), clusters.sizes)
    spread = float(values.std(ddof=1))
    standardised = (missing - known) / spread if spread else 0.0
    drawn = spread**2 * (1 / n_complete + 1 / n_missing)
    se = math.sqrt(max(moment.variance, drawn))
    p_value = 2 * float(stats.t.sf(abs(moment.estimate) / se, least - 1)) if se else 1.0
    flagged = p_value < ALPHA and abs(standardised) > MIN_STANDARDISED
    n_effective = (spread / se) ** 2 if se else 0.0
    return MissingDifference(missing - known, standardised, p_value, flagged, n_effective)


def one_sided_p_value(
    champion: Booleans, challenger: Booleans, clusters: Clusters, *, at_any_look: bool = False
) -> float | None:
    """Whether values are lacking on one side more often than on the other, two-sided.

    McNemar's test on "has a value", once exact as if pairs were independent and once by clusters
    (Obuchowski); the larger counts.

    Args:
        champion: Pairs whose champion alone lacks a value; likewise `challenger`.
        at_any_look: Whether the run may be looked at any time. Then 1 over the e-value of
            `harness.stats.sampling_ratio`, the counts divided by the clusters' part in them.

    Returns:
        The p-value; None where fewer than `MIN_CLUSTERS` clusters have such a pair.
    """
    lacking, other = clusters.totals(champion), clusters.totals(challenger)
    n_discordant = int(np.count_nonzero(lacking + other))
    if n_discordant < MIN_CLUSTERS:
        return None
    if at_any_look:
        both = lacking + other
        size = float(both @ both) / float(both.sum())
        log_e = sampling_log_e((lacking.sum() / size, other.sum() / size), (0.5, 0.5))
        return math.exp(-max(0.0, log_e))
    exact = exact_balance(int(lacking.sum()), int(other.sum()))
    robust = math.sqrt(obuchowski(lacking, other))
    return max(exact, 2 * float(stats.t.sf(robust, n_discordant - 1)))


def exact_balance(n_champion: int, n_challenger: int) -> float:
    """Two-sided, exact, of "what is lost is as often the one side's as the other's"."""
    n = n_champion + n_challenger
    return float(stats.binomtest(n_champion, n).pvalue) if n else 1.0


def _n_clusters(clusters: Clusters, rows: Booleans) -> int:
    return int(np.count_nonzero(clusters.totals(rows)))


def manski_bounds(value: float, *, missing_share: float, worst: Interval) -> Interval:
    """Where a mean could lie had the missing pairs been seen.

    Args:
        value: The mean (or a bound of it) over the pairs that were seen.
        missing_share: Share of all pairs that were not.
        worst: The least and the greatest value a pair can have.

    Examples:
        >>> manski_bounds(0.0, missing_share=0.02, worst=Interval(-1.0, 1.0))
        Interval(low=-0.02, high=0.02)
    """
    seen = (1 - missing_share) * value
    return Interval(seen + missing_share * worst.low, seen + missing_share * worst.high)


def tipping_point(harm_high: float, *, missing_share: float, null: float) -> float:
    """The mean harm among missing pairs at which the bound over all pairs reaches `null`.

    Infinite when nothing is missing: then nothing could tip it.
    """
    if missing_share == 0:
        return math.inf
    return (null - (1 - missing_share) * harm_high) / missing_share

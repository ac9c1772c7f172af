"""Parts of the pairs side by side: what their harms are, how they vary together, other mixes.

Every harm here is, to first order, a mean of one influence value per pair (`harness.stats.
clustered`). The influence totals of a cluster within each part, side by side, are a matrix; its
cross products are the joint covariance of the parts, also where one user has pairs in several.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.stats.clusters import Clusters, Codes, Floats
from harness.stats.linearised import Linearised, estimate, largest
from harness.stats.paired import Paired
from harness.stats.question import Question
from harness.stats.segment_tests import (
    Heterogeneity,
    both_directions,
    cochran_q,
    gail_simon,
    wald,
)
from harness.stats.sufficiency import Shortage, shortage
from harness.verdict import Estimate, Unavailable


@dataclass(frozen=True, slots=True, eq=False)
class Strata:
    """Harms of parts with their joint covariance, on the scale that is tested.

    Attributes:
        covariance: CR2 on its diagonal.
        is_shared: Whether some cluster has pairs in several parts.
    """

    harms: Floats
    covariance: Floats
    is_shared: bool

    @classmethod
    def of(cls, columns: Sequence[Linearised], codes: Sequence[Codes], n_clusters: int) -> Strata:
        """Put parts side by side.

        Args:
            columns: One per part.
            codes: Of each part, the cluster of each pair in a numbering common to all parts.
            n_clusters: In that numbering.
        """
        totals = np.empty((n_clusters, len(columns)))
        n_parts_of = np.zeros(n_clusters, dtype=np.intp)
        for i, (column, own) in enumerate(zip(columns, codes, strict=True)):
            sizes = np.bincount(own, minlength=n_clusters)
            raw = np.bincount(own, column.influence, minlength=n_clusters)
            totals[:, i] = raw / np.sqrt(1 - sizes / own.size) / own.size
            n_parts_of += sizes > 0
        return cls(
            harms=np.array([column.position for column in columns]),
            covariance=totals.T @ totals,
            is_shared=bool((n_parts_of > 1).any()),
        )

    @property
    def standard_errors(self) -> Floats:
        return np.asarray(np.sqrt(np.diag(self.covariance)))

    @property
    def method(self) -> str:
        return "Wald, joint" if self.is_shared else "Cochran's Q"

    def heterogeneity(self) -> Heterogeneity:
        """Whether all parts have the same harm."""
        if self.is_shared:
            return wald(self.harms, self.covariance)
        return cochran_q(self.harms, self.standard_errors)

    def p_interaction(self) -> float:
        """Of "no part gains while another is harmed"."""
        if self.is_shared:
            return both_directions(self.harms, self.standard_errors)
        return gail_simon(self.harms, self.standard_errors).p_value


def reweighted_harm(
    question: Question, pairs: Paired, parts: Codes, shares: Floats
) -> Estimate | Unavailable:
    """The mean harm in a traffic of another mix, post-stratified.

    Influence is `W_s n / n_s` times that within the part: a part that is rare here and common
    there makes the estimate as uncertain as it is. Also for shares, as the mean of 0 and 1.

    Args:
        pairs: Finite, all of them in a part.
        parts: The part of each pair, as a position in `shares`; each has pairs.
        shares: Of the other mix; sums to 1.
    """
    lack = shortage(pairs.clusters) or question.impossible_margin
    if lack is not None:
        return question.refuse(lack, pairs)
    counts = np.bincount(parts, minlength=shares.size)
    weights = (shares * parts.size / counts)[parts]
    champion = float(weights @ pairs.champion) / parts.size
    challenger = float(weights @ pairs.challenger) / parts.size
    if not question.relative:
        position = question.sign * (challenger - champion)
        contribution = question.sign * (pairs.challenger - pairs.champion)
    elif champion <= 0 or challenger <= 0:
        return question.refuse(Shortage("a mean is not above zero, so there is no ratio"), pairs)
    else:
        position = question.sign * math.log(challenger / champion)
        contribution = question.sign * (pairs.challenger / challenger - pairs.champion / champion)
    centres = np.bincount(parts, contribution, minlength=shares.size) / counts
    column = Linearised(
        champion=champion,
        challenger=challenger,
        position=position,
        influence=weights * (contribution - centres[parts]),
        scale=float(weights.max()) * max(1e-300, largest(contribution)),
        clusters=pairs.clusters,
        n_left_out=pairs.n_left_out,
    )
    kind = "log ratio of means" if question.relative else "mean difference"
    return estimate(question, column.summed(), kind=f"post-stratified {kind}")


def clusters_in(pairs: Clusters, parts: Codes, n_parts: int) -> list[int]:
    """How many clusters have a pair in each part."""
    return [int(np.unique(pairs.codes[parts == part]).size) for part in range(n_parts)]

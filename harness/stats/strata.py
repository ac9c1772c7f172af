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

from harness.stats.clusters import ClusterSizes, Codes, Floats
from harness.stats.linearised import Summed, estimate
from harness.stats.mean import Moments, Weighing
from harness.stats.paired_sums import PairedSums
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
    def of(cls, columns: Sequence[Summed], codes: Sequence[Codes], n_clusters: int) -> Strata:
        """Put parts side by side.

        Args:
            columns: One per part.
            codes: Of each part, what its clusters are called in a numbering common to all parts.
            n_clusters: In that numbering.
        """
        totals = np.zeros((n_clusters, len(columns)))
        n_parts_of = np.zeros(n_clusters, dtype=np.intp)
        for i, (column, own) in enumerate(zip(columns, codes, strict=True)):
            n_pairs, sizes = column.clusters.n_pairs, column.clusters.sizes
            totals[own, i] = column.totals / np.sqrt(1 - sizes / n_pairs) / n_pairs
            n_parts_of[own] += 1
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


@dataclass(frozen=True, slots=True, eq=False)
class Stratum:
    """Finite pairs of one part, added up, and the share it has in another mix.

    Attributes:
        codes: What its clusters are called in a numbering common to all parts.
    """

    sums: PairedSums
    codes: Codes
    share: float


@dataclass(frozen=True, slots=True, eq=False)
class Mix:
    """The mean harm in a traffic of another mix, post-stratified.

    Influence is `W_s n / n_s` times that within the part: a part that is rare here and common
    there makes the estimate as uncertain as it is. Also for shares, as the mean of 0 and 1.

    Attributes:
        strata: Each with pairs; their shares sum to 1.
        within: How pairs weigh in their own part, centred there.
    """

    strata: tuple[Stratum, ...]
    champion: float
    challenger: float
    position: float
    within: tuple[Weighing, ...]

    @classmethod
    def of(cls, question: Question, strata: Sequence[Stratum]) -> Mix | Unavailable:
        """Mix parts that all have pairs."""
        seen = _Pooled.of(strata)
        lack = shortage(seen.clusters) or question.impossible_margin
        if lack is not None:
            return question.refuse(lack, seen)
        champion = sum(one.share * one.sums.champion_mean for one in strata)
        challenger = sum(one.share * one.sums.challenger_mean for one in strata)
        if not question.relative:
            position, units = question.sign * (challenger - champion), (1.0, 1.0)
        elif champion <= 0 or challenger <= 0:
            lack = Shortage("a mean is not above zero, so there is no ratio")
            return question.refuse(lack, seen)
        else:
            position = question.sign * math.log(challenger / champion)
            units = champion, challenger
        within = tuple(_within(question, one.sums, units) for one in strata)
        return cls(tuple(strata), champion, challenger, position, within)

    def judged(self, question: Question, moments: Sequence[Moments]) -> Estimate | Unavailable:
        """The estimate of the mean harm.

        Args:
            moments: Of the influence that `within` gives the pairs of each part.
        """
        seen = _Pooled.of(self.strata)
        n_pairs = seen.clusters.n_pairs
        weights = [one.share * n_pairs / one.sums.clusters.n_pairs for one in self.strata]
        totals = np.zeros(int(seen.codes.max()) + 1)
        for one, weight, harm in zip(self.strata, weights, self.within, strict=True):
            totals[one.codes] += weight * harm.totals(one.sums)
        kind = "log ratio of means" if question.relative else "mean difference"
        column = Summed(
            champion=self.champion,
            challenger=self.challenger,
            position=self.position,
            totals=totals[seen.codes],
            squares=sum(w**2 * one.squares for w, one in zip(weights, moments, strict=True)),
            cubes=sum(w**3 * one.cubes for w, one in zip(weights, moments, strict=True)),
            scale=max(weights) * max(1e-300, *(harm.scale for harm in self.within)),
            clusters=seen.clusters,
            n_left_out=seen.n_left_out,
        )
        return estimate(question, column, kind=f"post-stratified {kind}")


@dataclass(frozen=True, slots=True, eq=False)
class _Pooled:
    """The clusters of all parts together: one that is in several counts once."""

    codes: Codes
    clusters: ClusterSizes
    n_left_out: int

    @classmethod
    def of(cls, strata: Sequence[Stratum]) -> _Pooled:
        codes = np.concatenate([*(one.codes for one in strata), np.empty(0, dtype=np.intp)])
        sizes = np.concatenate([*(one.sums.clusters.sizes for one in strata), np.empty(0)])
        together = np.bincount(codes, sizes)
        present = np.flatnonzero(together)
        n_left_out = sum(one.sums.n_left_out for one in strata)
        return cls(present, ClusterSizes(together[present].astype(np.float64)), n_left_out)


def _within(question: Question, sums: PairedSums, units: tuple[float, float]) -> Weighing:
    """How pairs weigh in their part, on the scale of the whole."""
    champion, challenger = units
    per_pair = sums.challenger_mean / challenger - sums.champion_mean / champion
    if champion == challenger:
        per_pair = sums.mean_difference / champion
    reach = sums.champion_range.reach / champion, sums.challenger_range.reach / challenger
    return Weighing(
        sign=question.sign,
        champion=sums.champion_mean,
        challenger=sums.challenger_mean,
        position=question.sign * per_pair,
        champion_unit=champion,
        challenger_unit=challenger,
        centre=question.sign * per_pair,
        scale=max(reach),
    )

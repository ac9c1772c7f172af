"""How much worse the challenger's median, p95 or p99 is.

Theory of operation
===================

We compare the quantiles of the two sides' distributions, not the quantile of the differences: "p95
at most 10 % worse" is about what a user at the slow end sees. A quantile has a standard error once
we know how steep the distribution is there. Woodruff's trick finds out without smoothing: take the
standard error `se` of the share of values up to the quantile `q`, read off the values at the shares
`p - t se` and `p + t se`, and the density is `2 t se / (upper - lower)`. A pair's influence on the
difference of quantiles is then

    -(1{b <= q_b} - F_b) / f_b  +  (1{a <= q_a} - F_a) / f_a

for challenger `b` and champion `a`, each term divided by its quantile for a log ratio; clusters,
and the correlation of the two sides, enter through the CR2 variance of these numbers.

What a tail says comes from the clusters that reach into it. So there are no more degrees of freedom
than those (in equal parts), and the number of independent values beyond the quantile is counted by
the larger of two design effects, as for a rate (`harness.stats.rate`): a sample that happens to
understate how alike a user's requests are must not be the one that gets an answer.

A failed request has no latency that could count as good: it is infinite (worst rank). A quantile
below the share of failures is not affected by what they would have taken. One beyond it does not
exist, and where that is surely so for the challenger alone, it is harm without a number.

References:
    Woodruff (1952), Journal of the American Statistical Association 47:635. Deng, Knoblich & Lu
    (2018), KDD. Lachin (1999), Controlled Clinical Trials 20:408, for worst ranks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from harness.metric import Better
from harness.stats.clustered import cr1, design_effect, design_effect_of_sizes
from harness.stats.clusters import Clusters, Floats, Grouped
from harness.stats.linearised import Linearised, Summed, estimate
from harness.stats.order_statistics import OrderStatistics
from harness.stats.paired import Paired
from harness.stats.question import Question
from harness.stats.rate import Events
from harness.stats.sufficiency import MIN_DF, Shortage, more_clusters, shortage
from harness.verdict import Estimate, Unavailable

# With fewer independent values beyond the quantile its interval covers too seldom: 77 % instead of
# 95 % at two of them.
MIN_EXCEEDANCES = 10

# Largest share of the Woodruff interval that values equal to the quantile may hold. In simulation a
# harm at the margin passes in 5 to 7 % of runs up to 0.15 of it, in 11 % from 0.4 on.
MAX_TIES = 0.25

# Coverage of the Woodruff interval that the density is read from; not the gate's own confidence.
_WOODRUFF_CONFIDENCE = 0.95


def quantile_harm(
    champion: ArrayLike,
    challenger: ArrayLike,
    clusters: Clusters,
    *,
    p: float,
    better: Better,
    null: float,
    confidence: float,
    metric: str,
    unit: str,
    relative: bool = False,
) -> Estimate | Unavailable:
    """Estimate how much worse the challenger's quantile is.

    Args:
        champion: One value per pair; NaN where there is none (left out and counted), and infinite,
            on the worse side, where the request failed.
        challenger: The same for the challenger.
        clusters: Aligned with both.
        p: Which quantile, in (0, 1): 0.95 for p95.
        better: Which way the quantity improves.
        null: The margin, as a harm; a relative one where `relative`.
        confidence: 1 minus the error on each side, above 0.5.
        relative: Whether harm is the relative change of the quantile.

    Returns:
        The estimate; `Unavailable` with too few clusters, with fewer than ten independent values
        beyond the quantile, where too many values are equal there, and where the quantile lies
        among the failures (`certain_harm` if that is surely so for the challenger alone).

    Examples:
        >>> latency_s = np.random.default_rng(7).exponential(0.1, (2, 2000))
        >>> found = quantile_harm(latency_s[0], latency_s[1] + 0.01, Clusters.independent(2000),
        ...     p=0.95, better=Better.LOWER, null=0.07, confidence=0.95, metric="latency_s.p95",
        ...     unit="s")
        >>> round(found.harm, 3), round(found.harm_high, 3), found.p_value < 0.05
        (0.038, 0.062, True)
    """
    if not 0 < p < 1:
        raise ValueError(f"quantile is {p:g}, must be between 0 and 1")
    question = Question(metric, unit, better, null, confidence, relative)
    pairs = Paired.complete(champion, challenger, clusters)
    lack = shortage(pairs.clusters) or question.impossible_margin
    if lack is not None:
        return question.refuse(lack, pairs)
    sums = QuantileSums.of(pairs, p, worst=question.sign * math.inf)
    return judged_quantiles(question, sums)


class Ordered(Protocol):
    """A column whose order statistics can be asked for."""

    def quantile(self, p: float) -> float: ...


@dataclass(frozen=True, slots=True, eq=False)
class SideCounts:
    """One side's values, counted by cluster where its quantile is known. Counts of parts add up.

    Attributes:
        value: The quantile.
        below: Of each cluster, values up to it, itself included.
        failed: Of each cluster, values that are infinite on the worse side.
        n_equal: Values equal to it in all.
    """

    p: float
    order: Ordered
    value: float
    below: Floats
    failed: Floats
    n_equal: int

    @classmethod
    def of(cls, values: Floats, clusters: Clusters, p: float, worst: float) -> SideCounts:
        """Count values that are all at hand."""
        order = OrderStatistics(values, p)
        value = order.quantile(p)
        return cls(
            p=p,
            order=order,
            value=value,
            below=clusters.totals(values <= value),
            failed=clusters.totals(values == worst),
            n_equal=int(np.count_nonzero(values == value)),
        )


@dataclass(frozen=True, slots=True, eq=False)
class QuantileSums:
    """Complete pairs of two sides, counted by cluster.

    Attributes:
        clusters: Those with a complete pair.
        n_both_below: Pairs of which both values are up to their side's quantile.
    """

    clusters: Grouped
    n_left_out: int
    champion: SideCounts
    challenger: SideCounts
    n_both_below: int

    @classmethod
    def of(cls, pairs: Paired, p: float, *, worst: float = math.inf) -> QuantileSums:
        """Count pairs that are all at hand."""
        left = SideCounts.of(pairs.champion, pairs.clusters, p, worst)
        right = SideCounts.of(pairs.challenger, pairs.clusters, p, worst)
        both = (pairs.champion <= left.value) & (pairs.challenger <= right.value)
        return cls(pairs.clusters, pairs.n_left_out, left, right, int(np.count_nonzero(both)))


def judged_quantiles(question: Question, sums: QuantileSums) -> Estimate | Unavailable:
    """The estimate of a quantile's harm, from counts."""
    summed = summed_quantiles(question, sums)
    if isinstance(summed, Unavailable):
        return summed
    return estimate(question, summed, kind=kind_of(question))


def summed_quantiles(question: Question, sums: QuantileSums) -> Summed | Unavailable:
    """A quantile's harm with its influence added up; why there is none otherwise."""
    lack = shortage(sums.clusters) or question.impossible_margin
    if lack is not None:
        return question.refuse(lack, sums)
    harm = harm_of_counts(question, sums)
    if isinstance(harm, Unavailable):
        return harm
    squares, cubes = harm.moments(sums)
    return Summed(
        champion=harm.champion.value,
        challenger=harm.challenger.value,
        position=harm.position,
        totals=harm.totals(sums),
        squares=squares,
        cubes=cubes,
        scale=harm.scale,
        clusters=sums.clusters,
        n_left_out=sums.n_left_out,
        most_df=harm.most_df(sums.clusters),
    )


def quantile_column(
    question: Question, pairs: Paired, p: float, *, min_exceedances: int = MIN_EXCEEDANCES
) -> Linearised | Unavailable:
    """The harm of a quantile and what each pair contributes; why there is none otherwise."""
    sums = QuantileSums.of(pairs, p, worst=question.sign * math.inf)
    harm = harm_of_counts(question, sums, min_exceedances=min_exceedances)
    if isinstance(harm, Unavailable):
        return harm
    return Linearised(
        champion=harm.champion.value,
        challenger=harm.challenger.value,
        position=harm.position,
        influence=harm.influence(pairs),
        scale=harm.scale,
        clusters=pairs.clusters,
        n_left_out=pairs.n_left_out,
        most_df=harm.most_df(pairs.clusters),
    )


@dataclass(frozen=True, slots=True)
class QuantileHarm:
    """The harm of a quantile, and how a pair weighs in it.

    A side's influence is its quantile's times its weight; the two add up.

    Attributes:
        position: On the scale that is tested.
    """

    champion: SideQuantile
    challenger: SideQuantile
    position: float
    champion_weight: float
    challenger_weight: float

    @property
    def scale(self) -> float:
        """The largest influence of a side."""
        return max(
            abs(self.champion_weight) * self.champion.reach,
            abs(self.challenger_weight) * self.challenger.reach,
        )

    def influence(self, pairs: Paired) -> Floats:
        """Of each pair."""
        before = self.champion.influence(pairs.champion)
        after = self.challenger.influence(pairs.challenger)
        return np.asarray(self.challenger_weight * after + self.champion_weight * before)

    def totals(self, sums: QuantileSums) -> Floats:
        """Of each cluster."""
        sizes = sums.clusters.sizes
        before = self.champion.influence_of(sums.champion.below, sizes)
        after = self.challenger.influence_of(sums.challenger.below, sizes)
        return np.asarray(self.challenger_weight * after + self.champion_weight * before)

    def moments(self, sums: QuantileSums) -> tuple[float, float]:
        """Sums of its square and cube over all pairs: there are only four kinds of pairs."""
        n, both = sums.clusters.n_pairs, sums.n_both_below
        left, right = float(sums.champion.below.sum()), float(sums.challenger.below.sum())
        counts = np.array([both, left - both, right - both, n - left - right + both])
        one = np.ones(4)
        before = self.champion.influence_of(np.array([1.0, 1.0, 0.0, 0.0]), one)
        after = self.challenger.influence_of(np.array([1.0, 0.0, 1.0, 0.0]), one)
        influence = self.challenger_weight * after + self.champion_weight * before
        return float(counts @ influence**2), float(counts @ influence**3)

    def most_df(self, clusters: Grouped) -> float:
        """No more degrees of freedom than clusters in the thinner tail.

        Pairs on their own are known to be independent, which nobody had to estimate.
        """
        if clusters.n_clusters == clusters.n_pairs:
            return math.inf
        return min(self.champion.n_tail_clusters, self.challenger.n_tail_clusters)


def harm_of_counts(
    question: Question, sums: QuantileSums, *, min_exceedances: int = MIN_EXCEEDANCES
) -> QuantileHarm | Unavailable:
    """The harm of a quantile from counts; why there is none otherwise."""
    left = SideQuantile.of_counts(sums.champion, sums.clusters)
    right = SideQuantile.of_counts(sums.challenger, sums.clusters)
    if not (math.isfinite(left.value) and math.isfinite(right.value)):
        return _beyond_failures(question, sums)
    lack = _quantile_problem(question, sums.clusters, left, right, min_exceedances)
    if lack is not None:
        return question.refuse(lack, sums, champion=left.value, challenger=right.value)
    sign = question.sign
    if not question.relative:
        return QuantileHarm(left, right, sign * (right.value - left.value), -sign, sign)
    position = sign * math.log(right.value / left.value)
    return QuantileHarm(left, right, position, -sign / left.value, sign / right.value)


def kind_of(question: Question) -> str:
    """What is compared, for the name of a method."""
    ratio = "log ratio" if question.relative else "difference"
    return f"{ratio} of quantiles, Woodruff density"


@dataclass(frozen=True, slots=True)
class SideQuantile:
    """One side's quantile with Woodruff's interval (95 %, clustered).

    Attributes:
        value: The smallest value with at least a share `p` of the values up to it; infinite where
            the quantile lies among the failures.
        share: Share of values up to `value`; above `p` where there are ties.
        share_se: Its standard error, CR1.
        low: The interval ends, values of the data.
        density: Share of values per unit at the quantile; infinite where low equals high.
        is_tied: Whether so many values equal the quantile that no density can be read.
        deff: Of the share: the larger of what its variance says and what the sizes do.
        n_tail_clusters: Clusters that the values beyond the quantile come from, as many as would
            hold them in equal parts; 0 where there are none.
    """

    p: float
    value: float
    share: float
    share_se: float
    low: float
    high: float
    density: float
    is_tied: bool
    deff: float
    n_tail_clusters: float

    @classmethod
    def of(cls, values: Floats, clusters: Clusters, p: float) -> SideQuantile:
        """Estimate from one side's values; at least two clusters."""
        return cls.of_counts(SideCounts.of(values, clusters, p, math.inf), clusters)

    @classmethod
    def of_counts(cls, seen: SideCounts, clusters: Grouped) -> SideQuantile:
        """Estimate from counts; at least two clusters."""
        n_pairs, p = clusters.n_pairs, seen.p
        share = float(seen.below.sum()) / n_pairs
        totals = seen.below - share * clusters.sizes
        moment = cr1(share, totals, clusters.sizes)
        reach = float(stats.t.ppf(0.5 + _WOODRUFF_CONFIDENCE / 2, moment.df)) * moment.se
        low, high = seen.order.quantile(p - reach), seen.order.quantile(p + reach)
        spread = share * (1 - share)
        tail = seen.below if p < 0.5 else clusters.sizes - seen.below
        return cls(
            p=p,
            value=seen.value,
            share=share,
            share_se=moment.se,
            low=low,
            high=high,
            density=2 * reach / (high - low) if high > low else math.inf,
            is_tied=high <= low or seen.n_equal / n_pairs > MAX_TIES * 2 * reach,
            deff=max(
                design_effect(moment, spread * n_pairs / (n_pairs - 1), n_pairs),
                design_effect_of_sizes(totals, spread * n_pairs, clusters),
            ),
            n_tail_clusters=_effective(tail),
        )

    @property
    def se(self) -> float:
        """Standard error of the quantile, in its unit."""
        return self.share_se / self.density

    @property
    def reach(self) -> float:
        """The largest influence that a value has."""
        return max(self.share if self.share < 1 else 0.0, 1 - self.share) / self.density

    def influence(self, values: Floats) -> Floats:
        """How much each value moves the quantile, in its unit; sums to zero."""
        below = np.asarray(values <= self.value, dtype=np.float64)
        return self.influence_of(below, np.ones(values.size))

    def influence_of(self, below: Floats, sizes: Floats) -> Floats:
        """How much groups of values move it, of which `below` each are up to it."""
        return np.asarray(-(below - self.share * sizes) / self.density)


def _quantile_problem(
    question: Question,
    clusters: Grouped,
    left: SideQuantile,
    right: SideQuantile,
    min_exceedances: int,
) -> Shortage | None:
    """What keeps these quantiles from being judged."""
    p = left.p
    deff = max(1.0, left.deff, right.deff)
    exceedances = clusters.n_pairs * min(p, 1 - p) / deff
    if exceedances < min_exceedances * (1 - 1e-9):
        return Shortage(
            f"{exceedances:.1f} independent values beyond the quantile are too few, "
            f"{min_exceedances} are needed",
            more_clusters(clusters, min_exceedances / exceedances),
        )
    for name, side in (("champion", left), ("challenger", right)):
        if not (math.isfinite(side.low) and math.isfinite(side.high)):
            return Shortage(
                f"the {name}'s quantile is too close to its failures to be bounded: gate its "
                f"exceedance of a limit"
            )
        if side.is_tied:
            return Shortage(
                f"too many of the {name}'s values equal its quantile, {side.value:.6g}: gate the "
                f"exceedance of a limit"
            )
        if question.relative and side.value <= 0:
            return Shortage(
                f"the {name}'s quantile, {side.value:.3g}, has no ratio: use an absolute margin"
            )
    n_tail = min(left.n_tail_clusters, right.n_tail_clusters)
    if n_tail < MIN_DF:
        return Shortage(
            f"the values beyond the quantile come from too few clusters: in equal parts they would "
            f"fill {n_tail:.1f}, and {MIN_DF:g} are needed"
        )
    return None


def _beyond_failures(question: Question, sums: QuantileSums) -> Unavailable:
    """No quantile among the failures; harm where that is surely the challenger's alone."""
    left, right = sums.champion, sums.challenger
    who = {
        (True, True): "both sides'",
        (True, False): "the champion's",
        (False, True): "the challenger's",
    }[math.isinf(left.value), math.isinf(right.value)]
    # Failures hold the tail from 1 - p on, or up to p where low values are the worse ones.
    tail = 1 - left.p if question.sign > 0 else left.p
    failed = Events.of_sums(right.failed, sums.clusters)
    champion_failed = Events.of_sums(left.failed, sums.clusters)
    return question.refuse(
        Shortage(f"{who} p{100 * left.p:g} lies beyond its timeout: too many requests failed"),
        sums,
        champion=left.value if math.isfinite(left.value) else None,
        challenger=right.value if math.isfinite(right.value) else None,
        certain_harm=failed.lower(question.alpha) > tail > champion_failed.upper(question.alpha),
    )


def _effective(totals: Floats) -> float:
    """How many clusters would hold these totals in equal parts (Kish)."""
    squares = float(totals @ totals)
    return float(totals.sum()) ** 2 / squares if squares else 0.0

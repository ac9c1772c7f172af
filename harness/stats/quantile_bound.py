"""One side's quantile against a limit of its own: `at_most latency_s.p95`.

"The p95 is below 300 ms" says the same as "more than 95 % of the values are below 300 ms", so the
test is that of a share, exact and without a density (the binomial quantile test). Its bounds are
order statistics: the values at the shares where that test would no longer reject. Clusters divide
the number of pairs by the design effect of the share up to the quantile.

References:
    Conover (1999), Practical Nonparametric Statistics, 3.2. Woodruff (1952), Journal of the
    American Statistical Association 47:635.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize

from harness.metric import Better
from harness.stats.clusters import Clusters, Grouped
from harness.stats.paired import Single
from harness.stats.quantile import SideCounts
from harness.stats.question import Question
from harness.stats.rate import Events
from harness.stats.sufficiency import Shortage, cautions, more_clusters, shortage
from harness.verdict import Estimate, Unavailable


def quantile_bound(
    values: ArrayLike,
    clusters: Clusters,
    *,
    p: float,
    null: float,
    confidence: float,
    metric: str,
    unit: str,
    better: Better = Better.LOWER,
) -> Estimate | Unavailable:
    """Estimate one side's quantile, with exact bounds.

    With `Better.LOWER` the quantile is the harm; with `Better.HIGHER` the harm is the quantile with
    the other sign, and so is `null`.

    Args:
        values: One value per pair; NaN where there is none (left out and counted), infinite where
            the request failed.
        p: Which quantile, in (0, 1).
        null: The limit, as a harm.

    Returns:
        The estimate, `champion` None; `Unavailable` with too few clusters, with too few values for
        an order statistic on both sides of the quantile, and where a bound lies among the failures
        (`certain_harm` when the quantile itself surely does).

    Examples:
        >>> latency_s = np.random.default_rng(7).exponential(0.1, 2000)
        >>> found = quantile_bound(latency_s, Clusters.independent(2000), p=0.95, null=0.4,
        ...     confidence=0.95, metric="latency_s.p95", unit="s")
        >>> round(found.harm, 3), found.harm < found.harm_high < 0.4, found.p_value < 0.05
        (0.296, True, True)
    """
    question = Question(metric, unit, better, null, confidence)
    pairs = Single.complete(values, clusters)
    lack = shortage(pairs.clusters)
    if lack is not None:
        return question.refuse(lack, pairs)
    return judged_quantile(question, LimitCounts.of(pairs, p, limit=question.sign * null))


@dataclass(frozen=True, slots=True, eq=False)
class LimitCounts:
    """One value per pair, counted by cluster up to the quantile, and in all up to a limit.

    Attributes:
        n_at_most: Values up to the limit; `n_under` those below it.
    """

    clusters: Grouped
    n_left_out: int
    side: SideCounts
    n_at_most: int
    n_under: int

    @classmethod
    def of(cls, pairs: Single, p: float, *, limit: float) -> LimitCounts:
        """Count values that are all at hand."""
        return cls(
            clusters=pairs.clusters,
            n_left_out=pairs.n_left_out,
            side=SideCounts.of(pairs.values, pairs.clusters, p, math.inf),
            n_at_most=int(np.count_nonzero(pairs.values <= limit)),
            n_under=int(np.count_nonzero(pairs.values < limit)),
        )


def judged_quantile(question: Question, sums: LimitCounts) -> Estimate | Unavailable:
    """The estimate of one side's quantile, from counts up to `question.null`, turned."""
    lack = shortage(sums.clusters)
    if lack is not None:
        return question.refuse(lack, sums)
    side, clusters = sums.side, sums.clusters
    below = Events.of_sums(side.below, clusters)
    low_share, high_share = _shares(side.p, below, question.alpha)
    if low_share is None or high_share is None:
        return question.refuse(_too_few(clusters, side.p, below, question.alpha), sums)
    low, high = side.order.quantile(low_share), side.order.quantile(high_share)
    if not (math.isfinite(low) and math.isfinite(high)):
        lack = Shortage(f"p{100 * side.p:g} is too close to the failed requests to be bounded")
        surely = math.isinf(low if question.sign > 0 else high)
        return question.refuse(lack, sums, certain_harm=surely)
    at_most = replace(below, count=sums.n_at_most / below.deff)
    under = replace(below, count=sums.n_under / below.deff)
    p_below, p_above = at_most.p_at_most(side.p), under.p_at_least(side.p)
    if question.sign < 0:
        low, high, p_below, p_above = -high, -low, p_above, p_below
    return Estimate(
        metric=question.metric,
        unit=question.unit,
        champion=None,
        challenger=side.value,
        harm=question.sign * side.value,
        harm_low=low,
        harm_high=high,
        confidence=question.confidence,
        null=question.null,
        p_value=p_below,
        p_harm=p_above,
        method="binomial quantile bounds" + (", Rao-Scott" if below.deff > 1 else ""),
        n_pairs=clusters.n_pairs,
        n_clusters=clusters.n_clusters,
        n_left_out=sums.n_left_out,
        deff=below.deff,
        warnings=cautions(clusters),
    )


def _shares(p: float, events: Events, alpha: float) -> tuple[float | None, float | None]:
    """Shares whose order statistics bound the quantile, each at error `alpha`; None outside."""

    def low_gap(share: float) -> float:
        return replace(events, count=share * events.n).upper(alpha) - p

    def high_gap(share: float) -> float:
        return replace(events, count=share * events.n).lower(alpha) - p

    low = optimize.brentq(low_gap, 0.0, p) if low_gap(0.0) < 0 < low_gap(p) else None
    high = optimize.brentq(high_gap, p, 1.0) if high_gap(p) < 0 < high_gap(1.0) else None
    return low, high


def _too_few(clusters: Grouped, p: float, events: Events, alpha: float) -> Shortage:
    needed = math.log(alpha) / math.log(max(p, 1 - p))
    return Shortage(
        f"{events.n:.0f} independent values cannot bound a p{100 * p:g}, {needed:.0f} are needed",
        more_clusters(clusters, needed / events.n) if events.n < needed else None,
    )

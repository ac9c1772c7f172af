"""Quantiles looked at any time.

Of both sides: the influence values of `harness.stats.quantile`, recomputed at each look, held
against the normal mixture; no verdict before 20 independent values beyond the quantile. Looked at
every 25 clusters, a harm at the margin passes in at most 3.3 % of runs, where an ordinary bound
lets 14 to 32 % pass.

Of one side against a limit: "p95 below 300 ms" says that less than 5 % of the values are above it,
which is a bet on a share (`harness.stats.sequential_proportion`). No density, no burn-in.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize

from harness.metric import Better
from harness.stats.always_valid import AlwaysValid, e_of_log_e
from harness.stats.clusters import Clusters
from harness.stats.linearised import Linearised
from harness.stats.order_statistics import OrderStatistics
from harness.stats.paired import Paired, Single
from harness.stats.quantile import kind_of, quantile_column
from harness.stats.question import Question
from harness.stats.rate import Events
from harness.stats.sequential import Looking, concluded, growth_needed, look, of_both, refused
from harness.stats.sequential_proportion import staked_rate
from harness.stats.sufficiency import Shortage, more_clusters, shortage
from harness.stats.wager import Wager
from harness.verdict import Estimate, Unavailable

MIN_EXCEEDANCES = 20
"""Twice what a single look needs: the first of many must not lean on the density of a few."""


def sequential_quantile_harm(
    champion: ArrayLike,
    challenger: ArrayLike,
    looking: Looking,
    *,
    p: float,
    better: Better,
    null: float,
    confidence: float,
    metric: str,
    unit: str,
    relative: bool = False,
) -> Estimate | Unavailable:
    """Estimate how much worse the challenger's quantile is, at a look among any number.

    Args:
        champion: One value per pair in the order of arrival; NaN where there is none, and infinite
            where the request failed.
        challenger: The same for the challenger.
        p: Which quantile, in (0, 1).

    Returns:
        As `harness.stats.quantile.quantile_harm`, with `e_value` and `memory`.
    """
    question = Question(metric, unit, better, null, confidence, relative)

    def column_of(pairs: Paired) -> Linearised | Shortage | Unavailable:
        if question.impossible_margin is not None:
            return question.impossible_margin
        column = quantile_column(question, pairs, p, min_exceedances=MIN_EXCEEDANCES)
        if isinstance(column, Unavailable) and column.certain_harm:
            # That was the certainty of a single look.
            surely = _surely_among_failures(question, pairs, p)
            return replace(column, certain_harm=surely)
        return column

    column_at = of_both(question, champion, challenger, looking, column_of)
    return look(question, column_at, looking, kind=kind_of(question))


def sequential_quantile_bound(
    values: ArrayLike,
    looking: Looking,
    *,
    p: float,
    null: float,
    confidence: float,
    metric: str,
    unit: str,
    better: Better = Better.LOWER,
) -> Estimate | Unavailable:
    """Estimate one side's quantile, at a look among any number.

    Args:
        values: In the order of arrival; NaN where there is none, infinite where the request failed.
        p: Which quantile, in (0, 1).

    Returns:
        As `harness.stats.quantile_bound.quantile_bound`, with `e_value` and `memory`; `Unavailable`
        also where a bound lies among the failures or beyond the values seen.
    """
    question = Question(metric, unit, better, null, confidence)
    pairs = Single.complete(values, looking.arrival.clusters)
    lack = shortage(pairs.clusters)
    if lack is not None:
        return refused(question, lack, pairs, looking)
    ordered = OrderStatistics(pairs.values, p)
    quantile = ordered.quantile(p)
    deff = Events.of((pairs.values <= quantile).astype(np.float64), pairs.clusters).deff
    bet = _TailBet(p, pairs.values.size, deff, question.alpha)
    shares = bet.shares()
    if shares is None:
        return refused(question, bet.shortage(pairs.clusters), pairs, looking)
    limit = question.sign * null
    above = bet.on(int(np.count_nonzero(pairs.values > limit)))
    from_above = bet.on(int(np.count_nonzero(pairs.values >= limit)))
    seen = AlwaysValid(
        low=ordered.quantile(shares[0]),
        high=ordered.quantile(shares[1]),
        log_e_below=above.log_e(1 - p),
        log_e_above=from_above.turned.log_e(p - 1),
    )
    if question.sign < 0:
        seen = AlwaysValid(-seen.high, -seen.low, seen.log_e_above, seen.log_e_below)
    if not (math.isfinite(seen.low) and math.isfinite(seen.high)):
        return _among_failures(question, pairs, p, seen, looking)
    under = quantile < limit
    return concluded(
        question,
        pairs,
        seen,
        champion=None,
        challenger=quantile,
        harm=question.sign * quantile,
        method="always valid: bets on the share beyond" + (", Rao-Scott" if deff > 1 else ""),
        deff=deff,
        memory=looking.memory,
        growth=growth_needed(bet.evidence(above, from_above, below=under), alpha=question.alpha),
    )


@dataclass(frozen=True, slots=True)
class _TailBet:
    """Bets on the share of values beyond a point, which is `1 - p` at the quantile."""

    p: float
    n_pairs: int
    deff: float
    alpha: float

    def on(self, n_beyond: float) -> Wager:
        weights = np.array([n_beyond, self.n_pairs - n_beyond]) / self.deff
        return Wager(np.array([-1.0, 0.0]), weights, -1.0, 0.0)

    def evidence(self, above: Wager, from_above: Wager, *, below: bool) -> Callable[[float], float]:
        """The log e-value of "the quantile is below the point" by growth, or of "above"."""
        if below:
            return lambda growth: above.times(growth).log_e(1 - self.p)
        return lambda growth: from_above.turned.times(growth).log_e(self.p - 1)

    def shares(self) -> tuple[float, float] | None:
        """Shares whose order statistics bound the quantile; None where there are too few values."""
        goal = math.log(1 / self.alpha)

        def low_gap(share: float) -> float:
            return self.on((1 - share) * self.n_pairs).turned.log_e(self.p - 1) - goal

        def high_gap(share: float) -> float:
            return self.on((1 - share) * self.n_pairs).log_e(1 - self.p) - goal

        if not (low_gap(0.0) > 0 > low_gap(self.p) and high_gap(self.p) < 0 < high_gap(1.0)):
            return None
        low, high = (
            optimize.brentq(low_gap, 0.0, self.p),
            optimize.brentq(high_gap, self.p, 1.0),
        )
        return float(low), float(high)

    def shortage(self, clusters: Clusters) -> Shortage:
        """With more of the same, values all on one side would do at some point."""
        growth = growth_needed(
            lambda growth: min(
                self.on(0.0).times(growth).log_e(1 - self.p),
                self.on(self.n_pairs).turned.times(growth).log_e(self.p - 1),
            ),
            alpha=self.alpha,
        )
        return Shortage(
            f"{self.n_pairs / self.deff:.0f} independent values cannot bound a p{100 * self.p:g} "
            f"at any time",
            None if growth is None else more_clusters(clusters, growth),
        )


def _among_failures(
    question: Question, pairs: Single, p: float, seen: AlwaysValid, looking: Looking
) -> Unavailable:
    e_harm = max(looking.memory.e_harm, e_of_log_e(seen.log_e_above))
    lack = Shortage(f"p{100 * p:g} is too close to the failed requests to be bounded")
    return replace(
        question.refuse(lack, pairs, certain_harm=math.isinf(seen.low)),
        memory=replace(looking.memory, e_harm=e_harm),
    )


def _surely_among_failures(question: Question, pairs: Paired, p: float) -> bool:
    """Whether the challenger's quantile surely lies among its failures, and not the champion's."""
    worst = question.sign * math.inf
    tail = 1 - p if question.sign > 0 else p
    goal = math.log(1 / question.alpha)
    failed, champion_failed = (
        staked_rate((side == worst).astype(np.float64), pairs.clusters, 1, strict=False).wager
        for side in (pairs.challenger, pairs.champion)
    )
    return failed.turned.log_e(-tail) > goal and champion_failed.log_e(tail) > goal

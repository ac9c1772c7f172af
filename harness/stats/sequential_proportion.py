"""Shares looked at any time: of both sides, or of one against a limit.

Theory of operation
===================

Every pair is a gain of 1, 0 or -1 (one side alone: of -x), and a bettor stakes capital on gains
being above minus the margin (`harness.stats.wager`). Nothing is approximated for independent pairs,
so no burn-in is needed and rare losses do no harm: with losses exactly at a margin of half a
percent, looked at all the time, a normal bound passed 14 to 80 % of runs and the bet 0.6 %.

Clusters enter in one of two ways.

*Deflated* (the usual): the counts are divided by the Rao-Scott design effect, as for a single look,
and by no less than pairs per cluster while fewer than 20 clusters differ. An approximation.

*Strict*: one unit per user, the mean of his pairs, once the window has passed since his first
request. Exact whatever pairs of a user have in common, and it needs several times more users. The
estimate then weighs users alike instead of pairs.

Where a gain of any size is asked for and every pair is its own cluster, only pairs that differ
speak, and McNemar's test for any number of looks (`harness.stats.sequential_mcnemar`) takes the
place of the bet; the bet still gives the interval.

References:
    Waudby-Smith & Ramdas (2024), Journal of the Royal Statistical Society B 86:1. Rao & Scott
    (1992), Biometrics 48:577.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike

from harness.metric import Better
from harness.stats.always_valid import AlwaysValid
from harness.stats.clusters import Clusters, Floats
from harness.stats.paired import Paired, Single
from harness.stats.proportion import RaoScott, impossible_margin, require_binary
from harness.stats.question import Counted, Question
from harness.stats.rate import Events
from harness.stats.sequential import Looking, concluded, growth_needed, refused
from harness.stats.sequential_mcnemar import SequentialMcNemar
from harness.stats.sufficiency import Shortage, shortage
from harness.stats.wager import Wager
from harness.verdict import Estimate, Unavailable

DEFLATED = "always valid: bets, Rao-Scott"
INDEPENDENT = "always valid: bets"
STRICT = "always valid: bets, one per cluster"
MCNEMAR = "always valid: sequential McNemar"

CLUSTER_WEIGHTED = "cluster-weighted"


def sequential_proportion_harm(
    champion: ArrayLike,
    challenger: ArrayLike,
    looking: Looking,
    *,
    better: Better,
    null: float,
    confidence: float,
    metric: str,
    unit: str,
) -> Estimate | Unavailable:
    """Estimate how much more often the challenger is wrong, at a look among any number.

    Args:
        champion: 1 for yes, 0 for no, NaN where unknown, in the order of arrival.
        challenger: The same for the challenger.
        looking: Strict where its `matured` is given, else deflated.

    Returns:
        As `harness.stats.proportion.proportion_harm`, with `e_value` and `memory`.
    """
    question = Question(metric, unit, better, null, confidence)
    seen, pairs = _counting(Paired.complete, looking, champion, challenger)
    lack = _shortage(seen, pairs) or impossible_margin(null)
    if lack is not None:
        return refused(question, lack, seen, looking)
    require_binary(pairs.champion)
    require_binary(pairs.challenger)
    gains = -question.sign * (pairs.challenger - pairs.champion)
    staked = _staked(gains, pairs.clusters, _Range(-1.0, 1.0), strict=looking.is_strict)
    if staked.method == INDEPENDENT and null == 0:
        return _mcnemar(question, pairs, staked, looking)
    return _estimate(
        question, pairs, staked, looking, sides=(_mean(pairs.champion), _mean(pairs.challenger))
    )


def sequential_rate_bound(
    values: ArrayLike,
    looking: Looking,
    *,
    null: float,
    confidence: float,
    metric: str,
    unit: str,
    better: Better = Better.LOWER,
) -> Estimate | Unavailable:
    """Estimate how often something happens, at a look among any number.

    Args:
        values: 1 where it happened, 0 where not, NaN where unknown, in the order of arrival.
        looking: As for `sequential_proportion_harm`.

    Returns:
        As `harness.stats.rate.rate_bound`, with `e_value` and `memory`.
    """
    question = Question(metric, unit, better, null, confidence)
    seen, pairs = _counting(Single.complete, looking, values)
    lack = _shortage(seen, pairs)
    if lack is not None:
        return refused(question, lack, seen, looking)
    require_binary(pairs.values)
    staked = staked_rate(pairs.values, pairs.clusters, question.sign, strict=looking.is_strict)
    return _estimate(question, pairs, staked, looking, sides=(None, _mean(pairs.values)))


@dataclass(frozen=True, slots=True)
class Staked:
    """A wager, and what makes its units.

    Attributes:
        gain: The mean gain that the wager is about.
        deff: Of a pair; 1 where every pair or every cluster is a unit.
    """

    wager: Wager
    gain: float
    deff: float
    method: str


def staked_rate(values: Floats, clusters: Clusters, sign: int, *, strict: bool) -> Staked:
    """The wager on yes-or-no values of one side; `sign` 1 where yes is a harm, else -1."""
    worst_and_best = _Range(-1.0, 0.0) if sign > 0 else _Range(0.0, 1.0)
    return _staked(-sign * values, clusters, worst_and_best, strict=strict)


@dataclass(frozen=True, slots=True)
class _Range:
    lowest: float
    highest: float


def _staked(gains: Floats, clusters: Clusters, ends: _Range, *, strict: bool) -> Staked:
    if strict:
        units = clusters.totals(gains) / clusters.sizes
        wager = Wager.on(units, lowest=ends.lowest, highest=ends.highest)
        return Staked(wager, float(units.mean()), 1.0, STRICT)
    two_sided = ends.lowest < 0 < ends.highest
    deff = RaoScott.of(gains, clusters).deff if two_sided else Events.of(abs(gains), clusters).deff
    alone = clusters.n_clusters == clusters.n_pairs
    wager = Wager.on(gains, lowest=ends.lowest, highest=ends.highest, deff=deff)
    return Staked(wager, float(gains.mean()), deff, INDEPENDENT if alone else DEFLATED)


def _estimate(
    question: Question,
    pairs: Paired | Single,
    staked: Staked,
    looking: Looking,
    *,
    sides: tuple[float | None, float],
) -> Estimate:
    wager, null = staked.wager, question.null
    found = concluded(
        question,
        pairs,
        wager.against(null, alpha=question.alpha),
        champion=sides[0],
        challenger=sides[1],
        harm=-staked.gain,
        method=staked.method,
        deff=staked.deff,
        memory=looking.memory,
        growth=growth_to_settle(staked, null, alpha=question.alpha),
    )
    return replace(found, estimand=CLUSTER_WEIGHTED) if staked.method == STRICT else found


def growth_to_settle(staked: Staked, null: float, *, alpha: float) -> float | None:
    """How many times as much of the same would settle it, as a pass or a fail by what is seen."""

    def log_e_at(growth: float) -> float:
        grown = staked.wager.times(growth)
        return grown.log_e(null) if -staked.gain < null else grown.turned.log_e(-null)

    return growth_needed(log_e_at, alpha=alpha)


def _mcnemar(question: Question, pairs: Paired, staked: Staked, looking: Looking) -> Estimate:
    counts = dict(zip(staked.wager.values.tolist(), staked.wager.weights.tolist(), strict=True))
    wins, losses = counts.get(1.0, 0.0), counts.get(-1.0, 0.0)
    test = SequentialMcNemar.tuned(alpha=2 * question.alpha)
    bets = staked.wager.against(0.0, alpha=question.alpha)
    more, fewer = max(wins, losses), min(wins, losses)
    return concluded(
        question,
        pairs,
        _about_zero(
            bets,
            AlwaysValid(
                low=bets.low,
                high=bets.high,
                log_e_below=test.log_e_greater(wins, losses),
                log_e_above=test.log_e_greater(losses, wins),
            ),
            alpha=question.alpha,
        ),
        champion=_mean(pairs.champion),
        challenger=_mean(pairs.challenger),
        harm=-staked.gain,
        method=MCNEMAR,
        deff=1.0,
        memory=looking.memory,
        growth=growth_needed(
            lambda growth: test.log_e_greater(growth * more, growth * fewer), alpha=question.alpha
        ),
    )


def _about_zero(bets: AlwaysValid, test: AlwaysValid, *, alpha: float) -> AlwaysValid:
    """The bets' bounds, and on which side of them 0 lies is for the test to say."""
    goal = math.log(1 / alpha)
    high = min(bets.high, -_NEXT_TO_ZERO) if test.log_e_below > goal else max(bets.high, 0.0)
    low = max(bets.low, _NEXT_TO_ZERO) if test.log_e_above > goal else min(bets.low, 0.0)
    return replace(test, low=low, high=high)


_NEXT_TO_ZERO = 1e-9


Pairs = TypeVar("Pairs", Paired, Single)


def _counting(
    complete: Callable[..., Pairs], looking: Looking, *sides: ArrayLike
) -> tuple[Pairs, Pairs]:
    """The pairs seen, and those of them that count already."""
    clusters, matured = looking.arrival.clusters, looking.matured
    seen = complete(*sides, clusters)
    if matured is None:
        return seen, seen
    only = [np.where(matured, np.asarray(side, dtype=np.float64), np.nan) for side in sides]
    return seen, replace(complete(*only, clusters), n_left_out=seen.n_left_out)


def _shortage(seen: Counted, counting: Counted) -> Shortage | None:
    """What forbids a look: too few clusters, or too few whose window has passed."""
    lack = shortage(seen.clusters)
    if lack is not None or shortage(counting.clusters) is None:
        return lack
    n_clusters = counting.clusters.n_clusters
    return Shortage(
        f"the window of {n_clusters} of {seen.clusters.n_clusters} clusters has passed, which is "
        f"too few"
    )


def _mean(values: Floats) -> float:
    return float(values.mean())

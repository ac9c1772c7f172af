"""From influence values to an estimate that may be looked at any time.

Theory of operation
===================

Means and quantiles go through the normal mixture of `harness.stats.always_valid`. Three things are
decided once, at the *burn-in*, and then frozen: that there is enough to go by, the tuning number
`r`, and the point of the run where that was. The burn-in is the first checkpoint of the run
(`harness.stats.arrival`) with 50 clusters, 20 of them with a value out of the ordinary, and nothing
else against it: skewness asks for 355 times its square in pairs, a quantile for 20 independent
values beyond it. Before it there is no verdict. With rare losses, a burn-in of 50 pairs alone would
let a harmful challenger pass four times in five.

`r` makes the bound tightest at the size a single planned look would have had,

    M = spread (z_alpha + z_beta)^2 / distance^2

with the distance of the harm that is expected from the null, 80 % power and the spread seen so far.
Three times more or less changes little.

Passing is asked of the e-value at hand, because what was true last week must still be true. An
alarm of harm is raised by the largest e-value any look has seen, and stays: both keep their error
over the whole run (Ville's inequality), and this is the side on which to err.

References:
    Howard, Ramdas, McAuliffe & Sekhon (2021), Annals of Statistics 49:1055. Waudby-Smith, Arbour,
    Sinha, Kennedy & Ramdas (2024), Annals of Statistics 52:2613.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from harness.stats.always_valid import (
    AlwaysValid,
    NormalMixture,
    always_valid,
    e_of_log_e,
    p_of_log_e,
)
from harness.stats.arrival import FIRST_CHECKPOINT, Arrival, next_checkpoint
from harness.stats.clustered import Clustered, cr2, design_effect
from harness.stats.clusters import Booleans
from harness.stats.linearised import Linearised, Objection
from harness.stats.paired import Paired, Single
from harness.stats.planning import LARGEST_GROWTH, POWER
from harness.stats.question import Counted, Question
from harness.stats.sequential_mcnemar import SequentialMcNemar
from harness.stats.sufficiency import Shortage, cautions, more_clusters, shortage
from harness.verdict import Estimate, Memory, Tuning, Unavailable

MIN_DIFFERING_CLUSTERS = 20
"""With rare events the variance is not to be believed before so many clusters have one."""

_FARTHEST_PLAN = 1000.0
"""A margin of next to nothing would plan for longer than anyone waits."""

_UNPLANNED = 4.0
"""Times the pairs at the burn-in that we plan for where nothing says how far the harm lies."""

ColumnAt = Callable[[int], Linearised | Unavailable]
"""The estimate from the first so many pairs."""


NOTHING_SEEN = Memory()


@dataclass(frozen=True, slots=True)
class Looking:
    """What a look needs besides the values.

    Attributes:
        expected: The harm that is planned for, in the unit of the null; None where the rule does
            not say, and the one seen at the burn-in is taken.
        planned_pairs: Where the bound is to be tightest, if somebody planned for it.
        memory: What earlier looks left; an empty one at the first.
        matured: Where every cluster is one unit: the pairs that count already, in the order of
            arrival. Shares alone ask for it.
    """

    arrival: Arrival
    expected: float | None = None
    planned_pairs: int | None = None
    memory: Memory = NOTHING_SEEN
    matured: Booleans | None = None

    @property
    def is_strict(self) -> bool:
        """Whether every cluster is one unit."""
        return self.matured is not None


def of_both(
    question: Question,
    champion: ArrayLike,
    challenger: ArrayLike,
    looking: Looking,
    column_of: Callable[[Paired], Linearised | Shortage | Unavailable],
) -> ColumnAt:
    """The estimate from the first so many pairs, of both sides in the order of arrival."""
    left = np.asarray(champion, dtype=np.float64)
    right = np.asarray(challenger, dtype=np.float64)

    def column_at(n_pairs: int) -> Linearised | Unavailable:
        clusters = looking.arrival.first(n_pairs)
        pairs = Paired.complete(left[:n_pairs], right[:n_pairs], clusters)
        column = shortage(pairs.clusters) or column_of(pairs)
        return question.refuse(column, pairs) if isinstance(column, Shortage) else column

    return column_at


def of_one(
    question: Question,
    values: ArrayLike,
    looking: Looking,
    column_of: Callable[[Single], Linearised | Shortage],
) -> ColumnAt:
    """The same of one value per pair."""
    given = np.asarray(values, dtype=np.float64)

    def column_at(n_pairs: int) -> Linearised | Unavailable:
        pairs = Single.complete(given[:n_pairs], looking.arrival.first(n_pairs))
        column = shortage(pairs.clusters) or column_of(pairs)
        return question.refuse(column, pairs) if isinstance(column, Shortage) else column

    return column_at


def refused(question: Question, lack: Shortage, pairs: Counted, looking: Looking) -> Unavailable:
    """No estimate at this look, which forgets nothing of the ones before."""
    return replace(question.refuse(lack, pairs), memory=looking.memory)


def look(
    question: Question,
    column_at: ColumnAt,
    looking: Looking,
    *,
    kind: str,
    objection: Objection | None = None,
) -> Estimate | Unavailable:
    """Estimate at a look among any number of looks.

    Args:
        kind: What is compared, put before the name of the method.
        objection: Asked at the burn-in and at every look after it.
    """
    memory = looking.memory
    column = column_at(looking.arrival.n_pairs)
    if isinstance(column, Unavailable):
        return replace(column, memory=memory)
    lack = _too_early(column, objection)
    if lack is None and not _varies(column):
        return _of_identical(question, column, memory, kind)
    if lack is None:
        tuning = memory.tuning or _at_burn_in(question, column_at, looking, objection)
        if tuning is not None:
            return _estimate(question, column, replace(memory, tuning=tuning), kind)
        lack = _between_checkpoints(looking.arrival)
    refused = question.refuse(lack, column, champion=column.champion, challenger=column.challenger)
    return replace(refused, memory=memory)


def concluded(
    question: Question,
    pairs: Counted,
    seen: AlwaysValid,
    *,
    champion: float | None,
    challenger: float,
    harm: float,
    method: str,
    deff: float,
    memory: Memory,
    growth: float | None,
    warnings: tuple[str, ...] = (),
) -> Estimate:
    """The estimate of a look; bounds are in the unit of the harm.

    Args:
        growth: How many times as much data would likely settle it; None if none.
    """
    clusters = pairs.clusters
    memory = replace(memory, e_harm=max(memory.e_harm, e_of_log_e(seen.log_e_above)))
    enough = None if growth is None else math.ceil(clusters.n_clusters * growth)
    return Estimate(
        metric=question.metric,
        unit=question.unit,
        champion=champion,
        challenger=challenger,
        harm=harm + 0.0,  # never a negative zero
        harm_low=seen.low,
        harm_high=seen.high,
        confidence=question.confidence,
        null=question.null,
        p_value=p_of_log_e(seen.log_e_below),
        p_harm=min(1.0, 1 / memory.e_harm),
        method=method,
        n_pairs=clusters.n_pairs,
        n_clusters=clusters.n_clusters,
        n_left_out=pairs.n_left_out,
        relative=question.relative,
        deff=deff,
        warnings=cautions(clusters) + warnings,
        e_value=e_of_log_e(seen.log_e_below),
        memory=memory,
        clusters_enough=enough,
    )


def growth_needed(log_e_at: Callable[[float], float], *, alpha: float) -> float | None:
    """How many times as much data would bring the e-value to `1 / alpha`, if all stays as it is.

    Args:
        log_e_at: The log e-value with so many times the data at hand.

    Returns:
        1 or more; None beyond a hundred times.
    """
    goal = math.log(1 / alpha)
    if log_e_at(LARGEST_GROWTH) < goal:
        return None
    low, high = 1.0, LARGEST_GROWTH
    while high > low * 1.001:
        middle = math.sqrt(low * high)
        low, high = (low, middle) if log_e_at(middle) >= goal else (middle, high)
    return high


def _too_early(column: Linearised, objection: Objection | None) -> Shortage | None:
    """What keeps this from being a burn-in, or a look after it."""
    clusters = column.clusters
    if clusters.n_clusters < FIRST_CHECKPOINT:
        return Shortage(
            f"{clusters.n_clusters} clusters are too few to look at any time, "
            f"{FIRST_CHECKPOINT} are needed",
            FIRST_CHECKPOINT - clusters.n_clusters,
        )
    if not _varies(column):
        return None
    usual = float(np.median(column.influence))
    unusual = np.abs(column.influence - usual) > column.summed().rounding
    n_differing = int(np.count_nonzero(clusters.totals(unusual)))
    if n_differing < MIN_DIFFERING_CLUSTERS:
        return Shortage(
            f"only {n_differing} clusters have a value out of the ordinary, "
            f"{MIN_DIFFERING_CLUSTERS} are needed to look at any time",
            more_clusters(clusters, MIN_DIFFERING_CLUSTERS / n_differing) if n_differing else None,
        )
    if objection is None:
        return None
    return objection(column.summed(), _deff(column, _moment(column)))


def _between_checkpoints(arrival: Arrival) -> Shortage:
    n_clusters = arrival.clusters.n_clusters
    ahead = next_checkpoint(n_clusters)
    return Shortage(
        f"enough is there to begin with, and that is checked again at {ahead:,} clusters",
        ahead - n_clusters,
    )


def _at_burn_in(
    question: Question, column_at: ColumnAt, looking: Looking, objection: Objection | None
) -> Tuning | None:
    """The tuning at the first checkpoint with enough to go by."""
    for n_pairs in looking.arrival.checkpoints:
        column = column_at(n_pairs)
        if isinstance(column, Unavailable) or _too_early(column, objection) is not None:
            continue
        if _varies(column):
            return _tuned(question, column, looking)
    return None


def _tuned(question: Question, column: Linearised, looking: Looking) -> Tuning:
    n_pairs = column.clusters.n_pairs
    variance = _moment(column).variance * n_pairs**2
    growth = min(_FARTHEST_PLAN, max(1.0, _planned_growth(question, column, variance, looking)))
    mixture = NormalMixture.one_sided(variance * growth, alpha=question.alpha)
    return Tuning(mixture.r, n_pairs, column.clusters.n_clusters)


def _planned_growth(
    question: Question, column: Linearised, variance: float, looking: Looking
) -> float:
    """How many times the pairs at the burn-in a single planned look would have."""
    n_pairs, null = column.clusters.n_pairs, question.on_test_scale(question.null)
    if looking.planned_pairs is not None:
        return looking.planned_pairs / n_pairs
    expected = looking.expected
    at = column.position if expected is None else question.on_test_scale(expected)
    if at == null:
        return _UNPLANNED
    effort = float(stats.norm.ppf(question.confidence) + stats.norm.ppf(POWER))
    return variance * (effort / (n_pairs * (at - null))) ** 2


def _estimate(question: Question, column: Linearised, memory: Memory, kind: str) -> Estimate:
    assert memory.tuning is not None
    clusters, null = column.clusters, question.on_test_scale(question.null)
    moment, mixture = _moment(column), NormalMixture(memory.tuning.r)
    seen = always_valid(moment, clusters.n_pairs, mixture, null=null, alpha=question.alpha)
    score = clusters.n_pairs * abs(column.position - null)
    variance = moment.variance * clusters.n_pairs**2

    def log_e_at(growth: float) -> float:
        return mixture.log_e_greater(growth * score, growth * variance)

    return concluded(
        question,
        column,
        replace(seen, low=question.as_harm(seen.low), high=question.as_harm(seen.high)),
        champion=column.champion,
        challenger=column.challenger,
        harm=question.as_harm(column.position),
        method=f"{kind}, always valid: normal mixture, CR2",
        deff=_deff(column, moment),
        memory=memory,
        growth=growth_needed(log_e_at, alpha=question.alpha),
    )


def _of_identical(
    question: Question, column: Linearised, memory: Memory, kind: str
) -> Estimate | Unavailable:
    """Every cluster has the same harm: a coin that shows one side only, tossed once a cluster."""
    null, reach = question.on_test_scale(question.null), column.summed().rounding
    if abs(column.position) <= reach:
        lack = Shortage("the harm is 0 on every pair, so nothing is known of how much it could be")
        return replace(question.refuse(lack, column), memory=memory)
    toss, n_tosses = SequentialMcNemar.tuned(alpha=2 * question.alpha), column.clusters.n_clusters
    one_way, other_way = toss.log_e_greater(n_tosses, 0), toss.log_e_greater(0, n_tosses)
    seen = AlwaysValid(
        low=question.as_harm(column.position - reach),
        high=question.as_harm(column.position + reach),
        log_e_below=one_way if column.position + reach < null else other_way,
        log_e_above=one_way if column.position - reach > null else other_way,
    )
    return concluded(
        question,
        column,
        seen,
        champion=column.champion,
        challenger=column.challenger,
        harm=question.as_harm(column.position),
        method=f"{kind}, always valid: cluster sign flips",
        deff=1.0,
        memory=memory,
        growth=None,
    )


def _varies(column: Linearised) -> bool:
    return column.summed().varies


def _moment(column: Linearised) -> Clustered:
    return cr2(column.position, column.clusters.totals(column.influence), column.clusters.sizes)


def _deff(column: Linearised, moment: Clustered) -> float:
    return design_effect(moment, column.summed().spread, column.clusters.n_pairs)

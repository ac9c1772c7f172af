"""How much worse the challenger is on average, looked at any time.

The estimates are those of `harness.stats.mean`, held against the normal mixture. Skewness is always
asked, also of a latency that ends at its timeout: the first looks lean on a tail that has hardly
been seen, and a limit far away is no help. Where no pair differs at all there is no variance to go
by; then a bet on the rule of three's assumption answers, as in `harness.stats.no_difference`.
So does one on a level that is zero throughout, where its largest value is known by nature.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from harness.metric import Better
from harness.stats.clusters import Floats, Grouped
from harness.stats.linearised import Linearised
from harness.stats.mean import INFINITE, harm_column, level_column, skewness_problem
from harness.stats.no_difference import differs_nowhere
from harness.stats.paired import Paired, Single
from harness.stats.paired_sums import PairedSums
from harness.stats.question import Counted, Question
from harness.stats.sequential import Looking, concluded, growth_needed, look, of_both, of_one
from harness.stats.sufficiency import Shortage, shortage
from harness.stats.wager import Wager
from harness.verdict import Estimate, Unavailable


def sequential_mean_harm(
    champion: ArrayLike,
    challenger: ArrayLike,
    looking: Looking,
    *,
    better: Better,
    null: float,
    confidence: float,
    metric: str,
    unit: str,
    relative: bool = False,
) -> Estimate | Unavailable:
    """Estimate how much worse the challenger's mean is, at a look among any number.

    Args:
        champion: One value per pair in the order of arrival; NaN where there is none.
        challenger: The same for the challenger.

    Returns:
        As `harness.stats.mean.mean_harm`, with `e_value` and `memory`; `Unavailable` before the
        burn-in too.
    """
    question = Question(metric, unit, better, null, confidence, relative)

    def column_of(pairs: Paired) -> Linearised | Shortage:
        return _infinite(pairs.champion, pairs.challenger) or harm_column(question, pairs)

    sums = PairedSums.of(Paired.complete(champion, challenger, looking.arrival.clusters))
    if (
        shortage(sums.clusters) is None
        and question.impossible_margin is None
        and differs_nowhere(sums)
    ):
        return _no_difference(question, sums, looking)
    column_at = of_both(question, champion, challenger, looking, column_of)
    kind = "log ratio of means" if relative else "mean difference"
    return look(question, column_at, looking, kind=kind, objection=skewness_problem)


def sequential_mean_bound(
    values: ArrayLike,
    looking: Looking,
    *,
    null: float,
    confidence: float,
    metric: str,
    unit: str,
    better: Better = Better.LOWER,
    reach: float | None = None,
) -> Estimate | Unavailable:
    """Estimate the mean of one value per pair, at a look among any number.

    Args:
        values: In the order of arrival; NaN where there is none.
        reach: The largest value by nature, either way. Zeros throughout are then answered by bets;
            with None they cannot be judged.

    Returns:
        As `harness.stats.mean.mean_bound`, with `e_value` and `memory`.
    """
    question = Question(metric, unit, better, null, confidence)

    def column_of(pairs: Single) -> Linearised | Shortage:
        return _infinite(pairs.values) or level_column(question, pairs)

    seen = Single.complete(values, looking.arrival.clusters)
    if reach is not None and shortage(seen.clusters) is None and not seen.values.any():
        sides = (None, 0.0)
        return _silent(question, seen, looking, reach=reach, method="no harm seen", sides=sides)
    column_at = of_one(question, values, looking, column_of)
    return look(question, column_at, looking, kind="mean", objection=skewness_problem)


def _infinite(*sides: Floats) -> Shortage | None:
    return None if all(np.isfinite(side).all() for side in sides) else INFINITE


def _no_difference(question: Question, pairs: PairedSums, looking: Looking) -> Estimate:
    """A bet that differing pairs are rare, each costing at most the largest value seen."""
    mean, most = pairs.champion_mean, pairs.champion_range.high
    assumed = (
        f"no pair differs; the bound takes {most:.6g}, the largest value seen, for the largest "
        f"there is"
    )
    return _silent(
        question,
        pairs,
        looking,
        reach=most / mean if question.relative else most,
        method="no difference seen",
        sides=(mean, mean),
        warnings=(assumed,),
    )


def _silent(
    question: Question,
    pairs: Counted,
    looking: Looking,
    *,
    reach: float,
    method: str,
    sides: tuple[float | None, float],
    warnings: tuple[str, ...] = (),
) -> Estimate:
    """A bet that harm, which no pair shows, is rare: at most `reach` where there is some."""
    n_effective = _effective(pairs.clusters)
    wager = Wager(np.zeros(1), np.array([n_effective]), -reach, reach)
    return concluded(
        question,
        pairs,
        wager.against(question.null, alpha=question.alpha),
        champion=sides[0],
        challenger=sides[1],
        harm=0.0,
        method=f"{method}, always valid: bets",
        deff=pairs.clusters.n_pairs / n_effective,
        memory=looking.memory,
        growth=growth_needed(
            lambda growth: wager.times(growth).log_e(question.null), alpha=question.alpha
        ),
        warnings=warnings,
    )


def _effective(clusters: Grouped) -> float:
    """As many clusters of equal size would tell as much."""
    return float(clusters.sizes.sum() ** 2 / (clusters.sizes @ clusters.sizes))

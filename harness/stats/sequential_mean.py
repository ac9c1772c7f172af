"""How much worse the challenger is on average, looked at any time.

The estimates are those of `harness.stats.mean`, held against the normal mixture. Skewness is always
asked, also of a latency that ends at its timeout: the first looks lean on a tail that has hardly
been seen, and a limit far away is no help. Where no pair differs at all there is no variance to go
by; then a bet on the rule of three's assumption answers, as in `harness.stats.no_difference`.
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
from harness.stats.question import Question
from harness.stats.sequential import Looking, concluded, growth_needed, look
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
    left = np.asarray(champion, dtype=np.float64)
    right = np.asarray(challenger, dtype=np.float64)

    def column_at(n_pairs: int) -> Linearised | Unavailable:
        clusters = looking.arrival.first(n_pairs)
        pairs = Paired.complete(left[:n_pairs], right[:n_pairs], clusters)
        lack = shortage(pairs.clusters) or _infinite(pairs.champion, pairs.challenger)
        if lack is not None:
            return question.refuse(lack, pairs)
        column = harm_column(question, pairs)
        return question.refuse(column, pairs) if isinstance(column, Shortage) else column

    sums = PairedSums.of(Paired.complete(left, right, looking.arrival.clusters))
    if (
        shortage(sums.clusters) is None
        and question.impossible_margin is None
        and differs_nowhere(sums)
    ):
        return _no_difference(question, sums, looking)
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
) -> Estimate | Unavailable:
    """Estimate the mean of one value per pair, at a look among any number.

    Args:
        values: In the order of arrival; NaN where there is none.

    Returns:
        As `harness.stats.mean.mean_bound`, with `e_value` and `memory`.
    """
    question = Question(metric, unit, better, null, confidence)
    given = np.asarray(values, dtype=np.float64)

    def column_at(n_pairs: int) -> Linearised | Unavailable:
        pairs = Single.complete(given[:n_pairs], looking.arrival.first(n_pairs))
        lack = shortage(pairs.clusters) or _infinite(pairs.values)
        return level_column(question, pairs) if lack is None else question.refuse(lack, pairs)

    return look(question, column_at, looking, kind="mean", objection=skewness_problem)


def _infinite(*sides: Floats) -> Shortage | None:
    return None if all(np.isfinite(side).all() for side in sides) else INFINITE


def _no_difference(question: Question, pairs: PairedSums, looking: Looking) -> Estimate:
    """A bet that differing pairs are rare, each costing at most the largest value seen."""
    mean, most = pairs.champion_mean, pairs.champion_range.high
    reach = most / mean if question.relative else most
    n_effective = _effective(pairs.clusters)
    wager = Wager(np.zeros(1), np.array([n_effective]), -reach, reach)
    return concluded(
        question,
        pairs,
        wager.against(question.null, alpha=question.alpha),
        champion=mean,
        challenger=mean,
        harm=0.0,
        method="no difference seen, always valid: bets",
        deff=pairs.clusters.n_pairs / n_effective,
        memory=looking.memory,
        growth=growth_needed(
            lambda growth: wager.times(growth).log_e(question.null), alpha=question.alpha
        ),
        warnings=(
            f"no pair differs; the bound takes {most:.6g}, the largest value seen, for the "
            f"largest there is",
        ),
    )


def _effective(clusters: Grouped) -> float:
    """As many clusters of equal size would tell as much."""
    return float(clusters.sizes.sum() ** 2 / (clusters.sizes @ clusters.sizes))

"""How much worse the challenger is on average.

Absolute: the mean of the paired differences. Relative: the log of the ratio of the two means, for
quantities that are positive and skewed, a cost or a latency; its influence on pair `i` is
`challenger_i / mean(challenger) - champion_i / mean(champion)`. Both go through the clustered
t-test. The estimate weighs pairs alike, so heavy users weigh more.

References:
    Kohavi et al. (2014), KDD, for how many pairs a skewed difference needs. Fieller (1954) for why
    a ratio wants a denominator far from zero.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from harness.metric import Better
from harness.stats.clustered import clustered_mean
from harness.stats.clusters import Clusters, Floats
from harness.stats.linearised import Linearised, estimate, largest
from harness.stats.no_difference import differs_nowhere, no_difference, nothing_seen
from harness.stats.paired import Paired, Single
from harness.stats.question import Question
from harness.stats.sufficiency import Shortage, more_clusters, shortage
from harness.verdict import Estimate, Unavailable

# A normal interval needs 355 times the squared skewness in independent pairs (Kohavi et al. 2014).
PAIRS_PER_SQUARED_SKEWNESS = 355

# The champion's mean has to be this many standard errors from zero to divide by it.
MIN_DENOMINATOR_SE = 10

INFINITE = Shortage("a value is infinite, so there is no mean")


def mean_harm(
    champion: ArrayLike,
    challenger: ArrayLike,
    clusters: Clusters,
    *,
    better: Better,
    null: float,
    confidence: float,
    metric: str,
    unit: str,
    relative: bool = False,
    bounded: bool = False,
) -> Estimate | Unavailable:
    """Estimate how much worse the challenger's mean is.

    Args:
        champion: One value per pair; NaN where there is none. Such pairs are left out and counted.
        challenger: The same for the challenger.
        clusters: Aligned with both.
        better: Which way the quantity improves.
        null: The margin, as a harm; a relative one where `relative` (0.1 for 10 %).
        confidence: 1 minus the error on each side, above 0.5.
        relative: Whether harm is the relative change of the mean.
        bounded: Whether values have a natural bound, so that no rare huge one can be waiting; the
            skewness is then not asked.

    Returns:
        The estimate; `Unavailable` with fewer than eight clusters, with one cluster holding nearly
        everything, where the skewness asks for more pairs, where every value is zero, or, for a
        relative harm, where the champion's mean is too close to zero. Equal values on every pair
        are answered by the rule of three (`harness.stats.no_difference`).

    Examples:
        >>> pairs = Clusters.independent(40)
        >>> before = np.arange(40.0)
        >>> after = before + 1 + (-1.0) ** np.arange(40)
        >>> found = mean_harm(before, after, pairs, better=Better.LOWER, null=2.0,
        ...     confidence=0.95, metric="output_tokens.mean", unit="tokens")
        >>> round(found.harm, 3), round(found.harm_high, 3), found.p_value < 0.05
        (1.0, 1.27, True)
    """
    question = Question(metric, unit, better, null, confidence, relative)
    pairs = Paired.complete(champion, challenger, clusters)
    lack = shortage(pairs.clusters)
    if lack is not None:
        return question.refuse(lack, pairs)
    if not (np.isfinite(pairs.champion).all() and np.isfinite(pairs.challenger).all()):
        return question.refuse(INFINITE, pairs)
    if differs_nowhere(pairs) and question.impossible_margin is None:
        return no_difference(question, pairs)
    column = harm_column(question, pairs)
    if isinstance(column, Shortage):
        return question.refuse(column, pairs)
    return estimate(
        question,
        column,
        kind="log ratio of means" if relative else "mean difference",
        objection=None if bounded else skewness_problem,
    )


def mean_bound(
    values: ArrayLike,
    clusters: Clusters,
    *,
    null: float,
    confidence: float,
    metric: str,
    unit: str,
    better: Better = Better.LOWER,
    bounded: bool = False,
    reach: float | None = None,
) -> Estimate | Unavailable:
    """Estimate the mean of one value per pair: a distance, or the challenger's own mean.

    With `Better.LOWER` the value is the harm; with `Better.HIGHER` the harm is the value with the
    other sign, and so is `null`: "at least 0.9" asks whether the harm is below -0.9.

    Args:
        values: One value per pair; NaN where there is none.
        null: The limit, as a harm.
        reach: The largest value by nature, either way. Zeros throughout are then answered by the
            rule of three; with None they cannot be judged.

    Returns:
        As `mean_harm`; `champion` is None.
    """
    question = Question(metric, unit, better, null, confidence)
    pairs = Single.complete(values, clusters)
    lack = shortage(pairs.clusters)
    if lack is not None:
        return question.refuse(lack, pairs)
    if not np.isfinite(pairs.values).all():
        return question.refuse(INFINITE, pairs)
    if reach is not None and not pairs.values.any():
        return nothing_seen(question, pairs, reach=reach)
    column = level_column(question, pairs)
    return estimate(question, column, kind="mean", objection=None if bounded else skewness_problem)


def harm_column(question: Question, pairs: Paired) -> Linearised | Shortage:
    """The mean harm of finite pairs and what each contributes; why there is none otherwise."""
    return _relative(question, pairs) if question.relative else _absolute(question, pairs)


def level_column(question: Question, pairs: Single) -> Linearised:
    """The mean of one finite value per pair, turned, and what each contributes."""
    mean = float(pairs.values.mean())
    return Linearised(
        champion=None,
        challenger=mean,
        position=question.sign * mean,
        influence=question.sign * (pairs.values - mean),
        scale=largest(pairs.values),
        clusters=pairs.clusters,
        n_left_out=pairs.n_left_out,
    )


def _absolute(question: Question, pairs: Paired) -> Linearised:
    difference = question.sign * (pairs.challenger - pairs.champion)
    harm = float(difference.mean())
    return Linearised(
        champion=float(pairs.champion.mean()),
        challenger=float(pairs.challenger.mean()),
        position=harm,
        influence=difference - harm,
        scale=max(largest(pairs.champion), largest(pairs.challenger)),
        clusters=pairs.clusters,
        n_left_out=pairs.n_left_out,
    )


def _relative(question: Question, pairs: Paired) -> Linearised | Shortage:
    champion, challenger = float(pairs.champion.mean()), float(pairs.challenger.mean())
    lack = question.impossible_margin or _ratio_problem(pairs, champion, challenger)
    if lack is not None:
        return lack
    influence = pairs.challenger / challenger - pairs.champion / champion
    return Linearised(
        champion=champion,
        challenger=challenger,
        position=question.sign * math.log(challenger / champion),
        influence=question.sign * influence,
        scale=max(largest(pairs.champion) / champion, largest(pairs.challenger) / challenger),
        clusters=pairs.clusters,
        n_left_out=pairs.n_left_out,
    )


def _ratio_problem(pairs: Paired, champion: float, challenger: float) -> Shortage | None:
    least = MIN_DENOMINATOR_SE * clustered_mean(pairs.champion, pairs.clusters).se
    if champion <= 0 or champion <= least:
        return Shortage(
            f"the champion's mean, {champion:.3g}, is too close to zero for a relative margin: "
            f"use an absolute one"
        )
    if challenger <= 0:
        return Shortage(
            f"the challenger's mean, {challenger:.3g}, has no ratio: use an absolute margin"
        )
    return None


def skewness_problem(column: Linearised, deff: float) -> Shortage | None:
    """More pairs are needed the more skewed their influence is (Kohavi et al. 2014)."""
    at_hand = column.clusters.n_pairs / max(1.0, deff)
    # The square of a measured skewness is 6 / n too large on average (for normal values): without
    # taking that off, a third of all samples of forty normal values would be called skewed.
    squared = _skewness(column.influence) ** 2 - 6 / at_hand
    needed = PAIRS_PER_SQUARED_SKEWNESS * squared
    if at_hand >= needed:
        return None
    return Shortage(
        f"the differences are so skewed that {math.ceil(needed)} independent pairs are needed for "
        f"their mean, and these count as {math.floor(at_hand)}",
        more_clusters(column.clusters, needed / at_hand),
    )


def _skewness(influence: Floats) -> float:
    squares = influence * influence
    third = float(squares @ influence) / influence.size
    return third / math.pow(float(squares.mean()), 1.5)

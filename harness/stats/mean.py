"""How much worse the challenger is on average.

Absolute: the mean of the paired differences. Relative: the log of the ratio of the two means, for
quantities that are positive and skewed, a cost or a latency; its influence on pair `i` is
`challenger_i / mean(challenger) - champion_i / mean(champion)`. Both go through the clustered
t-test. The estimate weighs pairs alike, so heavy users weigh more.

Sums are enough to work with: those of both sides by cluster give the estimate (`harm_of_sums`),
and with it every pair's influence is known, of which two more sums are needed (`judged_harm`).
Pairs may be added up in parts and in any order.

References:
    Kohavi et al. (2014), KDD, for how many pairs a skewed difference needs. Fieller (1954) for why
    a ratio wants a denominator far from zero.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from harness.metric import Better
from harness.stats.clustered import cr2
from harness.stats.clusters import Clusters, Floats
from harness.stats.linearised import SMALLEST, Linearised, Summed, estimate
from harness.stats.no_difference import differs_nowhere, no_difference, nothing_seen
from harness.stats.paired import Paired, Single
from harness.stats.paired_sums import PairedSums, SingleSums
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
    sums = PairedSums.of(pairs)
    harm = harm_of_sums(question, sums)
    if not isinstance(harm, Weighing):
        return harm
    moments = Moments.of(harm.influence(pairs.champion, pairs.challenger))
    return judged_harm(question, sums, harm, moments, bounded=bounded)


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
    sums = SingleSums.of(pairs)
    level = level_of_sums(question, sums, reach=reach)
    if not isinstance(level, float):
        return level
    moments = Moments.of(question.sign * (pairs.values - level))
    return judged_level(question, sums, level, moments, bounded=bounded)


@dataclass(frozen=True, slots=True)
class Weighing:
    """A mean harm, and how each pair weighs in it.

    The influence of a pair is `sign (b / challenger_unit - a / champion_unit) - centre`.

    Attributes:
        champion: Its mean; `challenger` likewise.
        position: The harm on the scale that is tested.
        champion_unit: Its mean where the harm is relative, else 1.
        scale: Size of the values on that scale.
    """

    sign: int
    champion: float
    challenger: float
    position: float
    champion_unit: float
    challenger_unit: float
    centre: float
    scale: float

    def influence(self, champion: Floats, challenger: Floats) -> Floats:
        """Of each pair, from its two values."""
        difference = challenger / self.challenger_unit - champion / self.champion_unit
        return np.asarray(self.sign * difference - self.centre)

    def totals(self, sums: PairedSums) -> Floats:
        """Of each cluster."""
        if self.champion_unit == self.challenger_unit:
            difference = sums.difference / self.champion_unit
        else:
            difference = sums.challenger / self.challenger_unit - sums.champion / self.champion_unit
        return np.asarray(self.sign * difference - self.centre * sums.clusters.sizes)


@dataclass(frozen=True, slots=True)
class Moments:
    """Sums over the pairs of their squared and cubed influence."""

    squares: float
    cubes: float

    @classmethod
    def of(cls, influence: Floats) -> Moments:
        squared = influence * influence
        return cls(float(influence @ influence), float(squared @ influence))


def harm_of_sums(question: Question, sums: PairedSums) -> Weighing | Estimate | Unavailable:
    """The mean harm from sums, for `judged_harm`; the answer where that needs no more."""
    lack = shortage(sums.clusters)
    if lack is not None:
        return question.refuse(lack, sums)
    if not sums.is_finite:
        return question.refuse(INFINITE, sums)
    if differs_nowhere(sums) and question.impossible_margin is None:
        return no_difference(question, sums)
    harm = _weighing(question, sums)
    return question.refuse(harm, sums) if isinstance(harm, Shortage) else harm


def judged_harm(
    question: Question, sums: PairedSums, harm: Weighing, moments: Moments, *, bounded: bool = False
) -> Estimate | Unavailable:
    """The estimate of a mean harm.

    Args:
        moments: Of the influence that `harm` gives each pair.
    """
    return estimate(
        question,
        summed_harm(sums, harm, moments),
        kind="log ratio of means" if question.relative else "mean difference",
        objection=None if bounded else skewness_problem,
    )


def summed_harm(sums: PairedSums, harm: Weighing, moments: Moments) -> Summed:
    """A mean harm with its influence added up; arguments as for `judged_harm`."""
    return Summed(
        champion=harm.champion,
        challenger=harm.challenger,
        position=harm.position,
        totals=harm.totals(sums),
        squares=moments.squares,
        cubes=moments.cubes,
        scale=harm.scale,
        clusters=sums.clusters,
        n_left_out=sums.n_left_out,
    )


def level_of_sums(
    question: Question, sums: SingleSums, *, reach: float | None = None
) -> float | Estimate | Unavailable:
    """The mean from sums, for `judged_level`; the answer where that needs no more."""
    lack = shortage(sums.clusters)
    if lack is not None:
        return question.refuse(lack, sums)
    if not sums.is_finite:
        return question.refuse(INFINITE, sums)
    if reach is not None and sums.range.reach == 0:
        return nothing_seen(question, sums, reach=reach)
    return sums.mean


def judged_level(
    question: Question, sums: SingleSums, level: float, moments: Moments, *, bounded: bool = False
) -> Estimate | Unavailable:
    """The estimate of a mean.

    Args:
        moments: Of the values around it, turned so that positive is worse.
    """
    return estimate(
        question,
        Summed(
            champion=None,
            challenger=level,
            position=question.sign * level,
            totals=question.sign * (sums.totals - level * sums.clusters.sizes),
            squares=moments.squares,
            cubes=moments.cubes,
            scale=sums.range.reach,
            clusters=sums.clusters,
            n_left_out=sums.n_left_out,
        ),
        kind="mean",
        objection=None if bounded else skewness_problem,
    )


def harm_column(question: Question, pairs: Paired) -> Linearised | Shortage:
    """The mean harm of finite pairs and what each contributes; why there is none otherwise."""
    harm = _weighing(question, PairedSums.of(pairs))
    if isinstance(harm, Shortage):
        return harm
    return Linearised(
        champion=harm.champion,
        challenger=harm.challenger,
        position=harm.position,
        influence=harm.influence(pairs.champion, pairs.challenger),
        scale=harm.scale,
        clusters=pairs.clusters,
        n_left_out=pairs.n_left_out,
    )


def level_column(question: Question, pairs: Single) -> Linearised:
    """The mean of one finite value per pair, turned, and what each contributes."""
    sums = SingleSums.of(pairs)
    return Linearised(
        champion=None,
        challenger=sums.mean,
        position=question.sign * sums.mean,
        influence=question.sign * (pairs.values - sums.mean),
        scale=sums.range.reach,
        clusters=pairs.clusters,
        n_left_out=pairs.n_left_out,
    )


def _weighing(question: Question, sums: PairedSums) -> Weighing | Shortage:
    """How pairs weigh in the harm: by their difference, or each side by its mean."""
    champion, challenger = sums.champion_mean, sums.challenger_mean
    reach = sums.champion_range.reach, sums.challenger_range.reach
    if not question.relative:
        harm = question.sign * sums.mean_difference
        return Weighing(question.sign, champion, challenger, harm, 1.0, 1.0, harm, max(reach))
    lack = question.impossible_margin or _ratio_problem(sums)
    if lack is not None:
        return lack
    return Weighing(
        sign=question.sign,
        champion=champion,
        challenger=challenger,
        position=question.sign * math.log(challenger / champion),
        champion_unit=champion,
        challenger_unit=challenger,
        centre=0.0,
        scale=max(reach[0] / champion, reach[1] / challenger),
    )


def _ratio_problem(sums: PairedSums) -> Shortage | None:
    champion, challenger = sums.champion_mean, sums.challenger_mean
    centred = sums.champion - champion * sums.clusters.sizes
    least = MIN_DENOMINATOR_SE * cr2(champion, centred, sums.clusters.sizes).se
    if champion <= max(least, SMALLEST):
        return Shortage(
            f"the champion's mean, {champion:.3g}, is too close to zero for a relative margin: "
            f"use an absolute one"
        )
    if challenger <= SMALLEST:
        return Shortage(
            f"the challenger's mean, {challenger:.3g}, has no ratio: use an absolute margin"
        )
    return None


def skewness_problem(column: Summed, deff: float) -> Shortage | None:
    """More pairs are needed the more skewed their influence is (Kohavi et al. 2014)."""
    at_hand = column.clusters.n_pairs / max(1.0, deff)
    # The square of a measured skewness is 6 / n too large on average (for normal values): without
    # taking that off, a third of all samples of forty normal values would be called skewed.
    squared = column.skewness**2 - 6 / at_hand
    needed = PAIRS_PER_SQUARED_SKEWNESS * squared
    if at_hand >= needed:
        return None
    return Shortage(
        f"the differences are so skewed that {math.ceil(needed)} independent pairs are needed for "
        f"their mean, and these count as {math.floor(at_hand)}",
        more_clusters(column.clusters, needed / at_hand),
    )

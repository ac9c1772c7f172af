"""From influence values to an estimate: the last steps that means and quantiles share.

An estimate needs little of its pairs: where it lies, one influence total per cluster, and two sums
over all pairs. Those can be added up part by part, so nothing here has to see all pairs at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from harness.stats.clustered import Clustered, design_effect
from harness.stats.clustered_t import identical_test, t_test
from harness.stats.clusters import Clusters, Floats, Grouped
from harness.stats.question import Question
from harness.stats.sufficiency import Shortage, cautions, flips_needed
from harness.verdict import Estimate, Unavailable

# Influence this small, relative to the values, is rounding.
ROUNDING = 1e-12

# The square of anything smaller is no longer a number: there is no variance to speak of.
SMALLEST = 1e-150


@dataclass(frozen=True, slots=True, eq=False)
class Summed:
    """An estimate and what is left of its pairs' influence when it is added up.

    Attributes:
        position: The harm on the scale that is tested, a log ratio where the question is relative.
        totals: Influence total of each cluster; together they are zero.
        squares: Sum of the pairs' squared influence.
        cubes: Sum of its cubes.
        scale: Size of the values on the tested scale; influence far below it is rounding.
        clusters: Of the same clusters as `totals`.
        most_df: As of a `Linearised`.
    """

    champion: float | None
    challenger: float
    position: float
    totals: Floats
    squares: float
    cubes: float
    scale: float
    clusters: Grouped
    n_left_out: int
    most_df: float = math.inf

    @property
    def spread(self) -> float:
        """Variance of the influence among pairs."""
        return self.squares / (self.clusters.n_pairs - 1)

    @property
    def skewness(self) -> float:
        """Of the influence among pairs."""
        n_pairs = self.clusters.n_pairs
        return self.cubes / n_pairs / math.pow(self.squares / n_pairs, 1.5)

    @property
    def varies(self) -> bool:
        """Whether some cluster differs from the others by more than rounding."""
        return largest(self.totals / self.clusters.sizes) > self.rounding

    @property
    def rounding(self) -> float:
        """What is no larger than this is as good as zero."""
        return max(ROUNDING * self.scale, SMALLEST)


@dataclass(frozen=True, slots=True, eq=False)
class Linearised:
    """An estimate and what each pair contributes to it, on the scale that is tested.

    Attributes:
        position: The harm on that scale, a log ratio where the question is relative.
        influence: One number per pair, summing to zero.
        scale: Size of the values on that scale; influence far below it is rounding.
        most_df: Degrees of freedom at most, where fewer clusters speak than there are.
    """

    champion: float | None
    challenger: float
    position: float
    influence: Floats
    scale: float
    clusters: Clusters
    n_left_out: int
    most_df: float = math.inf

    def summed(self) -> Summed:
        """The same with the influence added up."""
        squared = self.influence * self.influence
        return Summed(
            champion=self.champion,
            challenger=self.challenger,
            position=self.position,
            totals=self.clusters.totals(self.influence),
            squares=float(self.influence @ self.influence),
            cubes=float(squared @ self.influence),
            scale=self.scale,
            clusters=self.clusters,
            n_left_out=self.n_left_out,
            most_df=self.most_df,
        )


# Says why an estimate must not be judged, from its influence and its design effect.
Objection = Callable[[Summed, float], Shortage | None]


def estimate(
    question: Question, column: Summed, *, kind: str = "", objection: Objection | None = None
) -> Estimate | Unavailable:
    """Test a linearised estimate; where no cluster differs, ask the sign flips alone.

    Args:
        kind: What is compared, put before the name of the test.
        objection: Asked before anything is said.
    """
    clusters, null = column.clusters, question.on_test_scale(question.null)
    if not column.varies:
        moment = Clustered(column.position, 0.0, clusters.n_clusters - 1.0, clusters.n_clusters, 0)
        test = identical_test(moment, null=null, alpha=question.alpha)
        deff, lack = 1.0, _silence(column)
    else:
        test = t_test(
            column.position,
            column.totals,
            clusters.sizes,
            null=null,
            alpha=question.alpha,
            most_df=column.most_df,
        )
        deff = design_effect(test.moment, column.spread, clusters.n_pairs)
        lack = objection(column, deff) if objection is not None else None
    if lack is None and not (math.isfinite(test.low) and math.isfinite(test.high)):
        lack = flips_needed(column.clusters, question.alpha)
    if lack is not None:
        return question.refuse(lack, column, champion=column.champion, challenger=column.challenger)
    return Estimate(
        metric=question.metric,
        unit=question.unit,
        champion=column.champion,
        challenger=column.challenger,
        harm=question.as_harm(column.position),
        harm_low=question.as_harm(test.low),
        harm_high=question.as_harm(test.high),
        confidence=question.confidence,
        null=question.null,
        p_value=test.p_value,
        p_harm=test.p_harm,
        method=f"{kind}, {test.method}" if kind else test.method,
        n_pairs=column.clusters.n_pairs,
        n_clusters=column.clusters.n_clusters,
        n_left_out=column.n_left_out,
        relative=question.relative,
        df=test.df,
        deff=deff,
        detectable=None if test.resolution is None else question.below_null(test.resolution),
        warnings=cautions(column.clusters),
    )


def largest(values: Floats) -> float:
    """The largest absolute value."""
    return float(max(values.max(), -values.min()))


def _silence(column: Summed) -> Shortage | None:
    """A t-test of nothing but zeros would be certain; we are not."""
    if abs(column.position) > column.rounding:
        return None
    return Shortage("the harm is 0 on every pair, so nothing is known of how much it could be")

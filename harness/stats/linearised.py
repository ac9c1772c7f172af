"""From influence values to an estimate: the last steps that means and quantiles share."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from harness.stats.clustered import Clustered, design_effect
from harness.stats.clustered_t import identical_test, t_test
from harness.stats.clusters import Clusters, Floats
from harness.stats.question import Question
from harness.stats.sufficiency import Shortage, cautions, flips_needed
from harness.verdict import Estimate, Unavailable

# Influence this small, relative to the values, is rounding.
ROUNDING = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Linearised:
    """An estimate and what each pair contributes to it, on the scale that is tested.

    Attributes:
        position: The harm on that scale, a log ratio where the question is relative.
        influence: One number per pair, summing to zero.
        scale: Size of the values on that scale; influence far below it is rounding.
    """

    champion: float | None
    challenger: float
    position: float
    influence: Floats
    scale: float
    clusters: Clusters
    n_left_out: int

    @property
    def spread(self) -> float:
        """Variance of the influence among pairs."""
        return float(self.influence @ self.influence) / (self.clusters.n_pairs - 1)


# Says why an estimate must not be judged, from its influence values and its design effect.
Objection = Callable[[Linearised, float], Shortage | None]


def estimate(
    question: Question, column: Linearised, *, kind: str = "", objection: Objection | None = None
) -> Estimate | Unavailable:
    """Test a linearised estimate; where no cluster differs, ask the sign flips alone.

    Args:
        kind: What is compared, put before the name of the test.
        objection: Asked before anything is said.
    """
    clusters, null = column.clusters, question.on_test_scale(question.null)
    totals = clusters.totals(column.influence)
    if largest(totals / clusters.sizes) <= ROUNDING * column.scale:
        moment = Clustered(column.position, 0.0, clusters.n_clusters - 1.0, clusters.n_clusters, 0)
        test = identical_test(moment, null=null, alpha=question.alpha)
        deff, lack = 1.0, _silence(column)
    else:
        test = t_test(column.position, totals, clusters.sizes, null=null, alpha=question.alpha)
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


def _silence(column: Linearised) -> Shortage | None:
    """A t-test of nothing but zeros would be certain; we are not."""
    if abs(column.position) > ROUNDING * column.scale:
        return None
    return Shortage("the harm is 0 on every pair, so nothing is known of how much it could be")

"""How often something happens, against a limit of its own.

For what has no champion to be held against: the share of pairs that disagree, of answers that were
right and no longer are, or a failure rate with a fixed ceiling. Clopper & Pearson's exact bounds,
with the count and the number of pairs both divided by the design effect; with fewer than 20
clusters that have an event (or that have a non-event) clusters count as the units. Without any
event the upper bound is `1 - alpha^(1/n)`, the rule of three.

The design effect is the larger of two: the CR2 variance over that of independent pairs, and what
the cluster sizes make of the correlation within clusters. By the first alone, 95 % intervals cover
91.6 % with 200 users of very unequal size: a sample whose heaviest users have few events has both a
small rate and a small variance. By the larger one they cover 95 to 98 %.

References:
    Clopper & Pearson (1934), Biometrika 26:404. Korn & Graubard (1998), Survey Methodology 24:193,
    for the deflated form. Yan et al. (2021), CVPR, for the negative flip rate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from harness.metric import Better
from harness.stats.clustered import cr2, design_effect_of_sizes
from harness.stats.clustered_t import POWER
from harness.stats.clusters import Clusters, Floats, Grouped
from harness.stats.paired import Single
from harness.stats.proportion import MIN_DISCORDANT_CLUSTERS, require_binary
from harness.stats.question import Question
from harness.stats.sufficiency import cautions, shortage
from harness.verdict import Estimate, Unavailable


def rate_bound(
    values: ArrayLike,
    clusters: Clusters,
    *,
    null: float,
    confidence: float,
    metric: str,
    unit: str,
    better: Better = Better.LOWER,
) -> Estimate | Unavailable:
    """Estimate how often something happens, with exact bounds.

    With `Better.LOWER` the rate is the harm. With `Better.HIGHER` the harm is the rate with the
    other sign, and so is `null`: "at least 0.9" asks whether the harm is below -0.9.

    Args:
        values: 1 where it happened, 0 where not, NaN where unknown; the last are left out.
        clusters: Aligned with `values`.
        null: The limit, as a harm.
        confidence: 1 minus the error on each side, above 0.5.

    Returns:
        The estimate, `champion` None and `challenger` the rate; `Unavailable` with fewer than
        eight clusters or with one that holds nearly everything.

    Raises:
        ValueError: When values are neither 0 nor 1.

    Examples:
        >>> found = rate_bound(np.zeros(300), Clusters.independent(300), null=0.01,
        ...     confidence=0.95, metric="failure_rate", unit="fraction")
        >>> round(found.harm_high, 5), found.p_value < 0.05
        (0.00994, True)
    """
    question = Question(metric, unit, better, null, confidence)
    pairs = Single.complete(values, clusters)
    require_binary(pairs.values)
    return judged_rate(question, EventSums.of(pairs))


@dataclass(frozen=True, slots=True, eq=False)
class EventSums:
    """Events counted by cluster, of the clusters that have a value. Counts of parts add up."""

    clusters: Grouped
    n_left_out: int
    events: Floats

    @classmethod
    def of(cls, pairs: Single) -> EventSums:
        """Count values that are all at hand."""
        return cls(pairs.clusters, pairs.n_left_out, pairs.clusters.totals(pairs.values))


def judged_rate(question: Question, sums: EventSums) -> Estimate | Unavailable:
    """The estimate of a rate, from counts."""
    lack = shortage(sums.clusters)
    if lack is not None:
        return question.refuse(lack, sums)
    return _estimate(question, sums, Events.of_sums(sums.events, sums.clusters))


@dataclass(frozen=True, slots=True)
class Events:
    """A count of events among pairs, scaled to what it is worth as independent pairs.

    Attributes:
        count: Events over `deff`; need not be whole.
        n: Pairs over `deff`.
        rate: Events over pairs, as seen.
    """

    count: float
    n: float
    deff: float
    rate: float

    @classmethod
    def of(cls, values: Floats, clusters: Clusters) -> Events:
        """From 1 for an event and 0 for none."""
        return cls.of_sums(clusters.totals(values), clusters)

    @classmethod
    def of_sums(cls, events: Floats, clusters: Grouped) -> Events:
        """From the events of each cluster."""
        n_events, n_pairs = float(events.sum()), clusters.n_pairs
        deff = _deff(events, clusters)
        return cls(n_events / deff, n_pairs / deff, deff, n_events / n_pairs)

    def lower(self, alpha: float) -> float:
        """The rate is above this, at one-sided error `alpha`."""
        if self.count <= 0:
            return 0.0
        return float(stats.beta.ppf(alpha, self.count, self.n - self.count + 1))

    def upper(self, alpha: float) -> float:
        """The rate is below this, at one-sided error `alpha`."""
        if self.count >= self.n:
            return 1.0
        return float(stats.beta.isf(alpha, self.count + 1, self.n - self.count))

    def p_at_least(self, rate: float) -> float:
        """One-sided p-value of "the rate is `rate` or more"; small means surely below."""
        if self.count >= self.n:
            return 1.0
        return float(stats.beta.sf(rate, self.count + 1, self.n - self.count))

    def p_at_most(self, rate: float) -> float:
        """One-sided p-value of "the rate is `rate` or less"; small means surely above."""
        if self.count <= 0:
            return 1.0
        return float(stats.beta.cdf(rate, self.count, self.n - self.count + 1))


def _deff(events: Floats, clusters: Grouped) -> float:
    n_pairs, sizes = clusters.n_pairs, clusters.sizes
    if clusters.n_clusters == n_pairs:
        return 1.0
    pairs_per_cluster = n_pairs / clusters.n_clusters
    rate = float(events.sum()) / n_pairs
    spread = rate * (1 - rate)
    if spread <= 0:
        return pairs_per_cluster
    centred = events - rate * sizes
    deff = max(
        1.0,
        cr2(rate, centred, sizes).variance * n_pairs / spread,
        design_effect_of_sizes(centred, n_pairs * spread, clusters),
    )
    n_telling = min(np.count_nonzero(events), np.count_nonzero(events < sizes))
    if n_telling < MIN_DISCORDANT_CLUSTERS:
        return max(deff, pairs_per_cluster)
    return deff


def _estimate(question: Question, pairs: EventSums, events: Events) -> Estimate:
    alpha, limit = question.alpha, question.sign * question.null
    low, high = events.lower(alpha), events.upper(alpha)
    below, above = events.p_at_least(limit), events.p_at_most(limit)
    if question.better is Better.HIGHER:
        low, high, below, above = -high, -low, above, below
    return Estimate(
        metric=question.metric,
        unit=question.unit,
        champion=None,
        challenger=events.rate,
        harm=question.sign * events.rate + 0.0,
        harm_low=low + 0.0,
        harm_high=high + 0.0,
        confidence=question.confidence,
        null=question.null,
        p_value=below,
        p_harm=above,
        method="Clopper-Pearson, Rao-Scott" if events.deff > 1 else "Clopper-Pearson",
        n_pairs=pairs.clusters.n_pairs,
        n_clusters=pairs.clusters.n_clusters,
        n_left_out=pairs.n_left_out,
        deff=events.deff,
        detectable=_resolution(limit, events.n, question.confidence),
        warnings=cautions(pairs.clusters),
    )


def _resolution(limit: float, n: float, confidence: float) -> float | None:
    """How far from the limit a rate must be to be shown with 80 % power; None beyond 0 and 1."""
    if not 0 < limit < 1:
        return None
    effort = float(stats.norm.ppf(confidence) + stats.norm.ppf(POWER))
    return effort * math.sqrt(limit * (1 - limit) / n)

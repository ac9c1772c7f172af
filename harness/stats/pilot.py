"""What a pilot's values say about the prospects of a rule."""

from __future__ import annotations

import math

from scipy import stats

from harness.metric import Better
from harness.stats.clustered_t import POWER
from harness.stats.clusters import Clusters, Floats
from harness.stats.no_difference import METHOD as NO_DIFFERENCE
from harness.stats.paired import Paired, Single
from harness.stats.proportion import RaoScott
from harness.stats.prospects import (
    Clustering,
    MeanProspect,
    PairedRatesProspect,
    RateProspect,
    SilentProspect,
)
from harness.stats.question import Question
from harness.stats.rate import Events
from harness.verdict import Estimate


def paired_rates_prospect(
    champion: Floats, challenger: Floats, clusters: Clusters, *, better: Better, null: float
) -> PairedRatesProspect:
    """Of a yes or no on both sides. Where no pair differs, one is taken to."""
    pairs = Paired.complete(champion, challenger, clusters)
    gain = -better.value * (pairs.challenger - pairs.champion)
    scaled = RaoScott.of(gain, pairs.clusters)
    differing = max(1.0, scaled.seen.wins + scaled.seen.losses)
    return PairedRatesProspect(
        null, differing / scaled.seen.n, _clustering(pairs.clusters, scaled.deff)
    )


def rate_prospect(
    values: Floats, clusters: Clusters, *, better: Better, null: float
) -> RateProspect:
    """Of one yes or no per pair."""
    pairs = Single.complete(values, clusters)
    deff = Events.of(pairs.values, pairs.clusters).deff
    offset = 0.0 if better is Better.LOWER else 1.0
    return RateProspect(null, _clustering(pairs.clusters, deff), offset)


def estimated_prospect(
    question: Question, estimate: Estimate
) -> MeanProspect | SilentProspect | None:
    """Of what the clustered t-test or the rule of three answers; None where neither was asked."""
    if estimate.method == NO_DIFFERENCE:
        return _silent(question, estimate)
    if estimate.detectable is None:
        return None
    null = question.on_test_scale(question.null)
    # The resolution of a t-test is its standard error times this, whatever the null.
    effort = float(stats.norm.ppf(estimate.confidence) + stats.norm.ppf(POWER))
    distance = null - question.on_test_scale(question.null - estimate.detectable)
    return MeanProspect(null, distance / effort * math.sqrt(estimate.n_clusters))


def _silent(question: Question, estimate: Estimate) -> SilentProspect:
    n_effective = estimate.n_pairs / (estimate.deff or 1.0)
    unseen = 1 - question.alpha ** (1 / n_effective)
    return SilentProspect(
        question.null, estimate.harm_high / unseen, n_effective / estimate.n_clusters
    )


def _clustering(clusters: Clusters, deff: float) -> Clustering:
    return Clustering(clusters.n_pairs / clusters.n_clusters, max(1.0, deff))

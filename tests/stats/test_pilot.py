"""What a pilot's values say about how much a rule needs."""

import numpy as np
import pytest

from harness.metric import Better
from harness.stats.clustered import clustered_mean
from harness.stats.clusters import Clusters
from harness.stats.mean import mean_harm
from harness.stats.pilot import estimated_prospect, paired_rates_prospect, rate_prospect
from harness.stats.prospects import MeanProspect, SilentProspect
from harness.stats.question import Question


def question(*, null, relative=False):
    return Question("cost_usd.mean", "usd", Better.LOWER, null, 0.95, relative)


def estimated(champion, challenger, clusters, asked):
    return mean_harm(
        champion,
        challenger,
        clusters,
        better=asked.better,
        null=asked.null,
        confidence=asked.confidence,
        metric=asked.metric,
        unit=asked.unit,
        relative=asked.relative,
    )


@pytest.fixture
def users():
    """60 users of five requests each, alike within."""
    rng = np.random.default_rng(2)
    clusters = Clusters.of(np.repeat(np.arange(60), 5))
    champion = rng.normal(10, 1, 300)
    return champion, champion + np.repeat(rng.normal(0, 1, 60), 5), clusters


def test_the_spread_of_a_mean_is_its_clusters(users):
    """The standard error of the pilot, times the root of its clusters."""
    champion, challenger, clusters = users
    asked = question(null=0.5)

    found = estimated_prospect(asked, estimated(*users, asked))

    assert isinstance(found, MeanProspect)
    moment = clustered_mean(challenger - champion, clusters)
    assert found.cluster_sd == pytest.approx(moment.se * np.sqrt(60))
    assert found.null == 0.5


def test_a_relative_margin_is_planned_as_a_log_ratio(users):
    """The null of 10 % is ln 1.1; the spread does not hang on the margin."""
    spreads = []
    for null in (0.1, 0.5):
        asked = question(null=null, relative=True)
        found = estimated_prospect(asked, estimated(*users, asked))
        assert found.null == pytest.approx(np.log1p(null))
        spreads.append(found.cluster_sd)

    assert spreads[0] == pytest.approx(spreads[1])


def test_a_fixed_price_is_planned_by_the_rule_of_three(users):
    """Equal on every pair: what could be hidden is what the gate's own bound says."""
    champion, _, clusters = users
    asked = question(null=0.2)
    estimate = estimated(champion, champion, clusters, asked)

    found = estimated_prospect(asked, estimate)

    assert isinstance(found, SilentProspect)
    assert found.reach == pytest.approx(champion.max())
    just_enough = SilentProspect(estimate.harm_high * 1.001, found.reach, found.evenness)
    assert just_enough.power(0.0, 60, alpha=0.05) == 1.0
    too_little = SilentProspect(estimate.harm_high * 0.999, found.reach, found.evenness)
    assert too_little.power(0.0, 60, alpha=0.05) == 0.0


def test_rates_are_those_of_the_pairs_with_a_value():
    """Two of the hundred pairs with a value differ."""
    champion = np.ones(120)
    challenger = np.ones(120)
    challenger[[3, 7]] = 0
    challenger[100:] = np.nan

    found = paired_rates_prospect(
        champion, challenger, Clusters.independent(120), better=Better.HIGHER, null=0.01
    )

    assert found.disagreement == pytest.approx(0.02)
    assert (found.clustering.pairs_per_cluster, found.clustering.deff) == (1.0, 1.0)


def test_no_difference_in_a_pilot_is_not_taken_for_none_ever():
    """One differing pair is assumed where none was seen."""
    found = paired_rates_prospect(
        np.ones(50), np.ones(50), Clusters.independent(50), better=Better.HIGHER, null=0.01
    )

    assert found.disagreement == pytest.approx(1 / 50)


def test_a_rate_that_should_be_high_is_planned_by_what_misses():
    """Harms are minus the rate, and 1 turns them into misses."""
    found = rate_prospect(np.ones(50), Clusters.independent(50), better=Better.HIGHER, null=-0.9)

    assert (found.null, found.offset) == (-0.9, 1.0)

import numpy as np
import pytest
from scipy import stats

from harness.metric import Better
from harness.stats.clusters import Clusters
from harness.stats.rate import rate_bound
from harness.verdict import Unavailable


def ask(values, codes=None, **overrides):
    clusters = Clusters.independent(len(values)) if codes is None else Clusters.of(codes)
    dull = {"null": 0.05, "confidence": 0.95, "metric": "failure_rate", "unit": "fraction"}
    return rate_bound(values, clusters, **dull | overrides)


def events(n_events, n_pairs):
    return np.r_[np.ones(n_events), np.zeros(n_pairs - n_events)]


def test_independent_pairs_are_clopper_and_pearson():
    """Without clusters the bounds and p-values are the exact binomial ones."""
    found = ask(events(12, 400))

    exact = stats.binomtest(12, 400, 0.05, alternative="less")
    assert found.harm == 0.03
    assert found.harm_high == pytest.approx(exact.proportion_ci(0.95).high)
    assert found.p_value == pytest.approx(exact.pvalue)
    assert found.p_harm == pytest.approx(stats.binom.sf(11, 400, 0.05))
    assert (found.champion, found.challenger) == (None, 0.03)
    assert (found.method, found.deff) == ("Clopper-Pearson", 1.0)


def test_no_event_is_the_rule_of_three():
    """Nothing seen in n pairs leaves up to about 3 / n."""
    found = ask(np.zeros(300), null=0.02)

    assert found.harm == 0.0
    assert found.harm_low == 0.0
    assert found.harm_high == pytest.approx(1 - 0.05 ** (1 / 300))
    assert found.p_value == pytest.approx(0.98**300)
    assert found.p_harm == 1.0


def test_always_is_the_mirror_of_never():
    """When it happens every time, nothing passes an upper limit and harm is sure."""
    found = ask(np.ones(300))

    assert (found.harm_high, found.p_value) == (1.0, 1.0)
    assert found.harm_low == pytest.approx(0.05 ** (1 / 300))
    assert found.p_harm < 1e-9


def test_at_least_is_at_most_turned():
    """ "At least 0.9" passes when the lower bound of the rate is above it."""
    found = ask(events(480, 500), null=-0.9, better=Better.HIGHER)

    assert found.harm == -0.96
    assert found.harm_high == pytest.approx(-stats.beta.ppf(0.05, 480, 21))
    assert found.p_value == pytest.approx(stats.binom.sf(479, 500, 0.9))
    assert found.challenger == 0.96


def test_events_that_come_together_count_for_less():
    """Forty events in four users are not forty events."""
    codes = np.repeat(np.arange(100), 10)

    found = ask(events(40, 1000), codes)

    assert found.deff >= 10
    assert found.harm == 0.04
    assert found.harm_high > ask(events(40, 1000)).harm_high
    assert found.method == "Clopper-Pearson, Rao-Scott"


def test_too_few_clusters_hold():
    """Fewer than eight clusters give no bound."""
    assert isinstance(ask(np.zeros(70), np.repeat(np.arange(7), 10)), Unavailable)


def test_detectable_means_nothing_beyond_zero_and_one():
    """A limit of 0 can never be shown to be kept."""
    found = ask(np.zeros(50), null=0.0)

    assert found.detectable is None
    assert found.p_value == 1.0


def test_a_heavy_user_without_events_does_not_make_a_rate_sure():
    """All events in the many small users, none in the one that holds half of the pairs: how alike
    requests are is asked of all users, and what that costs of the sizes."""
    codes = np.r_[np.zeros(400, int), np.repeat(np.arange(1, 41), 10)]
    values = np.r_[np.zeros(400), np.tile(np.repeat([1.0, 0.0], 10), 20)]

    found = ask(values, codes, null=0.5)

    assert found.deff > 100
    assert found.harm_high > 0.5

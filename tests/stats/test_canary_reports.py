import numpy as np
import pytest

from harness.stats.clustered import Clustered
from harness.stats.clusters import Clusters
from harness.stats.difference_in_differences import (
    difference_in_differences,
    live_only,
    placebo,
    two_sided_p,
)
from harness.stats.posterior import Posterior, chance_better, expected_loss
from harness.stats.prediction_powered import prediction_powered_mean


def test_posteriors_agree_with_drawing_from_them():
    """Probability and expected loss are what a million draws give."""
    rng = np.random.default_rng(1)
    champion, challenger = Posterior.of(180, 20), Posterior.of(95, 5)
    a, b = (rng.beta(side.a, side.b, 1_000_000) for side in (champion, challenger))

    assert chance_better(champion, challenger) == pytest.approx((b > a).mean(), abs=0.002)
    loss = np.maximum(a - b, 0).mean()
    assert expected_loss(champion, challenger) == pytest.approx(loss, rel=0.02)


@pytest.mark.parametrize("counts", [(0, 0), (3, 1), (5000, 20), (200_000, 300)])
def test_equal_posteriors_are_a_coin_toss(counts):
    """The same belief about both sides, from no data or from much."""
    belief = Posterior.of(*counts)

    assert chance_better(belief, belief) == pytest.approx(0.5, abs=1e-6)
    assert expected_loss(belief, belief) >= 0


def test_what_changes_for_everyone_cancels():
    """A holiday slows all by 3, the canary by 1 more: the estimate is 1, per user."""
    rng = np.random.default_rng(2)
    users = np.repeat(np.arange(60), 20)
    treated, after = users % 2 == 0, np.tile(np.repeat([False, True], 10), 60)
    level = rng.normal(0, 5, 60)[users]
    values = level + 3 * after + 1 * (treated & after) + rng.normal(0, 0.5, users.size)

    found = difference_in_differences(values, Clusters.of(users), treated=treated, after=after)

    assert found.estimate == pytest.approx(1.0, abs=4 * found.se)
    assert found.se < 0.2  # users' own levels are gone
    assert found.n_clusters == 60


def test_a_missing_group_is_refused():
    """Without anyone before there is nothing to compare with."""
    with pytest.raises(ValueError, match="a group of the four"):
        difference_in_differences(
            np.arange(4.0), Clusters.independent(4), treated=np.array([True, True, False, False]),
            after=np.full(4, True),
        )  # fmt: skip


def test_a_biased_machine_is_corrected_and_a_good_one_shortens():
    """Whatever the machine says, the mean is that of the people; if it follows them, surer."""
    rng = np.random.default_rng(3)
    truth = rng.uniform(0, 1, 5000)
    human = truth[:200]
    machine = truth + 0.3 + rng.normal(0, 0.05, 5000)

    found = prediction_powered_mean(human, machine[:200], machine[200:], confidence=0.95)
    alone = prediction_powered_mean(human, machine[:200], machine[200:], confidence=0.95, trust=0.0)

    assert found.mean == pytest.approx(0.5, abs=4 * found.se)
    assert found.se < alone.se / 2
    assert alone.mean == human.mean()


def test_shadow_traffic_is_worth_fifty_observations_at_most():
    """However much of it there was, the canary's own counts soon decide."""
    prior = Posterior.from_shadow(9_000, 1_000)

    assert (prior.a, prior.b) == (46.0, 6.0)
    assert Posterior.from_shadow(9, 1) == Posterior.of(9, 1)
    assert prior.updated(100, 100) == Posterior(146.0, 106.0)


def panel(rng, *, drift=0.0, effect=0.0):
    """Forty users with thirty measurements each; half of them are in the canary from day 20 on."""
    users, at = np.repeat(np.arange(40), 30), np.tile(np.arange(30.0), 40)
    treated = users % 2 == 0
    values = rng.normal(0, 3, 40)[users] + drift * at * treated + rng.normal(0, 0.5, users.size)
    return values + effect * (treated & (at >= 20)), Clusters.of(users), treated, at


@pytest.mark.parametrize(("drift", "is_alike"), [(0.0, True), (0.05, False)])
def test_groups_that_drift_apart_before_the_start_are_told(drift, is_alike):
    """A placebo start in the middle of the time before finds nothing where trends are parallel."""
    values, units, treated, at = panel(np.random.default_rng(4), drift=drift, effect=5.0)

    found = placebo(values, units, treated=treated, at=at, start=20.0)

    assert (two_sided_p(found) > 0.05) is is_alike
    assert found.estimate == pytest.approx(10 * drift, abs=4 * found.se)


def test_what_shadow_traffic_did_not_foretell_is_live_only():
    """The canary's slowdown less that of the shadow pairs, with the spread of both."""
    values, units, treated, at = panel(np.random.default_rng(5), effect=1.5)
    canary = difference_in_differences(values, units, treated=treated, after=at >= 20)
    shadow = Clustered(1.0, canary.variance, 99.0, 100, 0.01)

    found = live_only(shadow, canary)

    assert found.estimate == pytest.approx(canary.estimate - 1.0)
    assert found.variance == pytest.approx(2 * canary.variance)
    assert min(canary.df, shadow.df) < found.df < canary.df + shadow.df
    assert two_sided_p(found) < 0.05


def test_nothing_that_varies_proves_nothing():
    """Two groups that never differ at all have a p-value of 1."""
    assert two_sided_p(Clustered(0.0, 0.0, 9.0, 10, 0.1)) == 1.0

import numpy as np
import pytest

from harness.stats.clusters import Clusters
from harness.stats.difference_in_differences import difference_in_differences
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

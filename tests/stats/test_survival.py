import numpy as np
import pytest

from harness.stats.survival import restricted_mean, survival


def test_without_censoring_the_curve_is_the_share_still_waiting():
    """Every answer seen: the curve is one minus the empirical distribution."""
    time_s = np.array([0.3, 0.1, 0.2, 0.2])

    curve = survival(time_s, np.full(4, True))

    assert curve.at_s.tolist() == [0.1, 0.2, 0.3]
    assert curve.share.tolist() == pytest.approx([0.75, 0.25, 0.0])


def test_without_censoring_the_restricted_mean_is_a_mean():
    """It is the mean of the times, cut at the horizon, with the usual standard error."""
    time_s = np.random.default_rng(1).exponential(1, 400)
    cut = np.minimum(time_s, 1.5)

    found = restricted_mean(time_s, np.full(400, True), horizon_s=1.5)

    assert found.mean_s == pytest.approx(cut.mean())
    assert found.se_s == pytest.approx(cut.std() / 20, rel=1e-6)


def test_giving_up_early_does_not_make_a_deployment_fast():
    """Censored at random, the mean stays; the mean of what was answered would fall."""
    rng = np.random.default_rng(2)
    truth, patience = rng.exponential(1, 5000), rng.exponential(1.5, 5000)
    answered = truth <= patience

    found = restricted_mean(np.minimum(truth, patience), answered, horizon_s=1.0)

    assert found.mean_s == pytest.approx(np.minimum(truth, 1).mean(), abs=4 * found.se_s)
    assert np.minimum(truth[answered], 1).mean() < found.mean_s - 4 * found.se_s


def test_nobody_answered():
    """All still waiting at the horizon: the mean is the horizon, and nothing is uncertain."""
    found = restricted_mean(np.full(5, 2.0), np.full(5, False), horizon_s=2.0)

    assert (found.mean_s, found.se_s) == (2.0, 0.0)

"""When always-valid tests are expected to stop, against simulated runs."""

import math

import numpy as np
import pytest

from harness.stats.always_valid import NormalMixture
from harness.stats.betting import grid_log_e_counts
from harness.stats.power import pairs_needed
from harness.stats.stopping import PATIENCE, betting_stop, mixture_stop

ALPHA = 0.05


def test_a_larger_effect_stops_sooner():
    """Twice the distance at about a third, half of it at more than three times."""
    planned = pairs_needed(variance=1.0, distance=0.1, alpha=ALPHA, power=0.8)

    near, here, far = (
        mixture_stop(variance=1.0, distance=distance, alpha=ALPHA, planned=planned)
        for distance in (0.05, 0.1, 0.2)
    )

    assert far < 0.4 * here
    assert near > 3.5 * here


def test_a_harm_at_the_null_never_stops():
    """Nobody gets rich by betting on a fair game."""
    assert betting_stop(wins=0.0, losses=0.01, margin=0.01, alpha=ALPHA) == math.inf


@pytest.mark.slow
def test_simulated_runs_stop_about_where_expected():
    """The mean of simulated stops lies a little below, and nearly all stop in time."""
    distance, n_runs, rng = 0.1, 600, np.random.default_rng(11)
    planned = round(pairs_needed(variance=1.0, distance=distance, alpha=ALPHA, power=0.8))
    mixture = NormalMixture.one_sided(planned, alpha=ALPHA)
    n = np.arange(1, 6 * planned + 1)
    reach = np.array([mixture.reach_one_sided(float(v), alpha=ALPHA) for v in n])
    scores = np.cumsum(rng.normal(distance, 1.0, (n_runs, n.size)), axis=1)

    crossed = (scores >= reach)[:, 49:]  # a burn-in of 50
    stops = np.where(crossed.any(axis=1), crossed.argmax(axis=1) + 50, n[-1])

    expected = mixture_stop(variance=1.0, distance=distance, alpha=ALPHA, planned=planned)
    assert 0.85 * expected < stops.mean() < expected
    assert (stops <= PATIENCE * planned).mean() == pytest.approx(0.96, abs=0.03)


def test_bets_reach_their_goal_where_expected():
    """At the expected counts, one pair earlier is not enough."""
    n = betting_stop(wins=0.01, losses=0.01, margin=0.01, alpha=ALPHA)

    before, after = (grid_log_e_counts(0.01 * k, 0.01 * k, k, margin=0.01) for k in (n - 1, n + 1))

    assert before < math.log(1 / ALPHA) < after

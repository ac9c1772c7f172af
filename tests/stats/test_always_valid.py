"""Evidence under continuous looking; errors are counted over whole runs, not single looks."""

import math

import numpy as np
import pytest

from harness.stats.always_valid import NormalMixture, always_valid, p_of_log_e, t_log_e
from harness.stats.betting import betting_interval, grid_log_e, grid_log_e_counts, log_capital
from harness.stats.clustered import clustered_mean
from harness.stats.clusters import Clusters
from harness.stats.planned_looks import planned_bounds
from harness.stats.sequential_mcnemar import SequentialMcNemar

ALPHA = 0.05
ALARM = math.log(1 / ALPHA)


def test_bounds_and_e_values_never_contradict_each_other():
    """The upper bound is below the null exactly when the e-value against it reaches 1 / alpha."""
    rng = np.random.default_rng(1)
    moment = clustered_mean(rng.normal(0.2, 1, 400), Clusters.of(np.repeat(np.arange(80), 5)))
    mixture = NormalMixture.one_sided(300.0, alpha=ALPHA)

    for null in np.linspace(-0.3, 0.7, 41):
        found = always_valid(moment, 400, mixture, null=float(null), alpha=ALPHA)
        assert (found.high < null) == (found.log_e_below > ALARM)
        assert (found.low > null) == (found.log_e_above > ALARM)


def test_a_mixture_is_tightest_where_it_was_tuned():
    """Another tuning gives a wider bound at the variance we tuned for."""
    at = 500.0
    best = NormalMixture.two_sided(at, alpha=ALPHA).reach_two_sided(at, alpha=ALPHA)

    for other in (100.0, 300.0, 900.0, 3000.0):
        reach = NormalMixture.two_sided(other, alpha=ALPHA).reach_two_sided(at, alpha=ALPHA)
        assert reach > best


def test_no_evidence_is_a_p_value_of_one():
    """E-values below 1 are no evidence, not evidence for the null."""
    assert p_of_log_e(-3.0) == 1.0
    assert p_of_log_e(math.log(40)) == pytest.approx(0.025)
    assert t_log_e(0.0, n=50, df=49, weight=10) < 0


def test_counters_are_the_whole_state():
    """Three counters give what the pairs give, in any order, and parts add up."""
    rng = np.random.default_rng(2)
    gains = rng.choice([-1.0, 0.0, 1.0], 300, p=[0.02, 0.9, 0.08])
    wins, losses = (gains > 0).sum(), (gains < 0).sum()

    by_counts = grid_log_e_counts(wins, losses, 300, margin=0.05)

    assert by_counts == pytest.approx(grid_log_e(gains + 0.05, worst=0.95))
    assert by_counts == pytest.approx(grid_log_e(rng.permutation(gains) + 0.05, worst=0.95))


def test_all_losses_are_no_evidence_however_many():
    """Losing every pair drives the e-value towards 0 without overflow."""
    assert grid_log_e_counts(0, 10_000_000, 10_000_000, margin=0.01) < -1000


def test_sequential_mcnemar_knows_both_directions():
    """Wins speak for the challenger, losses against; nothing speaks for nothing."""
    test = SequentialMcNemar.tuned(alpha=2 * ALPHA)

    assert test.log_e_greater(60, 20) > ALARM
    assert test.log_e_greater(20, 60) < -1
    assert test.log_e_two_sided(0, 0) == 0.0
    assert test.log_e_two_sided(60, 20) == pytest.approx(test.log_e_two_sided(20, 60))


def test_one_planned_look_is_the_ordinary_bound():
    """Nothing is paid for looks one does not take; early looks ask for much more."""
    assert planned_bounds(np.array([1.0]), alpha=0.025) == pytest.approx([1.95996], abs=1e-4)
    bounds = planned_bounds(np.array([0.3, 0.6, 1.0]), alpha=0.025)
    assert (np.diff(bounds) < 0).all()
    assert 1.96 < bounds[-1] < 2.05


def test_a_betting_interval_holds_the_mean_and_shrinks():
    """More values, a shorter interval around the same mean."""
    values = np.random.default_rng(3).beta(8, 2, 800)

    few, many = (betting_interval(values[:n], alpha=ALPHA) for n in (80, 800))

    assert few.low < 0.8 < few.high
    assert many.low < 0.8 < many.high
    assert many.high - many.low < (few.high - few.low) / 2


@pytest.mark.slow
def test_looking_all_the_time_at_clustered_pairs_is_safe():
    """At the null, with users alike and a look after every ten users, few runs ever alarm; a fixed
    t-test looked at as often alarms in many."""
    runs, n_users, size = 200, 300, 5
    alarms = peeked = 0
    for run in range(runs):
        rng = np.random.default_rng([51, run])
        codes = np.repeat(np.arange(n_users), size)
        own = rng.normal(0, math.sqrt(0.3), n_users)[codes]
        gains = own + rng.normal(0, math.sqrt(0.7), codes.size)
        mixture, alarmed, fooled = None, False, False
        for users in range(50, n_users + 1, 10):
            n = users * size
            moment = clustered_mean(gains[:n], Clusters.of(codes[:n]))
            if mixture is None:  # frozen at the burn-in, tuned for the planned size
                mixture = NormalMixture.one_sided(
                    moment.variance * n**2 * n_users / users, alpha=ALPHA
                )
            found = always_valid(moment, n, mixture, null=0.0, alpha=ALPHA)
            alarmed |= found.log_e_above > ALARM
            fooled |= moment.estimate / moment.se > 1.65
        alarms, peeked = alarms + alarmed, peeked + fooled

    assert alarms / runs <= ALPHA + 3 * math.sqrt(ALPHA * (1 - ALPHA) / runs)
    assert peeked / runs > 0.12


@pytest.mark.slow
@pytest.mark.parametrize("margin", [0.005, 0.02])
def test_looking_all_the_time_at_rare_losses_is_safe(margin):
    """Losses exactly at the margin, looked at 25 times: the bet seldom wins."""
    runs, alarms = 300, 0
    looks = np.unique(np.geomspace(20, 3000, 25).astype(int))
    for run in range(runs):
        losses = np.cumsum(np.random.default_rng([53, run]).random(3000) < margin)
        alarms += any(grid_log_e_counts(0, losses[n - 1], n, margin=margin) > ALARM for n in looks)

    assert alarms / runs <= ALPHA


@pytest.mark.slow
def test_plug_in_bets_are_safe_too():
    """Capital against the true mean reaches 20 in at most one run of twenty."""
    runs = 400
    rich = sum(
        log_capital(np.random.default_rng([57, run]).beta(1, 3, 500), 0.25, alpha=ALPHA).max()
        > ALARM
        for run in range(runs)
    )

    assert rich / runs <= ALPHA

import math

import numpy as np
import pytest

from harness.stats.clusters import Clusters
from harness.stats.interval import Interval
from harness.stats.missingness import (
    manski_bounds,
    missing_difference,
    one_sided_p_value,
    tipping_point,
)


def test_pairs_lost_at_random_are_not_flagged():
    """Losses that have nothing to do with the request look like the rest."""
    rng = np.random.default_rng(1)
    latency_s = rng.lognormal(0, 1, 5000)

    found = missing_difference(latency_s, rng.random(5000) > 0.02, Clusters.independent(5000))

    assert not found.flagged


def test_losing_the_slow_ones_is_flagged():
    """When the champion was slow on what is missing, the rest is too easy a sample."""
    rng = np.random.default_rng(2)
    latency_s = rng.lognormal(0, 1, 5000)
    complete = rng.random(5000) > 0.02 * latency_s

    found = missing_difference(latency_s, complete, Clusters.independent(5000))

    assert found.flagged
    assert found.difference == pytest.approx(
        latency_s[~complete].mean() - latency_s[complete].mean()
    )


def test_one_user_lost_is_one_accident():
    """A single slow user without answers is one cluster, not two hundred pairs: nothing to tell."""
    rng = np.random.default_rng(3)
    codes = np.repeat(np.arange(100), 20)
    latency_s = rng.lognormal(0, 0.1, 2000) + (codes == 7)

    assert missing_difference(latency_s, codes != 7, Clusters.independent(2000)).flagged
    assert missing_difference(latency_s, codes != 7, Clusters.of(codes)) is None


def test_a_rare_kind_of_request_may_happen_to_be_complete():
    """None of 20 incomplete pairs is of a segment of 5 %: that happens to a third of all runs."""
    segment = np.zeros(2000)
    segment[100:200] = 1
    complete = np.ones(2000, dtype=bool)
    complete[1000:1020] = False

    found = missing_difference(segment, complete, Clusters.independent(2000))

    assert found.p_value > 0.2


def test_sides_that_lose_alike_are_in_balance():
    """Thirty on each side are luck, thirty on one are not; forty of one user are one accident."""
    thirty, others = np.arange(1000) < 30, (np.arange(1000) >= 500) & (np.arange(1000) < 530)
    none, forty = np.zeros(1000, dtype=bool), np.arange(1000) < 40
    alone, users = Clusters.independent(1000), Clusters.of(np.repeat(np.arange(25), 40))

    assert one_sided_p_value(thirty, others, alone) == pytest.approx(1.0)
    assert one_sided_p_value(none, thirty, alone) < 1e-4
    assert one_sided_p_value(none, forty, users) is None


def test_a_run_may_be_looked_at_any_time():
    """300 sound runs, twenty looks at each: the two tests at 0.001 raise next to no alarm."""
    n_runs, looks = 300, range(300, 6001, 300)
    alarms = {"kind": 0, "side": 0}
    for seed in range(n_runs):
        rng = np.random.default_rng(5000 + seed)
        values, users = rng.random(6000), np.arange(6000) % 1500
        values = (values + rng.random(1500)[users]) / 2
        champion, challenger = rng.random((2, 6000)) < 0.03
        seen = [looked(values[:n], champion[:n], challenger[:n], users[:n]) for n in looks]
        alarms["kind"] += min(kind for kind, _ in seen) < 0.001
        alarms["side"] += min(side for _, side in seen) < 0.001

    assert max(alarms.values()) <= 2


def test_a_look_finds_what_is_there():
    """The slow ones lost by one side alone: both tests are sure of it."""
    rng = np.random.default_rng(6)
    values, users = rng.random(6000), np.arange(6000) % 1500
    lost = rng.random(6000) < 0.06 * values

    kind, side = looked(values, np.zeros(6000, dtype=bool), lost, users)

    assert max(kind, side) < 1e-4


def looked(values, champion, challenger, users):
    clusters = Clusters.of(users)
    found = missing_difference(values, ~(champion | challenger), clusters)
    side = one_sided_p_value(champion, challenger, clusters, at_any_look=True)
    return (
        1.0 if found is None else found.p_at_any_look,
        1.0 if side is None else side,
    )


@pytest.mark.parametrize("complete", [np.full(50, True), np.full(50, False)])
def test_nothing_to_compare(complete):
    """With nothing missing, or everything, there are no two groups."""
    assert missing_difference(np.arange(50.0), complete, Clusters.independent(50)) is None


def test_the_worst_the_missing_can_do_is_their_share_of_the_range():
    """Two percent missing of an accuracy move it by two points at most."""
    assert manski_bounds(0.5, missing_share=0.0, worst=Interval(-1, 1)) == Interval(0.5, 0.5)
    found = manski_bounds(0.01, missing_share=0.02, worst=Interval(-1, 1))
    assert (found.low, found.high) == (pytest.approx(-0.0102), pytest.approx(0.0298))


def test_the_tipping_point_is_where_the_bound_meets_the_margin():
    """At that mean harm among the missing, the bound over all pairs is the margin itself."""
    tip = tipping_point(0.01, missing_share=0.05, null=0.02)

    assert 0.95 * 0.01 + 0.05 * tip == pytest.approx(0.02)
    assert tipping_point(0.01, missing_share=0.0, null=0.02) == math.inf

import numpy as np
import pytest

from harness.stats.agreement import clustered_shift, gwet_ac1, kappa, stuart_maxwell
from harness.stats.clusters import Clusters


def test_perfect_agreement_is_one():
    """Nothing off the diagonal: kappa and AC1 are 1."""
    table = np.diag([10.0, 20.0, 5.0])

    assert kappa(table, confidence=0.95).value == pytest.approx(1.0)
    assert gwet_ac1(table) == pytest.approx(1.0)


def test_labels_drawn_apart_agree_by_chance_only():
    """Independent labels have a kappa of 0."""
    table = np.outer([0.5, 0.3, 0.2], [0.2, 0.3, 0.5]) * 1000

    found = kappa(table, confidence=0.95)

    assert found.value == pytest.approx(0.0, abs=1e-12)
    assert found.interval.low < 0 < found.interval.high


def test_disagreeing_evenly_is_no_shift():
    """Many flips, as many one way as the other: the labels are used as often as before."""
    table = np.array([[10.0, 40.0], [40.0, 10.0]])

    assert stuart_maxwell(table).p_value == 1.0
    assert stuart_maxwell(np.array([[10.0, 40.0], [5.0, 10.0]])).p_value < 1e-6


def test_unused_labels_are_left_out():
    """A label nobody gave costs no degree of freedom and breaks nothing."""
    table = np.array([[20.0, 3.0, 0.0], [9.0, 30.0, 0.0], [0.0, 0.0, 0.0]])

    assert stuart_maxwell(table) == stuart_maxwell(table[:2, :2])
    assert stuart_maxwell(table).df == 1


def test_one_users_flips_are_one_users():
    """Twenty flips by one user shift less than twenty by twenty."""
    rng = np.random.default_rng(1)
    champion = rng.integers(0, 3, 600)
    challenger = champion.copy()
    challenger[:20] = (champion[:20] + 1) % 3
    champion[:20], challenger[:20] = 0, 1
    apart = Clusters.independent(600)
    together = Clusters.of(np.r_[np.zeros(20, int), np.arange(1, 581)])

    spread, lumped = (
        clustered_shift(champion, challenger, clusters, n_labels=3)
        for clusters in (apart, together)
    )

    assert spread.p_value < 0.001
    assert lumped.p_value > 0.1

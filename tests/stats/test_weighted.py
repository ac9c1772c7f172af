"""Pairs that were drawn with different chances."""

import math

import numpy as np
import pytest

from harness.stats.clustered import clustered_mean
from harness.stats.clusters import Clusters
from harness.stats.sufficiency import Shortage
from harness.stats.weighted import weighted_mean, weights_of


def test_equal_weights_are_none():
    """Only the ratios of weights matter."""
    rng = np.random.default_rng(1)
    values, clusters = rng.normal(size=100), Clusters.of(np.arange(100) // 7)

    found = weighted_mean(values, np.full(100, 8.0), clusters)

    assert found.estimate == pytest.approx(values.mean())
    assert found.variance == pytest.approx(clustered_mean(values, clusters).variance, rel=1e-12)
    assert found.df == pytest.approx(clustered_mean(values, clusters).df)


def test_a_weight_of_two_is_the_pair_twice():
    """Within its cluster a pair may stand for itself and another."""
    rng = np.random.default_rng(2)
    values, codes = rng.normal(size=60), np.arange(60) // 5
    weights = rng.integers(1, 4, 60).astype(float)
    times = weights.astype(int)

    found = weighted_mean(values, weights, Clusters.of(codes))

    plain = clustered_mean(np.repeat(values, times), Clusters.of(np.repeat(codes, times)))
    assert (found.estimate, found.variance) == pytest.approx((plain.estimate, plain.variance))
    assert found.df == pytest.approx(plain.df)


def test_a_changed_sampling_rate_is_put_right():
    """Slow hours drawn at one in ten: their weight brings the mean of all traffic back."""
    rng = np.random.default_rng(3)
    slow = rng.random(40_000) < 0.5
    values = np.where(slow, 2.0, 1.0) + rng.normal(0, 0.1, slow.size)
    chance = np.where(slow, 0.1, 1.0)
    drawn = rng.random(slow.size) < chance

    found = weighted_mean(
        values[drawn], weights_of(chance[drawn]), Clusters.independent(int(drawn.sum()))
    )

    assert found.estimate == pytest.approx(values.mean(), abs=4 * found.se)
    assert values[drawn].mean() < 1.2


@pytest.mark.parametrize("chance", [0.0, -0.1, 1.5, math.nan, math.inf])
def test_a_chance_that_is_none_is_no_evidence(chance):
    """Nobody can say what such a pair stands for."""
    assert isinstance(weights_of([1.0, chance]), Shortage)

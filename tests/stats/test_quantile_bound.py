"""One side's quantile, exactly bounded."""

import numpy as np
import pytest

from harness.metric import Better
from harness.stats.clusters import Clusters
from harness.stats.quantile_bound import quantile_bound
from harness.verdict import Estimate, Unavailable


def bound(values, *, p=0.95, null=1.0, clusters=None, better=Better.LOWER):
    values = np.asarray(values, dtype=float)
    return quantile_bound(
        values,
        clusters or Clusters.independent(values.size),
        p=p,
        null=null,
        confidence=0.95,
        metric="latency_s.p95",
        unit="s",
        better=better,
    )


def test_the_p_value_is_the_binomial_one():
    """990 of 1000 values below the limit: P(Bin(1000, 0.95) >= 990)."""
    from scipy.stats import binom

    values = np.concatenate([np.linspace(0.1, 0.9, 990), np.full(10, 2.0)])

    found = bound(values)

    assert found.p_value == pytest.approx(binom.sf(989, 1000, 0.95), rel=1e-9)
    assert found.harm_low < found.harm < found.harm_high < 1.0


def test_bounds_and_p_value_agree():
    """The upper bound is below the limit just when the p-value is below the error."""
    rng = np.random.default_rng(3)
    for _ in range(50):
        found = bound(rng.exponential(0.33, 400))
        assert (found.harm_high < 1.0) == (found.p_value < 0.05)
        assert (found.harm_low > 1.0) == (found.p_harm < 0.05)


def test_the_upper_bound_covers():
    """In 400 samples the true p95 lies below the bound in 95 %, within 3 standard errors."""
    rng = np.random.default_rng(11)
    true = -np.log(0.05)

    missed = sum(bound(rng.exponential(1.0, 300)).harm_high < true for _ in range(400))

    assert missed <= 400 * 0.05 + 3 * np.sqrt(400 * 0.05 * 0.95)


def test_more_is_better_turns_the_sign():
    """A floor on a score is judged as minus the score."""
    values = np.linspace(0.0, 1.0, 1001)

    found = bound(values, p=0.5, null=-0.4, better=Better.HIGHER)

    assert found.harm == pytest.approx(-0.5)
    assert found.harm_low < -0.5 < found.harm_high < -0.4
    assert found.p_value < 0.05


def test_too_few_values_are_not_bounded():
    """A p95 has no upper order statistic among 30 values."""
    found = bound(np.linspace(0, 1, 30))

    assert isinstance(found, Unavailable)
    assert "cannot bound a p95, 58 are needed" in found.reason
    assert found.clusters_missing > 0


def test_a_quantile_among_the_failures_is_harm():
    """With a fifth of the requests failed, the p95 is surely beyond any limit."""
    found = bound(np.concatenate([np.full(800, 0.1), np.full(200, np.inf)]))

    assert isinstance(found, Unavailable)
    assert found.certain_harm


def test_clusters_widen_the_bounds():
    """Users that are slow as a whole tell less than as many independent requests."""
    slow = np.repeat(np.random.default_rng(5).exponential(0.1, 200), 20)
    users = Clusters.of(np.repeat(np.arange(200), 20))

    clustered, independent = bound(slow, clusters=users), bound(slow)

    assert isinstance(clustered, Estimate)
    assert clustered.harm_high > independent.harm_high

import pytest
from scipy import stats

from harness.stats.power import (
    design_effect_of,
    mcnemar_pairs,
    normal_power,
    pairs_needed,
    silent_pairs,
    t_detectable,
    t_pairs,
    t_power,
)


def test_pairs_power_and_distance_are_one_equation():
    """What is needed for a power has that power, and shows that distance."""
    n = t_pairs(distance=0.2, alpha=0.05, power=0.9)

    assert t_power(distance=0.2, n_pairs=n, alpha=0.05) == pytest.approx(0.9)
    assert t_detectable(n_pairs=n, alpha=0.05, power=0.9) == pytest.approx(0.2)
    needed = pairs_needed(variance=2.0, distance=0.3, alpha=0.05, power=0.8)
    reached = normal_power(variance=2.0, distance=0.3, n_pairs=needed, alpha=0.05)
    assert reached == pytest.approx(0.8)


def test_no_distance_is_found_as_often_as_by_chance():
    """At the null the power is the error."""
    assert t_power(distance=0.0, n_pairs=50, alpha=0.05) == pytest.approx(0.05)
    assert t_power(distance=0.0, n_pairs=50, alpha=0.05, sides=2) == pytest.approx(0.05)
    assert t_power(distance=2.0, n_pairs=500, alpha=0.05, sides=2) == pytest.approx(1.0)


def test_the_rule_of_three():
    """That many silent pairs put the exact upper bound at the margin."""
    n = silent_pairs(margin=0.01, alpha=0.05)

    assert stats.binom.pmf(0, round(n), 0.01) == pytest.approx(0.05, rel=0.01)


def test_mcnemar_needs_more_for_less():
    """Twice the difference needs about a quarter of the pairs."""
    far = mcnemar_pairs(wins=0.2, losses=0.1, alpha=0.05, power=0.8)
    near = mcnemar_pairs(wins=0.175, losses=0.125, alpha=0.05, power=0.8)

    assert near / far == pytest.approx(4, rel=0.1)


@pytest.mark.parametrize(("icc", "expected"), [(0.0, 1.0), (1.0, 20.0)])
def test_design_effect_runs_from_pairs_to_clusters(icc, expected):
    """Independent within clusters: pairs count; all alike: clusters do."""
    found = design_effect_of(mean_size=20, size_variation=0.0, icc=icc)

    assert found == pytest.approx(expected)
    assert design_effect_of(mean_size=20, size_variation=1.0, icc=icc) >= found

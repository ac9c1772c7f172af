import numpy as np
import pytest

from harness.stats.rank import MAX_PAIRS, hodges_lehmann, signed_rank
from harness.stats.sign_test import order_statistic_interval, sign_test


def test_no_difference_is_no_evidence():
    """All zeros: p is 1, where the formula would divide by zero."""
    assert signed_rank(np.zeros(20)).p_value == 1.0
    assert sign_test(np.zeros(20)).p_value == sign_test(np.zeros(20)).p_greater == 1.0


def test_one_outlier_does_not_move_the_pseudo_median():
    """The typical difference stays what it is when one value goes astray."""
    values = np.random.default_rng(1).normal(1, 0.1, 51)
    astray = values.copy()
    astray[0] = 1e6

    plain, found = (hodges_lehmann(v, confidence=0.95) for v in (values, astray))

    assert found.estimate == pytest.approx(plain.estimate, abs=0.02)
    assert found.interval.low <= 1 <= found.interval.high


def test_exact_and_approximate_bounds_meet():
    """Where counting ends and the normal approximation begins, the interval does not jump."""
    values = np.random.default_rng(2).normal(0, 1, 51)

    counted = hodges_lehmann(values[:50], confidence=0.95).interval
    approximated = hodges_lehmann(values, confidence=0.95).interval

    assert approximated.low == pytest.approx(counted.low, abs=0.1)
    assert approximated.high == pytest.approx(counted.high, abs=0.1)


@pytest.mark.parametrize("n", [0, MAX_PAIRS + 1])
def test_a_pseudo_median_of_nothing_or_too_much_is_refused(n):
    """Walsh averages of more than 3 000 pairs would not fit."""
    with pytest.raises(ValueError, match=f"{n} pairs, the pseudo-median takes 1 to 3000"):
        hodges_lehmann(np.zeros(n), confidence=0.95)


def test_a_far_quantile_of_few_values_has_no_end():
    """Ten values say nothing about how high p99 could be."""
    found = order_statistic_interval(np.arange(10.0), p=0.99, confidence=0.95)

    assert found.high == np.inf
    assert found.low >= 0


def test_without_differences_any_share_is_possible():
    """An interval of nothing is everything."""
    none = sign_test(np.zeros(3))

    assert (none.exact_interval(0.95).low, none.wilson_interval(0.95).high) == (0.0, 1.0)

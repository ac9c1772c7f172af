import math

import numpy as np
import pytest

from harness.stats.sampling_ratio import sampling_log_e, sampling_p_value


def test_configured_shares_raise_no_alarm_however_often_one_looks():
    """Looked at after every request, an even split reaches 1000 in at most 1 run of 1000."""
    rng = np.random.default_rng(1)
    alarms = 0
    for _ in range(200):
        left = np.cumsum(rng.random(2000) < 0.5)
        looks = np.arange(100, 2001, 100)
        alarms += any(
            sampling_log_e([left[n - 1], n - left[n - 1]], [0.5, 0.5]) >= math.log(1000)
            for n in looks
        )

    assert alarms <= 1


def test_a_mirror_that_loses_a_tenth_is_found():
    """4500 against 5000 where an even split was configured is no accident."""
    assert sampling_log_e([5000, 4500], [0.5, 0.5]) > math.log(1000)
    assert sampling_p_value([5000, 4500], [0.5, 0.5]) < 1e-6


def test_uneven_shares_are_compared_with_what_was_configured():
    """One in ten sampled, one in ten seen."""
    assert sampling_p_value([100, 900], [0.1, 0.9]) == pytest.approx(1.0)
    assert sampling_log_e([100, 900], [0.1, 0.9]) < 0

import numpy as np
import pytest

from harness.stats.segment_tests import cochran_q, gail_simon, gail_simon_critical_value


def test_segments_that_all_gain_do_not_cross():
    """However different the gains, none of them is a harm."""
    harms, errors = np.array([-0.01, -0.20, -0.02]), np.full(3, 0.01)

    assert gail_simon(harms, errors).p_value == 1.0
    assert cochran_q(harms, errors).p_value < 1e-9


def test_a_masked_harm_crosses():
    """A gain in one segment and as sure a harm in another is found."""
    assert gail_simon(np.array([-0.05, 0.05]), np.full(2, 0.01)).p_value < 1e-4


@pytest.mark.parametrize("n_segments", [2, 5])
def test_critical_values_are_where_the_p_value_is_alpha(n_segments):
    """At the critical value the p-value is alpha."""
    critical = gail_simon_critical_value(n_segments, alpha=0.05)
    harms = np.sqrt(critical) * np.r_[-1.0, 1.0, np.full(n_segments - 2, 9.0)]

    assert gail_simon(harms, np.ones(n_segments)).p_value == pytest.approx(0.05)

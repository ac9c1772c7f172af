import numpy as np
import pytest

from harness.stats.clustered_mcnemar import durkalski, eliasziw, obuchowski, yang
from harness.stats.mcnemar import (
    bonett_price_interval,
    chi_square,
    exact_p_value,
    mid_p_value,
    newcombe_interval,
)


def test_nothing_discordant_is_no_evidence():
    """Without any difference every test says 1, though chi-square and mid-p formulas break down."""
    assert exact_p_value(0, 0) == mid_p_value(0, 0) == 1.0
    assert chi_square(0, 0) == 0.0


@pytest.mark.parametrize(("wins", "losses"), [(0, 4), (3, 9), (5, 5), (20, 11)])
def test_mid_p_lies_below_the_exact_p(wins, losses):
    """Mid-p gives half of the observed table back, and is symmetric in wins and losses."""
    assert mid_p_value(wins, losses) < exact_p_value(wins, losses)
    assert mid_p_value(wins, losses) == pytest.approx(mid_p_value(losses, wins))


@pytest.mark.parametrize("table", [(90, 0, 0, 10), (0, 0, 5, 0), (4, 9, 3, 16)])
def test_intervals_hold_the_difference_and_stay_possible(table):
    """Both intervals contain the difference seen and end within -1 and 1, at any extreme."""
    both, wins, losses, neither = table
    n = sum(table)

    for found in (
        newcombe_interval(both, wins, losses, neither, confidence=0.95),
        bonett_price_interval(wins, losses, n, confidence=0.95),
    ):
        assert -1 <= found.low <= found.high <= 1
    assert newcombe_interval(*table, confidence=0.95).low <= (wins - losses) / n


def test_clustered_tests_without_differences_are_zero():
    """No discordant pair: no statistic, and no division by zero."""
    none, some = np.zeros(9), np.full(9, 4.0)

    assert obuchowski(none, none) == 0.0
    assert durkalski(none, none, some) == 0.0
    assert yang(none, none, some) == 0.0
    assert eliasziw(some, none, none, none) == 0.0

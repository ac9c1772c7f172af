import pytest

from harness.stats.tango import Discordance


def test_no_difference_seen_is_not_no_difference():
    """With no discordant pair among 100 the 95 % interval still reaches 3.7 points either way."""
    seen = Discordance(wins=0, losses=0, n=100)

    assert seen.lower(1.959964) == pytest.approx(-0.0370, abs=5e-5)
    assert seen.upper(1.959964) == pytest.approx(0.0370, abs=5e-5)


def test_at_no_difference_it_is_mcnemar():
    """Against zero the score is McNemar's Z."""
    assert Discordance(wins=9, losses=3, n=32).score(0.0) == pytest.approx(6 / 12**0.5)


@pytest.mark.parametrize(
    ("seen", "low", "high"),
    [
        (Discordance(0, 40, 40), -1.0, None),  # every pair a loss: nothing is too bad
        (Discordance(40, 0, 40), None, 1.0),
    ],
)
def test_extremes_end_at_the_edge(seen, low, high):
    """Where the score never reaches the quantile, the bound is the edge of what is possible."""
    found_low, found_high = seen.lower(1.645), seen.upper(1.645)

    assert -1 <= found_low < found_high <= 1
    assert low is None or found_low == low
    assert high is None or found_high == high


def test_deflated_counts_know_less():
    """A design effect of two is half the pairs: a wider interval around the same difference."""
    seen = Discordance(wins=8, losses=20, n=500)
    halved = seen.deflated(2.0)

    assert halved.theta == seen.theta
    assert halved.lower(1.645) < seen.lower(1.645) < seen.upper(1.645) < halved.upper(1.645)

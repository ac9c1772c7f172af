"""A failing deployment is left alone, and found again when it is back."""

import pytest

from harness.traffic.breaker import Breaker, BreakerState, Breaking

QUICK = Breaking(failure_rate=0.5, window_s=10.0, min_calls=4, rest_s=5.0, n_probes=2)


def ask(breaker, now_s, *, failed):
    allowed = breaker.may_ask(now_s)
    if allowed:
        breaker.ended(now_s, failed=failed)
    return allowed


@pytest.fixture
def tripped():
    breaker = Breaker(QUICK)
    for _ in range(4):
        ask(breaker, 100.0, failed=True)
    return breaker


def test_half_of_the_calls_failing_opens_it():
    """Not before there are enough calls for a share."""
    breaker = Breaker(QUICK)

    states = []
    for failed in (True, False, False, True):
        ask(breaker, 1.0, failed=failed)
        states.append(breaker.state)

    assert states == [BreakerState.CLOSED] * 3 + [BreakerState.OPEN]


def test_failures_of_long_ago_do_not_count():
    """A share is of the window."""
    breaker = Breaker(QUICK)

    for now_s in (0.0, 20.0, 40.0, 60.0, 80.0):
        ask(breaker, now_s, failed=True)

    assert breaker.state is BreakerState.CLOSED


def test_what_is_nobodys_fault_does_not_count():
    """A call that we gave up says nothing of the deployment."""
    breaker = Breaker(QUICK)

    for _ in range(10):
        ask(breaker, 1.0, failed=None)

    assert breaker.state is BreakerState.CLOSED


def test_an_open_breaker_lets_nothing_through_until_it_has_rested(tripped):
    """Then one call at a time."""
    assert not tripped.may_ask(104.9)

    assert tripped.may_ask(105.0)
    assert not tripped.may_ask(105.0)
    assert tripped.state is BreakerState.HALF_OPEN


def test_good_probes_close_it(tripped):
    """And what was counted before is forgotten."""
    for _ in range(2):
        assert ask(tripped, 105.0, failed=False)

    assert tripped.state is BreakerState.CLOSED
    ask(tripped, 105.0, failed=True)
    assert tripped.state is BreakerState.CLOSED


def test_a_bad_probe_opens_it_again(tripped):
    """For another rest."""
    ask(tripped, 105.0, failed=True)

    assert tripped.state is BreakerState.OPEN
    assert not tripped.may_ask(109.9)
    assert tripped.may_ask(110.0)


def test_a_probe_that_we_gave_up_is_followed_by_another(tripped):
    """It neither closes nor opens."""
    assert ask(tripped, 105.0, failed=None)

    assert tripped.state is BreakerState.HALF_OPEN
    assert tripped.may_ask(105.0)

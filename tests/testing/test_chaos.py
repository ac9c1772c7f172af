"""The proxy that spoils connections."""

import pytest

from harness.testing.chaos import FAULTS, Chaos, Fault, chaos_before
from harness.testing.conditions import condition
from harness.testing.load import Schedule, asked


@pytest.fixture(scope="module")
def url():
    """A server that answers right."""
    with condition("fast") as served:
        yield served


LOAD = Schedule(rate_per_s=60, seconds=0.3, timeout_s=1.0)


def test_fate_is_drawn_from_the_seed():
    """The same seed spoils the same connections in the same way; another one does not."""
    fates = [[Chaos(seed, share=0.5).fate(n) for n in range(200)] for seed in (1, 1, 2)]

    n_spoilt = sum(fate.fault is not Fault.NONE for fate in fates[0])
    assert fates[0] == fates[1] != fates[2]
    assert 70 < n_spoilt < 130
    assert {fate.fault for fate in fates[0]} == set(Fault)


@pytest.mark.process
@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_seen_for_what_it_is(fault, url):
    """What a client sees of a server behind it."""
    seen_as = {
        Fault.DELAY: set(),
        Fault.RESET: {"disconnected"},
        Fault.TRUNCATION: {"disconnected"},
        Fault.GARBAGE: {"unreadable", "wrong answer", "timeout"},
        Fault.STALL: {"timeout"},
        Fault.TRICKLE: {"timeout"},
    }

    with chaos_before(url, Chaos(5, 1.0, (fault,), 600)) as spoilt:
        seen = asked(spoilt, LOAD)

    assert set(seen.problems) <= seen_as[fault]
    assert bool(seen.problems) is (fault is not Fault.DELAY)
    if fault is Fault.DELAY:
        assert seen.quantile_us(1.0) > 200_000


@pytest.mark.process
def test_nothing_is_spoilt_where_the_share_is_none(url):
    """It is a proxy like any other then."""
    with chaos_before(url, Chaos(share=0.0)) as spoilt:
        seen = asked(spoilt, LOAD)

    assert seen.n_right == seen.n_sent > 0

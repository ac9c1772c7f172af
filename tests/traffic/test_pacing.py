"""Pacers say when; they never wait."""

import pytest

from harness.traffic.pacing import (
    AsRecorded,
    ClosedLoop,
    ConstantRate,
    Send,
    WaitForAnswer,
    WaitUntil,
)

SECOND = 1_000_000_000
NOON_NS = 1_750_000_000 * SECOND


def test_recorded_gaps_are_kept_and_divided_by_the_speed():
    """Entries 0, 1 and 5 s apart are due 0, 0.1 and 0.5 s after the start at speed 10."""
    pacer = AsRecorded(speed=10)

    steps = [pacer.next(50.0, NOON_NS), pacer.next(50.0, NOON_NS + SECOND)]
    steps += [pacer.next(50.2, NOON_NS + SECOND), pacer.next(50.2, NOON_NS + 5 * SECOND)]

    assert steps == [Send(50.0), WaitUntil(50.1), Send(50.1), WaitUntil(50.5)]


def test_falling_behind_keeps_the_due_time():
    """A driver that comes late sends at once, and the entry is still due when it was due."""
    pacer = AsRecorded()
    pacer.next(10.0, NOON_NS)

    assert pacer.next(19.0, NOON_NS + 2 * SECOND) == Send(12.0)
    assert pacer.next(19.0, NOON_NS + 3 * SECOND) == Send(13.0)


def test_an_entry_without_a_time_goes_with_the_one_before_it():
    """A missing time is no reason to stop, and none to run ahead."""
    pacer = AsRecorded()
    pacer.next(0.0, NOON_NS)
    pacer.next(1.0, NOON_NS + SECOND)

    assert pacer.next(1.0, None) == Send(1.0)
    assert pacer.next(1.0, NOON_NS + 2 * SECOND) == WaitUntil(2.0)


def test_a_constant_rate_does_not_drift():
    """The millionth request of 1000/s is due after 999.999 s exactly, not after a million sums."""
    pacer = ConstantRate(rate_per_s=1000)
    pacer.next(5000.0, None)
    for _ in range(999_998):
        pacer.next(9000.0, None)

    assert pacer.next(9000.0, None) == Send(5000.0 + 999_999 / 1000)
    assert pacer.next(5999.9, None) == WaitUntil(6000.0)


def test_a_closed_loop_waits_for_answers():
    """With two in flight a third waits until one of them is answered, and is due when sent."""
    pacer = ClosedLoop(in_flight=2)

    assert [pacer.next(t, None) for t in (0.0, 0.1, 0.2)] == [
        Send(0.0),
        Send(0.1),
        WaitForAnswer(),
    ]
    pacer.answered()
    assert pacer.next(0.9, None) == Send(0.9)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: AsRecorded(speed=0), "speed is 0, must be above 0"),
        (lambda: AsRecorded(speed=float("nan")), "speed is nan, must be above 0"),
        (lambda: ConstantRate(rate_per_s=-1), "rate is -1/s, must be above 0"),
        (lambda: ClosedLoop(in_flight=0), "in_flight is 0, must be 1 or more"),
    ],
)
def test_a_pace_that_makes_no_sense_is_refused(build, message):
    """A pacer that could never send is a mistake of the caller's."""
    with pytest.raises(ValueError, match=message):
        build()

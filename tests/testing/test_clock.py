"""A manual clock wakes sleepers in order, at their own times, and only when moved."""

import asyncio

import pytest

from harness.testing.clock import NOON_NS, ManualClock


async def test_sleepers_wake_in_order_and_at_their_times():
    """However far the clock jumps, each sleeper sees the time it asked for."""
    clock = ManualClock(at_s=100.0)
    woken = []

    async def sleep(until_s):
        await clock.sleep_until(until_s)
        woken.append((until_s, clock.now_s()))

    tasks = [asyncio.create_task(sleep(at_s)) for at_s in (103.0, 101.0, 109.0)]
    await clock.advance(5.0)

    assert woken == [(101.0, 101.0), (103.0, 103.0)]
    assert clock.now_s() == 105.0
    assert clock.next_wake_s == 109.0
    await clock.advance(10.0)
    await asyncio.gather(*tasks)


async def test_who_sleeps_again_is_woken_again():
    """A loop that sleeps for a second ticks as often as there are seconds."""
    clock = ManualClock()
    ticks = []

    async def tick():
        for second in range(1, 4):
            await clock.sleep_until(float(second))
            ticks.append(clock.now_s())

    task = asyncio.create_task(tick())
    await clock.advance(3.0)
    await task

    assert ticks == [1.0, 2.0, 3.0]


async def test_a_time_that_is_past_does_not_wait():
    """Sleeping until now or earlier returns, as with the real clock."""
    clock = ManualClock(at_s=7.0)

    await asyncio.wait_for(clock.sleep_until(7.0), timeout=1)

    assert clock.now_s() == 7.0


async def test_a_cancelled_sleeper_is_forgotten():
    """Cancelling a sleep leaves nothing to wake."""
    clock = ManualClock()
    task = asyncio.create_task(clock.sleep_until(5.0))
    await asyncio.sleep(0)

    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert clock.next_wake_s is None


async def test_wall_time_moves_with_the_clock():
    """Half a second on is half a second on both readings."""
    clock = ManualClock(at_s=3.0)

    await clock.advance(0.5)

    assert clock.wall_ns() == NOON_NS + 500_000_000


async def test_a_clock_does_not_step_back():
    """A negative step is refused with its value."""
    with pytest.raises(ValueError, match="by_s is -1, must be 0 or more"):
        await ManualClock().advance(-1.0)

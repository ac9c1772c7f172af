"""The real clock."""

import asyncio
import time

import pytest
import pytest_asyncio

from harness.transport.clock import MonotonicClock


@pytest_asyncio.fixture
async def clock():
    clock = MonotonicClock()
    yield clock
    clock.close()


async def test_wall_time_is_utc_and_moves_with_the_clock(clock):
    """A difference of one is a difference of the other."""
    wall_ns, now_s = clock.wall_ns(), clock.now_s()

    await clock.sleep_until(now_s + 0.05)

    moved_ns = clock.wall_ns() - wall_ns
    assert moved_ns / 1e9 == pytest.approx(clock.now_s() - now_s, abs=0.005)
    assert clock.wall_ns() == pytest.approx(time.time_ns(), abs=5e8)


async def test_nobody_wakes_early(clock):
    """Not by a nanosecond, or a pacer would ask again and again."""
    for i in range(50):
        at_s = clock.now_s() + i * 1e-4

        await clock.sleep_until(at_s)

        assert clock.now_s() >= at_s


async def test_sleepers_wake_in_order_of_their_times(clock):
    """Whoever asked first."""
    woken = []
    now_s = clock.now_s()

    async def sleep(in_s):
        await clock.sleep_until(now_s + in_s)
        woken.append(in_s)

    await asyncio.gather(*(sleep(in_s) for in_s in (0.03, 0.01, 0.02, 0.01)))

    assert woken == [0.01, 0.01, 0.02, 0.03]


async def test_a_cancelled_sleeper_disturbs_nobody(clock):
    """The others still wake at their times."""
    at_s = clock.now_s() + 0.05
    first = asyncio.create_task(clock.sleep_until(at_s - 0.03))
    second = asyncio.create_task(clock.sleep_until(at_s))
    await asyncio.sleep(0)

    first.cancel()
    await second

    assert first.cancelled()
    assert clock.now_s() >= at_s


async def test_a_time_that_is_past_lets_others_run(clock):
    """A caller that is late must not keep the loop to itself."""
    ran = []
    asyncio.get_running_loop().call_soon(ran.append, True)

    await clock.sleep_until(clock.now_s() - 1)

    assert ran


async def test_pacing_is_precise(clock):
    """Half of 200 wake-ups are less than 2 ms late, on whatever machine runs this."""
    late_s = []
    start_s = clock.now_s()
    for i in range(200):
        due_s = start_s + i * 0.001
        await clock.sleep_until(due_s)
        late_s.append(clock.now_s() - due_s)

    assert sorted(late_s)[100] < 0.002

"""The real clock, and sleeping until a due time with a precision that pacing can use.

Event loops round their timers: on Linux `loop.call_at` is late by 0.5 ms (asyncio) or 0.3 ms
(uvloop) at the median, which is more than a fast model takes. A timerfd, read by the loop like any
other file, is late by 0.05 ms at no further cost. Python knows timerfd from 3.13 on; until then we
call libc. Where there is none (macOS), the loop's own timer has to do.
"""

from __future__ import annotations

import asyncio
import ctypes
import heapq
import os
import sys
import time
from itertools import count


class MonotonicClock:
    """Seconds that never step back, and UTC that agrees with them.

    `wall_ns` is read once, at the start, and continued by the monotonic clock, so that differences
    of wall times are differences of `now_s` too. One clock serves one event loop.
    """

    now_s = staticmethod(time.perf_counter)

    def __init__(self) -> None:
        self._wall_minus_monotonic_ns = time.time_ns() - time.perf_counter_ns()
        self._timer: _TimerFd | None = None

    def wall_ns(self) -> int:
        return self._wall_minus_monotonic_ns + time.perf_counter_ns()

    async def sleep_until(self, at_s: float) -> None:
        """Return at `at_s` or shortly after; lets others run once even if that is past."""
        if at_s <= self.now_s():
            await asyncio.sleep(0)
        elif _LIBC is None:
            await asyncio.sleep(at_s - self.now_s())
        else:
            if self._timer is None:
                self._timer = _TimerFd()
            await self._timer.wait_until(at_s)

    def close(self) -> None:
        """Give the timer's file back. The clock can still be read."""
        if self._timer is not None:
            self._timer.close()
            self._timer = None


# From <time.h> and <sys/timerfd.h>; the same on all Linux architectures we run on.
_CLOCK_MONOTONIC = 1
_TFD_TIMER_ABSTIME = 1


class _TimeSpec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _TimerSpec(ctypes.Structure):
    _fields_ = (("interval", _TimeSpec), ("value", _TimeSpec))


def _libc() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    return libc if hasattr(libc, "timerfd_create") else None


_LIBC = _libc()


class _TimerFd:
    """One timerfd for all who sleep, set to the earliest of their times.

    `time.perf_counter` is CLOCK_MONOTONIC on Linux, so its readings can be handed over as they are.
    """

    def __init__(self) -> None:
        assert _LIBC is not None
        self._libc = _LIBC
        self._fd = _LIBC.timerfd_create(_CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
        if self._fd < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create failed")
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._fd, self._fired)
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = count()
        self._spec = _TimerSpec()

    async def wait_until(self, at_s: float) -> None:
        woken = self._loop.create_future()
        sleeper = (at_s, next(self._order), woken)
        heapq.heappush(self._sleepers, sleeper)
        if self._sleepers[0] is sleeper:
            self._set(at_s)
        await woken

    def close(self) -> None:
        self._loop.remove_reader(self._fd)
        os.close(self._fd)

    def _set(self, at_s: float) -> None:
        at = self._spec.value
        at.seconds, at.nanoseconds = divmod(int(at_s * 1e9), 1_000_000_000)
        self._libc.timerfd_settime(self._fd, _TFD_TIMER_ABSTIME, ctypes.byref(self._spec), None)

    def _fired(self) -> None:
        try:
            os.read(self._fd, 8)
        except BlockingIOError:  # set anew since the loop saw it
            return
        now_s = time.perf_counter()
        while self._sleepers:
            at_s, _, woken = self._sleepers[0]
            if at_s > now_s and not woken.done():
                self._set(at_s)
                return
            heapq.heappop(self._sleepers)
            if not woken.done():  # not cancelled meanwhile
                woken.set_result(None)

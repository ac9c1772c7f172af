"""How late an event loop is: what it reads later than it came looks like a slow answer.

A timer that is due every few milliseconds fires late when the loop is busy or its process got no
core. An answer that is read then had been there for up to as long, and nobody can tell how much of
its latency that was.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

TICK_S = 0.004
"""What is shorter goes unseen."""
_ROUNDING_S = 0.0015
"""Timers of loops are that late by themselves."""


class Lateness:
    """Measures the running loop.

    Args:
        now_s: A monotonic clock.
    """

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._ticked_s = now_s()
        self._late_s = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Measure the loop that runs now."""
        self._ticked_s = self._now_s()
        self._timer = asyncio.get_running_loop().call_later(TICK_S, self._tick)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def at(self, now_s: float) -> float:
        """How late what is read now may be, seconds; 0 on a loop that keeps up.

        A tick that is overdue tells, and one that came late a moment ago: the loop takes its timers
        before what it has to read.
        """
        if self._timer is None:
            return 0.0
        since_s = now_s - self._ticked_s
        overdue_s = since_s - TICK_S
        recent_s = self._late_s if since_s < TICK_S else 0.0
        late_s = max(overdue_s, recent_s)
        return late_s if late_s > _ROUNDING_S else 0.0

    def _tick(self) -> None:
        now_s = self._now_s()
        self._late_s = max(0.0, now_s - self._ticked_s - TICK_S)
        self._ticked_s = now_s
        self._timer = asyncio.get_running_loop().call_later(TICK_S, self._tick)

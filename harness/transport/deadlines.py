"""Who has to be done by when, on one timer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

from harness.transport.call import Call

_LATE_S = 0.01
"""A deadline that is seen that late passed while the loop did not run."""


class Deadlines:
    """Calls in order of their deadlines, given up as these pass.

    All calls of a sender have the same timeout, so the order in which they are added is the order
    of their deadlines, and one timer, set for the first, serves all. A dict keeps that order, and
    lets a call that is answered in time go for the price of one lookup.

    Args:
        give_up: Called for each call whose deadline has passed, after its removal.
    """

    def __init__(self, now_s: Callable[[], float], give_up: Callable[[Call, float], None]) -> None:
        self._now_s = now_s
        self._give_up = give_up
        self._loop = asyncio.get_running_loop()
        self._calls: dict[Call, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._has_read = False

    def __iter__(self) -> Iterator[Call]:
        return iter(self._calls)

    def add(self, call: Call, now_s: float) -> None:
        """Put a call at the end; its `deadline_s` must not be before the last one's."""
        self._calls[call] = None
        if self._timer is None:
            self._set_timer(call.deadline_s - now_s)

    def remove(self, call: Call) -> None:
        """Forget a call; nothing happens when it is not there."""
        self._calls.pop(call, None)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _set_timer(self, in_s: float) -> None:
        # uvloop rounds to milliseconds: less than one would fire at once, over and over.
        self._timer = self._loop.call_later(max(in_s, 0.001), self._expire)

    def _expire(self) -> None:
        self._timer = None
        now_s = self._now_s()
        first = next(iter(self._calls), None)
        if first is not None and not self._has_read and now_s - first.deadline_s > _LATE_S:
            # A loop takes its timers before what it has to read: there may be answers by now.
            self._has_read = True
            self._set_timer(0.0)
            return
        self._has_read = False
        overdue = []
        for call in self._calls:
            if call.deadline_s > now_s:
                self._set_timer(call.deadline_s - now_s)
                break
            overdue.append(call)
        for call in overdue:
            self._calls.pop(call, None)
            self._give_up(call, now_s)

"""A clock that stands still until it is moved."""

from __future__ import annotations

import asyncio
import heapq
from dataclasses import dataclass, field
from itertools import count

NOON_NS = 1_735_732_800_000_000_000
"""2025-01-01 12:00 UTC, nanoseconds since 1970."""


@dataclass(slots=True)
class ManualClock:
    """A `harness.ports.Clock` for tests: time passes by `advance` alone.

    Args:
        at_s: What `now_s` reads at first.
        start_wall_ns: What `wall_ns` reads then.
    """

    at_s: float = 0.0
    start_wall_ns: int = NOON_NS
    _start_s: float = field(init=False)
    _sleepers: list[tuple[float, int, asyncio.Future[None]]] = field(
        default_factory=list, init=False
    )
    _numbers: count[int] = field(default_factory=count, init=False)

    def __post_init__(self) -> None:
        self._start_s = self.at_s

    def now_s(self) -> float:
        return self.at_s

    def wall_ns(self) -> int:
        return self.start_wall_ns + round((self.at_s - self._start_s) * 1e9)

    async def sleep_until(self, at_s: float) -> None:
        if at_s <= self.at_s:
            await asyncio.sleep(0)  # as a real clock would: others get their turn
            return
        woken = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (at_s, next(self._numbers), woken))
        await woken

    @property
    def next_wake_s(self) -> float | None:
        """When the first sleeper wants to wake; None when nobody sleeps."""
        self._forget_cancelled()
        return self._sleepers[0][0] if self._sleepers else None

    async def advance(self, by_s: float) -> None:
        """Move on by `by_s` seconds, waking each sleeper at its own time and letting it act.

        Sleepers that go to sleep again within the span are woken again. Raises ValueError for a
        step back.
        """
        if by_s < 0:
            raise ValueError(f"by_s is {by_s:g}, must be 0 or more: a clock does not step back")
        end_s = self.at_s + by_s
        await _settle()
        while (wake_s := self.next_wake_s) is not None and wake_s <= end_s:
            self.at_s = max(self.at_s, wake_s)
            _, _, woken = heapq.heappop(self._sleepers)
            woken.set_result(None)
            await _settle()
        self.at_s = end_s

    def _forget_cancelled(self) -> None:
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)


# A woken coroutine that hands on to another through a queue or an event needs a turn of the loop
# for each hand; ten is more than any chain in this house.
_TURNS = 10


async def _settle() -> None:
    for _ in range(_TURNS):
        await asyncio.sleep(0)

"""When to send the next request of a replay.

Theory of operation
===================

A pacer is asked one question, `next(now_s, at_ns)`: the entry recorded at `at_ns` is the next one;
may it go? It answers *send*, *ask again at a given time*, or *ask again when something has been
answered*. It never sleeps and never reads a clock; the driver does both. The first call marks the
start. Due times are computed from the start and never from the previous due time, so that nothing
drifts, however long the log.

Open loops (`AsRecorded`, `ConstantRate`) go by the clock whatever the deployments do, as users
would. An open loop that has fallen behind sends at once and keeps the *due* time, so that waiting
counts as latency (coordinated omission, Tene 2013). A closed loop keeps a fixed number of requests
in flight, as a batch job would; it is due when it is sent.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from harness.value import value

_NS_PER_S = 1_000_000_000


@value
class Send:
    """Send the entry now. It was due at `due_s`."""

    due_s: float


@dataclass(frozen=True, slots=True)
class WaitUntil:
    """Nothing to send before `at_s`."""

    at_s: float


@dataclass(frozen=True, slots=True)
class WaitForAnswer:
    """Nothing to send before some request in flight is answered."""


Step = Send | WaitUntil | WaitForAnswer


class Pacer(Protocol):
    """Decides when a replay sends its next entry."""

    def next(self, now_s: float, at_ns: int | None) -> Step:
        """What to do with the next entry. After `Send` the entry after it is the next.

        Args:
            now_s: A clock that never steps back, in seconds.
            at_ns: When the entry was recorded (UTC nanoseconds); None when the log does not say.
        """
        ...

    def answered(self) -> None:
        """One request in flight has been answered by every deployment."""
        ...


@dataclass(slots=True)
class AsRecorded:
    """The log's own arrival times, faster or slower by a factor.

    An entry without a time of its own goes out with the one before it.

    Args:
        speed: 1 is as recorded, 10 is ten times as fast; above 0.
    """

    speed: float = 1.0
    _start_s: float | None = field(default=None, init=False)
    _first_at_ns: int | None = field(default=None, init=False)
    _last_due_s: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        if not self.speed > 0:
            raise ValueError(f"speed is {self.speed:g}, must be above 0")

    def next(self, now_s: float, at_ns: int | None) -> Step:
        if self._start_s is None:
            self._start_s = self._last_due_s = now_s
        due_s = self._due_s(self._start_s, at_ns)
        if now_s < due_s:
            return WaitUntil(due_s)
        self._last_due_s = due_s
        return Send(due_s)

    def answered(self) -> None:
        """Nothing to do: an open loop does not wait for answers."""

    def _due_s(self, start_s: float, at_ns: int | None) -> float:
        if at_ns is None:
            return self._last_due_s
        if self._first_at_ns is None:
            self._first_at_ns = at_ns
        return start_s + (at_ns - self._first_at_ns) / _NS_PER_S / self.speed


@dataclass(slots=True)
class ConstantRate:
    """A constant rate, kept by the clock.

    Args:
        rate_per_s: Requests per second, above 0.
    """

    rate_per_s: float
    _start_s: float | None = field(default=None, init=False)
    _n_sent: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if not self.rate_per_s > 0:
            raise ValueError(f"rate is {self.rate_per_s:g}/s, must be above 0")

    def next(self, now_s: float, at_ns: int | None) -> Step:
        if self._start_s is None:
            self._start_s = now_s
        due_s = self._start_s + self._n_sent / self.rate_per_s
        if now_s < due_s:
            return WaitUntil(due_s)
        self._n_sent += 1
        return Send(due_s)

    def answered(self) -> None:
        """Nothing to do: an open loop does not wait for answers."""


@dataclass(slots=True)
class ClosedLoop:
    """A fixed number of requests in flight.

    Args:
        in_flight: How many at once, 1 or more.
    """

    in_flight: int
    _n_in_flight: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if self.in_flight < 1:
            raise ValueError(f"in_flight is {self.in_flight}, must be 1 or more")

    def next(self, now_s: float, at_ns: int | None) -> Step:
        if self._n_in_flight >= self.in_flight:
            return WaitForAnswer()
        self._n_in_flight += 1
        return Send(now_s)

    def answered(self) -> None:
        self._n_in_flight -= 1

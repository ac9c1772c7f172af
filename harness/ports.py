"""What the thinking rooms and the working rooms ask of the world, as protocols."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from harness.exchange import (
    DeploymentName,
    Exchange,
    LateAnswer,
    Recorded,
    Rejected,
    Request,
    RequestId,
)
from harness.pair import Kept


class Clock(Protocol):
    """Time. `now_s` never steps back; `wall_ns` is UTC in nanoseconds since 1970."""

    def now_s(self) -> float: ...

    def wall_ns(self) -> int: ...

    async def sleep_until(self, at_s: float) -> None: ...


class Sender(Protocol):
    """Puts requests to one deployment. Never raises for what the other side does."""

    @property
    def deployment(self) -> DeploymentName: ...

    def submit(
        self,
        request_id: RequestId,
        request: Request,
        *,
        due_s: float,
        call_order: int,
        ready_s: float | None = None,
        done: Callable[[Exchange], None],
    ) -> None:
        """Send under the deployment's deadline; call `done` exactly once with the outcome.

        A callback and not a coroutine, because a task for each request costs as much as sending it.

        Args:
            due_s: When the request was due, a reading of the clock's `now_s`.
            call_order: Position of this call among those for the same request, from 0.
            ready_s: Since when it could be sent, where something that is not ours (the order
                within its cluster, too many open requests) held it back after it was due. Lateness
                of our own counts from here.
        """
        ...

    async def close(self) -> None:
        """Close all connections. What is still in flight ends as `cancelled`."""
        ...


class PairSink(Protocol):
    """Where pairs go. `append` is cheap; `acknowledge` returns once they survive a crash."""

    @property
    def has_room(self) -> bool:
        """Whether pairs are taken without waiting; who can hold back should when they are not."""
        ...

    def append(self, pairs: Sequence[Kept]) -> None: ...

    def acknowledge(self) -> int:
        """Make all that was appended durable; return how many pairs are acknowledged in all."""
        ...


@dataclass(frozen=True, slots=True)
class Source:
    """A named stream of bytes: one file of a log, decompressed.

    Attributes:
        name: For messages.
        chunks: The content in pieces of any size; read once.
    """

    name: str
    chunks: Iterator[bytes]


class Reader(Protocol):
    """A log format. Registered under the entry-point group `harness.readers`."""

    @property
    def resolution_ns(self) -> int:
        """How fine the format's times are, in nanoseconds; 0 for a format without times."""
        ...

    def sniff(self, head: bytes) -> bool:
        """Whether a file that starts with `head` (up to 64 KiB, decompressed) is of this format."""
        ...

    def read(self, source: Source) -> Iterator[Recorded | LateAnswer | Rejected]:
        """Read entries in the order of the file. A damaged entry costs one entry: it is yielded."""
        ...

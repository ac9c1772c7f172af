"""Where the front lets copies of the traffic out: the seam between serving and mirroring.

The front calls a tap and nothing else. A tap never waits, never raises, and counts what it does not
take, with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

OK = b"ok"
"""The kind of an outcome that is an answer; all others are the values of `FailureKind`."""

Piece = bytes | memoryview


@dataclass(slots=True)
class ChampionOutcome:
    """How the champion ended one request, as the front saw it. All times are its own clock's.

    Attributes:
        kind: `OK`, or the value of a `FailureKind`.
        status: Of the final answer; 0 when no head came.
        head: The answer's head as the champion sent it, from the status line to the empty line;
            empty when none came.
        body: Its pieces with transfer coding removed and content encoding intact; the first bytes
            where `truncated`.
        n_body_bytes: Size of the whole body that came.
        truncated: Whether `body` is shorter than what came.
        started_s: Monotonic time at which the first byte went to the champion.
        first_byte_s: From then to the first byte of the answer; negative when none came.
        latency_s: From then to the end of the outcome.
        wait_s: From the request's first byte being here to the first byte sent to the champion.
        lag_s: The part of `wait_s` that is the front's own lateness.
        timeout_s: The champion's deadline, which marks an outcome as `timeout` and stops nothing.
        chunk_at_s: When pieces came, from `started_s`; of event streams alone.
        detail: One line for a person where `kind` is a failure.
    """

    kind: bytes = OK
    status: int = 0
    head: bytes = b""
    body: Sequence[Piece] = ()
    n_body_bytes: int = 0
    truncated: bool = False
    started_s: float = 0.0
    first_byte_s: float = -1.0
    latency_s: float = 0.0
    wait_s: float = 0.0
    lag_s: float = 0.0
    timeout_s: float = 0.0
    chunk_at_s: Sequence[float] = ()
    detail: str = ""


class Tap(Protocol):
    """Takes copies of requests and of what the champion made of them."""

    def wants(self, method: bytes, target: bytes, headers: Sequence[tuple[bytes, bytes]]) -> bool:
        """Whether a copy of this request is to be kept. Asked once, when its head is complete.

        A request that is not wanted is counted here as ineligible or sampled out.
        """
        ...

    def request(
        self,
        *,
        number: int,
        received_at_ns: int,
        head: bytes,
        body: Sequence[Piece],
        n_body: int,
    ) -> bool:
        """Offer a wanted request whose body is complete.

        Args:
            number: Unique and ascending within the front process.
            received_at_ns: When its first byte came (UTC, nanoseconds since 1970).
            head: As the client sent it, from the request line to the empty line.
            body: Pieces with transfer coding removed; may be kept, so it must not change.
            n_body: Their bytes.

        Returns:
            Whether it was taken. If not it is counted here, and `champion` is not called for it.
        """
        ...

    def champion(self, *, number: int, outcome: ChampionOutcome) -> None:
        """How the champion ended a request that was taken; exactly once for each of them."""
        ...

    def too_large(self) -> None:
        """A wanted request passed the limit of its body or of all that is held, and was let go."""
        ...

    def incomplete(self) -> None:
        """A wanted request came to no end: its client left, or broke it off, inside the body.

        Everything that `wants` said yes to ends in one of `request`, `too_large`, `incomplete`.
        """
        ...

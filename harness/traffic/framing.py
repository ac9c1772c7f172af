"""What goes over the link between front and mirror, as bytes.

Every frame starts with eight bytes: a magic number, the version, the kind, and how many bytes
follow. A front says, in this order:

    HELLO      who it is, and how many requests it had handed over before this connection
    REQUEST    a request whose body is complete
    CHAMPION   how the champion ended one of them
    LOST       likewise, but there was no room for the answer: nobody will ever see it
    BYE        nothing more will come

and the mirror says

    ACK        how many of this front's requests have been settled, all in all

A reader takes what comes in pieces of any size. It keeps no more than one frame that is underway,
and refuses what is no frame of this version: both ends are started by the same supervisor, so that
anything else is damage, and the connection is of no use any more.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

MAGIC = 0x4C48
VERSION = 1

_HEADER = struct.Struct("<HBBI")
_HELLO = struct.Struct("<Q")
_REQUEST = struct.Struct("<QqdII")
_CHAMPION = struct.Struct("<QHBBBHIQ6d")
_NUMBER = struct.Struct("<Q")

_KIND_HELLO, _KIND_REQUEST, _KIND_CHAMPION, _KIND_LOST, _KIND_BYE, _KIND_ACK = range(1, 7)

LOST_BYTES = _HEADER.size + _NUMBER.size
"""Size of a LOST frame: what has to be kept free for every request that was taken."""

MOST_CHUNKS = 65_535
"""Arrival times of pieces that one CHAMPION frame holds; later ones are left away."""

_MOST_DETAIL_BYTES = 255

_ALL_PPM = 1_000_000


class FrameError(ValueError):
    """What came is no frame of this version. The message is one line for a person."""


@dataclass(frozen=True, slots=True)
class Hello:
    """A front speaks.

    Attributes:
        front: Unique per front process.
        n_offered: Requests it had handed over before this connection.
    """

    front: str
    n_offered: int


@dataclass(frozen=True, slots=True)
class RequestFrame:
    """A request whose body is complete.

    Attributes:
        number: Unique within its front.
        received_at_ns: When its first byte came (UTC, nanoseconds since 1970).
        offered_s: When it was handed over, on the machine's monotonic clock.
        sample_ppm: Share of the requests that was drawn when this one was, in millionths.
        head: As the client sent it, from the request line to the empty line.
        body: Transfer coding removed.
    """

    number: int
    received_at_ns: int
    offered_s: float
    head: bytes
    body: bytes
    sample_ppm: int = _ALL_PPM

    @property
    def n_bytes(self) -> int:
        return len(self.head) + len(self.body)


@dataclass(frozen=True, slots=True)
class ChampionFrame:
    """How the champion ended a request.

    Attributes:
        kind: `ok`, or the value of a `FailureKind`.
        status: Of the final answer; 0 when no head came.
        head: From the status line to the empty line; empty when none came.
        body: As much of it as was kept, transfer coding removed.
        n_body_bytes: Size of the whole body.
        first_byte_s: Seconds from the first byte sent; negative when nothing came.
        timing: `latency_s`, `wait_s`, `lag_s` and `timeout_s`, see `harness.exchange.Timing`.
        chunk_at_s: Arrival of the body's pieces, from the first byte sent.
    """

    number: int
    kind: str
    status: int
    head: bytes
    body: bytes
    n_body_bytes: int
    truncated: bool
    started_s: float
    first_byte_s: float
    latency_s: float
    wait_s: float
    lag_s: float
    timeout_s: float
    chunk_at_s: tuple[float, ...] = ()
    detail: str = ""

    @property
    def n_bytes(self) -> int:
        return len(self.head) + len(self.body)


@dataclass(frozen=True, slots=True)
class Lost:
    """The champion's outcome had no room on the link."""

    number: int


@dataclass(frozen=True, slots=True)
class Bye:
    """Nothing more will come.

    Attributes:
        n_offered: Requests handed over in all.
    """

    n_offered: int


@dataclass(frozen=True, slots=True)
class Ack:
    """How many of the front's requests have been settled: paired and stored, or lost by name."""

    n_settled: int


Frame = Hello | RequestFrame | ChampionFrame | Lost | Bye | Ack


def hello(front: str, n_offered: int) -> bytes:
    name = front.encode()
    return _header(_KIND_HELLO, _HELLO.size + len(name)) + _HELLO.pack(n_offered) + name


def request_start(
    number: int,
    received_at_ns: int,
    offered_s: float,
    head: bytes,
    n_body: int,
    sample_ppm: int = _ALL_PPM,
) -> bytes:
    """A REQUEST frame up to its body, whose bytes have to follow."""
    n_head = len(head)
    return (
        _HEADER.pack(MAGIC, VERSION, _KIND_REQUEST, _REQUEST.size + n_head + n_body)
        + _REQUEST.pack(number, received_at_ns, offered_s, sample_ppm, n_head)
        + head
    )


def champion_start(
    number: int,
    kind: bytes,
    status: int,
    head: bytes,
    n_kept: int,
    n_body_bytes: int,
    truncated: bool,
    started_s: float,
    first_byte_s: float,
    latency_s: float,
    wait_s: float,
    lag_s: float,
    timeout_s: float,
    chunk_at_s: Sequence[float] = (),
    detail: str = "",
) -> bytes:
    """A CHAMPION frame up to its body, of which `n_kept` bytes have to follow."""
    line = detail.encode("utf-8", "replace")[:_MOST_DETAIL_BYTES] if detail else b""
    n_chunks = min(len(chunk_at_s), MOST_CHUNKS)
    n_head = len(head)
    fixed = _CHAMPION.pack(
        number, status, truncated, len(kind), len(line), n_chunks, n_head, n_body_bytes,
        started_s, first_byte_s, latency_s, wait_s, lag_s, timeout_s,
    )  # fmt: skip
    chunks = struct.pack(f"<{n_chunks}d", *chunk_at_s[:n_chunks]) if n_chunks else b""
    size = len(fixed) + len(kind) + len(line) + len(chunks) + n_head + n_kept
    return _HEADER.pack(MAGIC, VERSION, _KIND_CHAMPION, size) + fixed + kind + line + chunks + head


def lost(number: int) -> bytes:
    return _header(_KIND_LOST, _NUMBER.size) + _NUMBER.pack(number)


def bye(n_offered: int) -> bytes:
    return _header(_KIND_BYE, _NUMBER.size) + _NUMBER.pack(n_offered)


def ack(n_settled: int) -> bytes:
    return _header(_KIND_ACK, _NUMBER.size) + _NUMBER.pack(n_settled)


class FrameReader:
    """Bytes to frames, however they are cut.

    Args:
        max_bytes: The largest frame that is taken: what a body may have, and its head.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._pieces: list[bytes] = []
        self._n_held = 0
        self._n_needed = _HEADER.size

    @property
    def n_held(self) -> int:
        """Bytes of a frame that is not complete."""
        return self._n_held

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that are complete now.

        Raises:
            FrameError: This can never become a frame. Feed nothing more.
        """
        self._pieces.append(data)
        self._n_held += len(data)
        if self._n_held < self._n_needed:
            return []
        whole = data if len(self._pieces) == 1 else b"".join(self._pieces)
        frames: list[Frame] = []
        at = 0
        while True:
            end = self._end(whole, at)
            if len(whole) < end:
                break
            frames.append(_frame(whole, at, end))
            at = end
        self._pieces = [whole[at:]] if at < len(whole) else []
        self._n_held = len(whole) - at
        self._n_needed = end - at
        return frames

    def _end(self, whole: bytes, at: int) -> int:
        """Where the frame that starts at `at` ends; its header, if there is not even that."""
        if len(whole) < at + _HEADER.size:
            return at + _HEADER.size
        magic, version, _, size = _HEADER.unpack_from(whole, at)
        if magic != MAGIC:
            raise FrameError(f"is no frame: it starts with {whole[at : at + 8]!r}")
        if version != VERSION:
            raise FrameError(f"is a frame of version {version}, this side speaks {VERSION}")
        if size > self._max_bytes:
            raise FrameError(f"is a frame of {size:,} bytes, {self._max_bytes:,} are allowed")
        return at + _HEADER.size + int(size)


def _header(kind: int, size: int) -> bytes:
    return _HEADER.pack(MAGIC, VERSION, kind, size)


def _frame(whole: bytes, at: int, end: int) -> Frame:
    kind, at = whole[at + 3], at + _HEADER.size
    try:
        match kind:
            case 2:  # the first two are nearly all there is
                return _request(whole, at, end)
            case 3:
                return _champion(whole, at, end)
            case 1:
                (n_offered,) = _unpack(_HELLO, whole, at, end)
                return Hello(whole[at + _HELLO.size : end].decode(), n_offered)
            case 4 | 5 | 6:
                (number,) = _NUMBER.unpack(whole[at:end])
                return _COUNTS[kind](number)
            case _:
                raise FrameError(f"is a frame of unknown kind {kind}")
    except (struct.error, UnicodeDecodeError) as exc:
        raise FrameError(f"is a damaged frame of kind {kind}: {exc}") from None


_COUNTS: dict[int, type[Lost] | type[Bye] | type[Ack]] = {
    _KIND_LOST: Lost,
    _KIND_BYE: Bye,
    _KIND_ACK: Ack,
}


def _request(whole: bytes, at: int, end: int) -> RequestFrame:
    number, received_at_ns, offered_s, sample_ppm, n_head = _unpack(_REQUEST, whole, at, end)
    body_at = at + _REQUEST.size + n_head
    if body_at > end:
        raise FrameError("is a damaged frame: its head is longer than all of it")
    head = whole[at + _REQUEST.size : body_at]
    return RequestFrame(number, received_at_ns, offered_s, head, whole[body_at:end], sample_ppm)


def _champion(whole: bytes, at: int, end: int) -> ChampionFrame:
    (
        number, status, truncated, n_kind, n_detail, n_chunks, n_head, n_body_bytes,
        started_s, first_byte_s, latency_s, wait_s, lag_s, timeout_s,
    ) = _unpack(_CHAMPION, whole, at, end)  # fmt: skip
    detail_at = at + _CHAMPION.size + n_kind
    chunks_at = detail_at + n_detail
    head_at = chunks_at + 8 * n_chunks
    body_at = head_at + n_head
    if body_at > end:
        raise FrameError("is a damaged frame: its parts are longer than all of it")
    return ChampionFrame(
        number=number,
        kind=whole[at + _CHAMPION.size : detail_at].decode(),
        status=status,
        head=whole[head_at:body_at],
        body=whole[body_at:end],
        n_body_bytes=n_body_bytes,
        truncated=bool(truncated),
        started_s=started_s,
        first_byte_s=first_byte_s,
        latency_s=latency_s,
        wait_s=wait_s,
        lag_s=lag_s,
        timeout_s=timeout_s,
        chunk_at_s=struct.unpack_from(f"<{n_chunks}d", whole, chunks_at) if n_chunks else (),
        detail=whole[detail_at:chunks_at].decode("utf-8", "replace"),
    )


def _unpack(layout: struct.Struct, whole: bytes, at: int, end: int) -> tuple[Any, ...]:
    if at + layout.size > end:
        raise FrameError(f"is a damaged frame: {end - at} bytes, {layout.size} are needed")
    return layout.unpack_from(whole, at)

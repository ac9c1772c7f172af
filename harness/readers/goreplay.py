"""GoReplay captures (`gor --output-file`): raw HTTP/1 messages, each under a line of its own.

    1 932ad5aa7de01f7b1c46c2e7 1678172411997745000 28000
    POST /v1/predict HTTP/1.1
    ...
    🐵🙈🙉

Theory of operation
===================

The first line of a record is its type (1 request, 2 the answer to it, 3 the answer of a replay
target), an id that request and answer share, and numbers in nanoseconds. Records come in no order.

*Where a record ends.* At the separator, but a payload may hold the separator too. A message that
says how long it is decides: if what it lacks is made up exactly by the pieces that follow, they
belong to it. Otherwise a piece that does not start like a record belongs to an unfinished message
before it. A file that was cut off may lack the last separator, or half of it.

*What the numbers mean* changed with the versions, and a capture does not name its version:

    1 id start            2 id latency               before 0.12
    1 id start            2 id start latency         up to 0.16, start is the request's
    1 id start            2 id start latency         up to 1.1, start is the answer's first packet
    1 id start duration   2 id start duration        since 1.2, each message's own duration

So whether requests have a fourth number tells whether that of an answer is the latency or only how
long the answer took to arrive. Where it is not the latency, both ends of the answer are handed on
and the latency follows when it is joined to its request. A latency that is not above 0 (they exist
in captures) is none.

*A replay target's answer* has the time that it took and, in most versions, when it was asked; which
of the two comes first changed as well. The shorter one is the latency.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from harness.exchange import LateAnswer, Recorded, RecordedAnswer, Rejected
from harness.ports import Source
from harness.readers import instant, message
from harness.readers.pieces import BYTE_ORDER_MARK, MAX_ENTRY_BYTES, pieces, too_long

SEPARATOR = "\n🐵🙈🙉\n".encode()

REPLAYED = "replayed"
"""Whose answers those of type 3 are, as GoReplay's manual calls them."""

# Later versions put the name of a service after the numbers.
_META = re.compile(rb"([123]) ([!-~]{1,200}) (-?\d{1,19})(?: (-?\d{1,19}))?(?: [^\n]*)?\r?\n")

# The first versions had the latency where a time stamp stands today. As a time stamp anything
# below would be before 2 January 1970, as a latency anything above longer than a day.
_SMALLEST_TIME_NS = 24 * 3600 * instant.NS_PER_S

_MAX_PIECES_AHEAD = 64


@dataclass(frozen=True, slots=True)
class GoReplay:
    """Reads what `gor` wrote: requests, original and replayed answers."""

    resolution_ns: int = 1
    max_entry_bytes: int = MAX_ENTRY_BYTES

    def sniff(self, head: bytes) -> bool:
        start = head.removeprefix(BYTE_ORDER_MARK)
        return _META.match(start) is not None or (
            SEPARATOR in start and any(map(_META.match, start.split(SEPARATOR)))
        )

    def read(self, source: Source) -> Iterator[Recorded | LateAnswer | Rejected]:
        ahead = _Ahead(pieces(source.chunks, SEPARATOR, max_bytes=self.max_entry_bytes))
        requests_have_duration: bool | None = None
        number = 0
        while not ahead.is_at_end():
            number += 1
            position = f"record {number}"
            record = ahead.take()
            if record is None:
                yield Rejected(position, too_long(self.max_entry_bytes))
                continue
            if number == 1:
                record = record.removeprefix(BYTE_ORDER_MARK)
            if not record.strip():
                continue
            meta = _META.match(record)
            if meta is None:
                yield Rejected(position, "does not start with a record's line: type, id, time")
                continue
            payload = _whole_payload(record[meta.end() :], ahead, self.max_entry_bytes)
            if meta[1] == b"1":
                requests_have_duration = meta[4] is not None
            try:
                yield _entry(meta, payload, position, requests_have_duration)
            except ValueError as exc:
                yield Rejected(position, str(exc))


READER = GoReplay()


@dataclass(slots=True)
class _Ahead:
    """Pieces of a capture, of which some that follow can be looked at."""

    rest: Iterator[bytes | None]
    _held: deque[bytes | None] = field(default_factory=deque)

    def is_at_end(self) -> bool:
        return not self._fill(1)

    def take(self) -> bytes | None:
        """The next piece; None for one that was too long to keep."""
        self._fill(1)
        piece = self._held.popleft()
        if piece is not None and self.is_at_end():
            return _without_part_of_separator(piece)
        return piece

    def peek(self, i: int) -> bytes | None:
        """The piece `i` places on; None also where there is none."""
        return self._held[i] if self._fill(i + 1) else None

    def _fill(self, n_pieces: int) -> bool:
        while len(self._held) < n_pieces:
            try:
                self._held.append(next(self.rest))
            except StopIteration:
                return False
        return True


def _without_part_of_separator(last: bytes) -> bytes:
    for n_bytes in range(len(SEPARATOR) - 1, 1, -1):
        if last.endswith(SEPARATOR[:n_bytes]):
            return last[:-n_bytes]
    return last


def _whole_payload(payload: bytes, ahead: _Ahead, max_bytes: int) -> bytes:
    """The payload, with the pieces that follow where they belong to it."""
    n_missing = message.n_missing(payload)
    parts = [payload]
    if n_missing is None:
        n_bytes = len(payload)
        while (piece := ahead.peek(0)) is not None and _META.match(piece) is None:
            n_bytes += len(piece)
            if n_bytes > max_bytes:
                break
            parts.append(ahead.take() or b"")
    elif 0 < n_missing <= max_bytes:
        parts += [ahead.take() or b"" for _ in range(_n_pieces_that_fit(n_missing, ahead))]
    return SEPARATOR.join(parts)


def _n_pieces_that_fit(n_missing: int, ahead: _Ahead) -> int:
    """How many pieces make up exactly what is missing; 0 when none do."""
    for i in range(_MAX_PIECES_AHEAD):
        piece = ahead.peek(i) if n_missing > 0 else None
        if piece is None:
            return 0
        n_missing -= len(SEPARATOR) + len(piece)
        if n_missing == 0:
            return i + 1
    return 0


def _entry(
    meta: re.Match[bytes], payload: bytes, position: str, requests_have_duration: bool | None
) -> Recorded | LateAnswer:
    kind, entry_id = meta[1], meta[2].decode()
    first, second = int(meta[3]), None if meta[4] is None else int(meta[4])
    if kind == b"1":
        return Recorded(entry_id, position, instant.in_range(first), message.request(payload))
    response = message.response(payload)
    if kind == b"3":
        answer = RecordedAnswer(response, _time_taken_s(first, second))
        return LateAnswer(entry_id, position, answer, by=REPLAYED)
    latency_s: float | None = None
    first_byte_at_ns: int | None = first
    last_byte_at_ns: int | None = None
    if second is None and first < _SMALLEST_TIME_NS:
        latency_s = instant.seconds_between(0, first)
        first_byte_at_ns = None
    elif second is None:
        last_byte_at_ns, first_byte_at_ns = first, None
    elif requests_have_duration:
        last_byte_at_ns = first + max(0, second)
    elif requests_have_duration is False:
        latency_s = instant.seconds_between(0, second)
    return LateAnswer(
        entry_id,
        position,
        RecordedAnswer(response, latency_s),
        at_ns=last_byte_at_ns,
        first_byte_at_ns=first_byte_at_ns,
    )


def _time_taken_s(first: int, second: int | None) -> float | None:
    """The one of two numbers that is no date."""
    durations = [ns for ns in (first, second) if ns is not None and ns < _SMALLEST_TIME_NS]
    return instant.seconds_between(0, durations[0]) if durations else None

"""Server-sent events: a stream of bytes, in pieces of any size, to the events in it.

The grammar is that of the HTML standard (section 9.2.6, "Interpreting an event stream"). Lines end
with LF, CR or CRLF; a line that starts with a colon is a comment; an empty line ends an event, and
one without data is none; a byte order mark at the very start is dropped; what follows the last
empty line is dropped too, because the connection ended within an event.

A CR ends its line at once, without waiting for a LF that may follow: a stream that pauses after a
CR would otherwise be late by one event. The LF is then skipped, also where it comes in the next
piece, so that the same bytes give the same events however they are cut.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence

from harness.exchange import Headers
from harness.value import value

_LINE_END = re.compile(rb"\r\n|\r|\n")
# Atomic, or the CR and the LF of one line end would be taken for two of them.
_BLOCK_END = re.compile(rb"(?>\r\n|\r|\n)(\r|\n)")
_BOM = b"\xef\xbb\xbf"
_FIRST_WORDS = (b"data:", b"event:", b"id:", b"retry:", b":")


@value
class Event:
    """One event.

    Attributes:
        type: What its `event` field says; `message` where it has none.
        data: Its `data` lines, joined by line feeds.
        id: The last `id` up to here.
        end: Bytes of the stream up to and including what ended the event: the first byte of the
            line end of its empty line.
    """

    type: str
    data: str
    id: str
    end: int


class EventReader:
    """Reads one stream.

    Examples:
        >>> reader = EventReader()
        >>> reader.feed(b"data: he")
        []
        >>> [event.data for event in reader.feed(b"llo\\n\\n")]
        ['hello']
    """

    def __init__(self) -> None:
        self._at = 0
        self._line: list[bytes] = []  # pieces of a line without its end
        self._skips_lf = False
        self._is_start = True
        self._type = ""
        self._data: list[str] = []
        self._id = ""

    def feed(self, piece: bytes) -> list[Event]:
        """The events that end in the next piece of the stream."""
        events: list[Event] = []
        start = 0
        if self._skips_lf and piece:
            start = piece.startswith(b"\n")
            self._skips_lf = False
        for ending in _LINE_END.finditer(piece, start):
            line = piece[start : ending.start()]
            if self._line:
                line = b"".join((*self._line, line))
                self._line.clear()
            start = ending.end()
            self._read_line(line, self._at + ending.start() + 1, events)
        if start < len(piece):
            self._line.append(piece[start:])
        elif piece:
            self._skips_lf = piece.endswith(b"\r")
        self._at += len(piece)
        return events

    def _read_line(self, line: bytes, end: int, events: list[Event]) -> None:
        if self._is_start:
            self._is_start = False
            line = line.removeprefix(_BOM)
        if not line:
            self._end_event(end, events)
            return
        name, colon, text = line.partition(b":")
        if not colon or name:
            self._field(name, text.removeprefix(b" ").decode("utf-8", "replace"))

    def _field(self, name: bytes, text: str) -> None:
        if name == b"data":
            self._data.append(text)
        elif name == b"event":
            self._type = text
        elif name == b"id" and "\0" not in text:
            self._id = text

    def _end_event(self, end: int, events: list[Event]) -> None:
        if self._data:
            events.append(Event(self._type or "message", "\n".join(self._data), self._id, end))
            self._data = []
        self._type = ""


def events_of(body: bytes) -> list[Event]:
    """All events of a stream that is there as a whole."""
    return EventReader().feed(body)


def block_ends(body: bytes) -> list[int]:
    """Where the blocks of a stream end, which are its events and more: comments stand in some.

    Every event's `end` is one of them. Found a hundred times faster than the events are read.
    """
    return [ending.start(1) + 1 for ending in _BLOCK_END.finditer(body)]


def block_times(body: bytes, piece_ends: Sequence[int], piece_at_s: Sequence[float]) -> list[float]:
    """When each block of a stream was there, from when its pieces came.

    Args:
        body: The whole stream.
        piece_ends: Bytes of the body received up to and including each piece, never falling.
        piece_at_s: When each came.
    """
    times = []
    piece = 0
    for end in block_ends(body):
        while piece < len(piece_ends) - 1 and piece_ends[piece] < end:
            piece += 1
        times.append(piece_at_s[piece])
    return times


def token_times(
    body: bytes, content_ends: Sequence[tuple[int, bool]], block_at_s: Sequence[float]
) -> list[float]:
    """When each event with content was there; empty where that is not known.

    Args:
        body: The whole stream.
        content_ends: Of each event, where it ends and whether it has content.
        block_at_s: When each block was there, as `block_times` gives it. As many times as the
            stream has blocks, or they are of something else: of pieces, as a log may have them.
    """
    if not content_ends or not block_at_s:
        return []
    ends = block_ends(body)
    if len(ends) != len(block_at_s):
        return []
    return [block_at_s[bisect_left(ends, end)] for end, is_token in content_ends if is_token]


def is_event_stream(body: bytes, headers: Headers) -> bool:
    """Whether a body is one: its first bytes say so, or else its Content-Type.

    Recorded logs often lack the header, and servers that fail send JSON under the header of the
    stream they were about to send.
    """
    start = body[:64].removeprefix(_BOM).lstrip()
    if start.startswith(_FIRST_WORDS):
        return True
    return not start.startswith((b"{", b"[")) and any(
        name.lower() == "content-type" and text.lower().startswith("text/event-stream")
        for name, text in headers
    )

"""Where a body ends, found without changing a byte of it.

Bodies go on as they came, in the same chunks. What they say, transfer coding removed, is collected
on the way where somebody wants a copy.
"""

from __future__ import annotations

import re
from enum import Enum

from harness.http1.grammar import TOKEN

Piece = bytes | memoryview


class BrokenBodyError(Exception):
    """The body is not framed as announced. The message is one line for a person."""


class LengthBody:
    """A body of known length.

    Attributes:
        content: What the bytes last fed say; the pieces may be views.
        is_complete: Whether its last byte has come.
    """

    __slots__ = ("_n_left", "content", "is_complete")

    def __init__(self, n_bytes: int) -> None:
        self._n_left = n_bytes
        self.content: tuple[Piece, ...] = ()
        self.is_complete = n_bytes == 0

    def feed(self, data: bytes) -> int:
        """How many of these bytes, from the first on, belong to the body."""
        n_bytes = len(data)
        if n_bytes < self._n_left:
            self._n_left -= n_bytes
            self.content = (data,)
            return n_bytes
        n_bytes, self._n_left = self._n_left, 0
        self.is_complete = True
        self.content = (data,) if n_bytes == len(data) else (memoryview(data)[:n_bytes],)
        return n_bytes


class OpenBody:
    """A body that ends where the connection does."""

    __slots__ = ("content", "is_complete")

    def __init__(self) -> None:
        self.content: tuple[Piece, ...] = ()
        self.is_complete = False

    def feed(self, data: bytes) -> int:
        """All of them."""
        self.content = (data,)
        return len(data)


# A size, and extensions that nobody uses but the grammar allows (RFC 9112 section 7.1.1). Chunks of
# 2 GiB and more are where the arithmetic of other readers begins to differ.
_SIZE_LINE = re.compile(
    rb"(0{0,8}[0-9A-Fa-f]{1,8})"
    rb"(?:;" + TOKEN + rb"++(?:=(?:" + TOKEN + rb'++|"[\t\x20!\x23-\x5b\x5d-\x7e\x80-\xff]*+"))?)*+'
)
_MAX_CHUNK_BYTES = 2**31 - 1

_TRAILER = re.compile(rb"(" + TOKEN + rb"++):[\t\x20-\x7e\x80-\xff]*+")

# A trailer by one of these names could change what the head said.
_NO_TRAILERS = frozenset({b"content-length", b"transfer-encoding", b"host", b"trailer"})


class _Within(Enum):
    SIZE = "chunk size"
    DATA = "chunk"
    DATA_END = "end of a chunk"
    TRAILERS = "trailers"


class ChunkedBody:
    """A body in chunks.

    llhttp is not used here: httptools does not tell at which byte a message ended, and that is all
    we want to know. A test holds the two against each other.

    Args:
        max_line_bytes: Of a chunk size with its extensions, and of all trailers together.

    Attributes:
        content: What the bytes last fed say, as views of them.
        is_complete: Whether the last chunk and its trailers have come.
    """

    __slots__ = (
        "_line",
        "_max_line_bytes",
        "_n_left",
        "_n_trailers",
        "_within",
        "content",
        "is_complete",
    )

    def __init__(self, max_line_bytes: int) -> None:
        self._max_line_bytes = max_line_bytes
        self._within = _Within.SIZE
        self._line = b""  # of a line that is not complete
        self._n_left = 0  # of the chunk
        self._n_trailers = 0
        self.content: list[Piece] = []
        self.is_complete = False

    def feed(self, data: bytes) -> int:
        """How many of these bytes, from the first on, belong to the body.

        Raises:
            BrokenBodyError: A chunk is malformed. Feed nothing more.
        """
        self.content = []
        at, n_bytes = 0, len(data)
        while at < n_bytes and not self.is_complete:
            if self._within is _Within.DATA:
                at = self._take_data(data, at)
            else:
                at = self._take_line(data, at)
        return at

    def _take_data(self, data: bytes, at: int) -> int:
        end = min(at + self._n_left, len(data))
        self._n_left -= end - at
        self.content.append(memoryview(data)[at:end])
        if not self._n_left:
            self._within = _Within.DATA_END
        return end

    def _take_line(self, data: bytes, at: int) -> int:
        end = data.find(b"\n", at) + 1
        line = self._line + data[at : end or len(data)]
        if len(line) > self._max_line_bytes:
            raise BrokenBodyError(
                f"more than {self._max_line_bytes} bytes of trailers or chunk extensions"
            )
        if not end:
            self._check_unfinished(line)
            self._line = line
            return len(data)
        self._line = b""
        if not line.endswith(b"\r\n"):
            raise BrokenBodyError(f"a line in the {self._within.value} that ends in LF alone")
        self._take_whole_line(line[:-2])
        return end

    def _check_unfinished(self, line: bytes) -> None:
        """Do not wait for the rest of what cannot become acceptable."""
        whole = line.removesuffix(b"\r")
        if self._within is _Within.DATA_END and whole:
            raise BrokenBodyError("a chunk that is longer than its size")
        if b"\r" in whole:
            raise BrokenBodyError(f"a CR in the {self._within.value}")

    def _take_whole_line(self, line: bytes) -> None:
        match self._within:
            case _Within.SIZE:
                self._take_size(line)
            case _Within.DATA_END:
                if line:
                    raise BrokenBodyError("a chunk that is longer than its size")
                self._within = _Within.SIZE
            case _:
                self._take_trailer(line)

    def _take_size(self, line: bytes) -> None:
        matched = _SIZE_LINE.fullmatch(line)
        if matched is None:
            raise BrokenBodyError(f"a chunk size that is none: {line[:40]!r}")
        size = int(matched[1], 16)
        if size > _MAX_CHUNK_BYTES:
            raise BrokenBodyError(f"a chunk of {size} bytes")
        self._n_left = size
        self._within = _Within.DATA if size else _Within.TRAILERS

    def _take_trailer(self, line: bytes) -> None:
        if not line:
            self.is_complete = True
            return
        matched = _TRAILER.fullmatch(line)
        if matched is None:
            raise BrokenBodyError(f"a trailer that is no field: {line[:40]!r}")
        if matched[1].lower() in _NO_TRAILERS:
            raise BrokenBodyError(f"a trailer called {matched[1].decode()}")
        self._n_trailers += len(line) + 2
        if self._n_trailers > self._max_line_bytes:
            raise BrokenBodyError(f"more than {self._max_line_bytes} bytes of trailers")


Body = LengthBody | OpenBody | ChunkedBody

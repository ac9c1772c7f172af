"""Requests of one client connection, one after the other, as bytes for the champion.

`feed` takes what came and returns what goes on. Once `is_complete`, `rest` holds what came behind
the request; `next` makes ready for the one after it, which begins with those bytes. How the bytes
were cut on their way makes no difference to what goes on.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.http1.body import BrokenBodyError, ChunkedBody, LengthBody, Piece
from harness.http1.limits import RequestLimits
from harness.http1.refusal import Refusal, RefusedError
from harness.http1.request_head import CHUNKED, RequestHead, check_beginning, read_request_head

_END = b"\r\n\r\n"
_SMALL = 8192


class RequestReader:
    """See the module docstring.

    Attributes:
        head: Of the request underway; None before it is complete.
        content: What the bytes last fed say of the body, transfer coding removed; may be views.
        rest: What came behind the request, once it is complete.
        has_begun: Whether any byte of the request has come.
        is_complete: Whether its last byte has come.
    """

    __slots__ = (
        "_body",
        "_limits",
        "_n_body",
        "_partial",
        "_skipped",
        "content",
        "head",
        "is_complete",
        "rest",
    )

    def __init__(self, limits: RequestLimits) -> None:
        self._limits = limits
        self.rest = b""
        self.next()

    def next(self) -> bytes:
        """Make ready for the next request; what of it has come already is returned."""
        rest = self.rest
        self.rest = self._partial = b""
        self.head: RequestHead | None = None
        self.content: Sequence[Piece] = ()
        self.is_complete = False
        self._body: LengthBody | ChunkedBody | None = None
        self._n_body = 0
        self._skipped = False
        return rest

    @property
    def has_begun(self) -> bool:
        return self.head is not None or bool(self._partial)

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes; return those that go on, none before the head is complete.

        Raises:
            RefusedError: The request is not acceptable. Feed nothing more.
        """
        if self._body is not None:
            return self._take_body(data)
        if self._partial:
            data = self._partial + data
        if data[0] == 0x0D and not self._skipped and data[:2] == b"\r\n":
            # RFC 9112 section 2.2: an empty line before the request line is to be ignored.
            self._skipped = True
            data = data[2:]
        end = data.find(_END) + 4
        if end < 4:
            check_beginning(data, self._limits)
            self._partial = data
            return b""
        raw = data if end == len(data) else data[:end]
        head = self.head = read_request_head(raw, self._limits)
        n_body = head.n_body
        if n_body >= 0 and len(data) == end + n_body:
            if n_body:
                self._check_size(n_body)
                # A small copy costs less than a view.
                self.content = (data[end:] if n_body < _SMALL else memoryview(data)[end:],)
            self.is_complete = True
            return data if head.wire is raw else head.wire + data[end:]
        return self._open_body(head, data[end:])

    def _open_body(self, head: RequestHead, data: bytes) -> bytes:
        """The head is complete, the body is not, or is followed by something else."""
        if head.n_body == CHUNKED:
            self._body = ChunkedBody(self._limits.max_head_bytes)
        else:
            self._check_size(head.n_body)
            self._body = LengthBody(head.n_body)
        return head.wire + self._take_body(data)

    def _take_body(self, data: bytes) -> bytes:
        body = self._body
        assert body is not None
        try:
            end = body.feed(data)
        except BrokenBodyError as exc:
            raise RefusedError(Refusal.FRAMING, str(exc)) from exc
        self.content = body.content
        if self._limits.max_body_bytes is not None:
            self._n_body += sum(map(len, body.content))
            self._check_size(self._n_body)
        if not body.is_complete:
            return data
        self.is_complete = True
        if end == len(data):
            return data
        self.rest = data[end:]
        return data[:end]

    def _check_size(self, n_body: int) -> None:
        most = self._limits.max_body_bytes
        if most is not None and n_body > most:
            raise RefusedError(Refusal.LARGE_BODY, f"a body of more than {most} bytes")

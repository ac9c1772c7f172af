"""The champion's answers on one connection, as bytes for the client.

`expect` makes ready for the answer to one request, `feed` takes what came and returns what goes on,
`eof` says that the champion has finished sending. Bodies go on as they came. Interim answers (1xx)
go on too, but not to a client of HTTP/1.0, which has not heard of them; neither has it of chunks,
so those are taken off for it. The answer says `Connection: close` where the client's connection
ends with it.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.http1.body import Body, BrokenBodyError, ChunkedBody, LengthBody, OpenBody, Piece
from harness.http1.grammar import with_line, without_fields
from harness.http1.request_head import CHUNKED, RequestHead
from harness.http1.response import UnreadableError
from harness.http1.response_head import OPEN, ResponseHead, read_response_head

_END = b"\r\n\r\n"
_SMALL = 8192
_NO_BODY = frozenset({204, 304})
_CODING = frozenset({b"transfer-encoding", b"trailer"})


class ResponseRelay:
    """See the module docstring.

    Args:
        max_head_bytes: Of an answer; also of trailers.

    Attributes:
        head: The final answer's; None before it is complete.
        content: What the bytes last fed say of the body, transfer coding removed; may be views.
        is_complete: Whether the last byte of the final answer has come.
        has_switched: Whether the champion has agreed to another protocol: what follows is not HTTP.
        has_rest: Whether bytes came behind the answer.
        keeps_alive: Whether the champion's connection may carry another request after this answer.
        closes: Whether the client's connection ends with this answer. May be set to True while
            `head` is None.
    """

    __slots__ = (
        "_body",
        "_decodes",
        "_line",
        "_max_head_bytes",
        "_partial",
        "_request",
        "closes",
        "content",
        "has_rest",
        "has_switched",
        "head",
        "is_complete",
        "keeps_alive",
        "rest",
    )

    def __init__(self, max_head_bytes: int) -> None:
        self._max_head_bytes = max_head_bytes
        self._request: RequestHead | None = None

    def expect(self, request: RequestHead, line: bytes = b"") -> None:
        """Make ready for the answer to a request.

        Args:
            line: A field line to add to the final answer, with its CR LF; empty for none.
        """
        self._request = request
        self._line = line
        self._partial = b""
        self._body: Body | None = None
        self._decodes = False
        self.closes = not request.keeps_alive
        self.head: ResponseHead | None = None
        self.content: Sequence[Piece] = ()
        self.is_complete = self.has_switched = self.has_rest = self.keeps_alive = False
        self.rest = b""

    @property
    def has_begun(self) -> bool:
        return self.head is not None or bool(self._partial)

    @property
    def has_length(self) -> bool:
        """Whether a client can tell by the bytes it has whether the answer is complete."""
        return not isinstance(self._body, OpenBody) and not self._decodes

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes; return those that go on.

        Raises:
            UnreadableError: This is no acceptable answer. Feed nothing more.
        """
        if self._body is not None:
            return self._take_body(data)
        if self._partial:
            data, self._partial = self._partial + data, b""
        passed = b""
        while True:
            end = data.find(_END) + 4
            if end < 4:
                self._wait_for_head(data)
                return passed
            raw = data if end == len(data) else data[:end]
            if end > self._max_head_bytes:
                raise UnreadableError(f"head larger than {self._max_head_bytes} bytes")
            head = read_response_head(raw)
            if head.status >= 200:
                break
            passed += self._take_interim(head)
            data = data[end:]
            if self.has_switched:
                self.rest = data
                return passed
            if not data:
                return passed
        wire = self._take_head(head, data, end)
        return passed + wire if passed else wire

    def eof(self) -> bool:
        """The champion has finished sending, in order; True where that completes the answer."""
        if isinstance(self._body, OpenBody):
            self.is_complete = True
        return self.is_complete

    def _wait_for_head(self, data: bytes) -> None:
        if len(data) > self._max_head_bytes:
            raise UnreadableError(f"head larger than {self._max_head_bytes} bytes")
        if not b"HTTP/1.".startswith(data[:7]):
            raise UnreadableError(_unlike_http1(data))
        self._partial = data

    def _take_interim(self, head: ResponseHead) -> bytes:
        request = self._request
        assert request is not None
        if head.status == 101:
            if not request.upgrades:
                raise UnreadableError("switched protocols (101) although nobody asked for it")
            self.has_switched = self.is_complete = self.closes = True
            self.head = head
            return head.raw
        return b"" if request.is_http10 else head.wire

    def _take_head(self, head: ResponseHead, data: bytes, end: int) -> bytes:
        request = self._request
        assert request is not None
        self.head = head
        n_body = head.n_body
        if request.method == b"HEAD" or head.status in _NO_BODY:
            n_body = 0
        wire = self._head_for_client(head, request, n_body)
        if n_body >= 0 and len(data) == end + n_body:
            self._body = _NOTHING_MORE
            self.is_complete = True
            self.keeps_alive = head.keeps_alive
            if n_body:
                # A small copy costs less than a view.
                self.content = (data[end:] if n_body < _SMALL else memoryview(data)[end:],)
            return data if wire is head.raw else wire + data[end:]
        self._body = (
            LengthBody(n_body)
            if n_body >= 0
            else ChunkedBody(self._max_head_bytes)
            if n_body == CHUNKED
            else OpenBody()
        )
        return wire + self._take_body(data[end:])

    def _head_for_client(self, head: ResponseHead, request: RequestHead, n_body: int) -> bytes:
        wire = head.wire
        if request.is_http10 and n_body < 0:
            self.closes = True
            if n_body == CHUNKED:
                self._decodes = True
                wire = without_fields(wire, _CODING)
        elif n_body == OPEN:
            self.closes = True
        if self._line:
            wire = with_line(wire, self._line)
        if self.closes:
            wire = with_line(wire, b"Connection: close\r\n")
        elif request.is_http10:
            wire = with_line(wire, b"Connection: keep-alive\r\n")
        return wire

    def _take_body(self, data: bytes) -> bytes:
        body = self._body
        assert body is not None
        if self.is_complete:
            self._note_rest()
            self.content = ()
            return b""
        try:
            end = body.feed(data)
        except BrokenBodyError as exc:
            raise UnreadableError(f"broken body: {exc}") from exc
        self.content = body.content
        if body.is_complete:
            self.is_complete = True
            self.keeps_alive = self.head is not None and self.head.keeps_alive
            if end < len(data):
                self._note_rest()
                data = data[:end]
        return b"".join(self.content) if self._decodes else data

    def _note_rest(self) -> None:
        """Bytes behind an answer belong to nobody."""
        self.has_rest = True
        self.keeps_alive = False


_NOTHING_MORE = LengthBody(0)
"""The body of every answer that came in one piece with its head; it has no state of its own."""


def _unlike_http1(data: bytes) -> str:
    # A SETTINGS frame (RFC 9113 section 6.5) is the first thing an HTTP/2 server says.
    if data[3:5] == b"\x04\x00" or data.startswith(b"HTTP/2"):
        return "answered in HTTP/2; only HTTP/1.1 is spoken here"
    if data[:2] == b"\x15\x03":
        return "answered a plain request with a TLS alert; use an https:// URL"
    return f"not an HTTP/1.1 answer, it starts with {data[:40]!r}"

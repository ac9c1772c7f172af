"""Find where an answer ends, and keep what is wanted of it.

Theory of operation
===================

A `ResponseReader` belongs to one connection. `expect` makes it ready for the answer to one request;
`feed` takes bytes as they come and says whether the answer is complete; `eof` says the peer has
finished sending. The rules are those of RFC 9112 section 6.3:

- an answer to HEAD, and a 204 or 304, ends with its head;
- chunked ends with its last chunk, Content-Length after that many bytes;
- with neither it ends where the connection does, and only an orderly end counts: an answer cut off
  inside its length or its chunks is never complete;
- 1xx answers before the real one are skipped; 101 is refused, as nobody asked for it.

llhttp is strict here (both framings at once, two lengths, bare line feeds, folded headers are
errors) and stays so. It is not told about HEAD, because httptools has no way to: the reader stops
listening after the head instead, and starts the next answer with a new parser.

Bytes after the end of an answer are not read as the next one: the answer stands, and the connection
is no longer reusable.
"""

from __future__ import annotations

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from harness.exchange import Response
from harness.http1.limits import Limits


class UnreadableError(Exception):
    """What came is not an acceptable HTTP/1.1 answer. The message is one line for a person."""


class ResponseReader:
    """Reads the answers on one connection, one after the other. See the module docstring.

    Attributes:
        response: The answer, once it is complete; None before.
        reusable: Whether the connection may carry another request after this answer.
        n_body_bytes: Body bytes received so far, transfer coding removed.
        started: Whether any byte of the answer has come.
    """

    __slots__ = (
        "_closes",
        "_head_complete",
        "_headers",
        "_interim",
        "_is_head",
        "_limits",
        "_n_head_bytes",
        "_n_idle_bytes",
        "_parser",
        "_pieces",
        "_room",
        "_status",
        "n_body_bytes",
        "response",
        "reusable",
        "started",
    )

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._is_head = False
        self._parser = HttpResponseParser(self)
        self.expect("GET")

    def expect(self, method: str) -> None:
        """Make ready for the answer to a request with this method."""
        if self._is_head:
            self._parser = HttpResponseParser(self)
        self._is_head = method == "HEAD"
        self._headers: list[tuple[str, str]] = []
        self._pieces: list[bytes] = []
        self._room = self._limits.max_body_bytes
        self._n_head_bytes = 0
        self._n_idle_bytes = 0
        self._status = 0
        self._head_complete = False
        self._interim = False
        self._closes = False
        self.n_body_bytes = 0
        self.reusable = False
        self.started = False
        self.response: Response | None = None

    def feed(self, data: bytes) -> bool:
        """Take the next bytes; True once the answer is complete.

        Raises:
            UnreadableError: When this cannot become an acceptable answer. Feed nothing more.
        """
        if self.response is not None:
            self.reusable = False
            return True
        is_first, self.started = not self.started, True
        if not self._head_complete:
            self._n_head_bytes += len(data)
        n_body_bytes = self.n_body_bytes
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade:
            raise UnreadableError("switched protocols (101) although nobody asked for it") from None
        except HttpParserError as exc:
            # After a complete answer this is what followed it.
            if self.response is None:
                raise self._unreadable(exc, data if is_first else b"") from None
            self.reusable = False
        if self.response is None:
            self._check_size(len(data), self.n_body_bytes - n_body_bytes)
            return False
        if self.n_body_bytes > self._limits.max_answer_bytes:
            raise self._too_large()
        return True

    def eof(self) -> bool:
        """The peer has finished sending, in order; True when that completes the answer."""
        if self.response is None and self._head_complete and self._closes:
            self._finish()
        return self.response is not None

    def partial(self) -> Response | None:
        """What has been received of the answer; None before the head is complete."""
        if self.response is not None:
            return self.response
        return self._received() if self._head_complete else None

    def _check_size(self, n_fed: int, n_body: int) -> None:
        limits = self._limits
        if not self._head_complete:
            if self._n_head_bytes > limits.max_head_bytes:
                raise UnreadableError(f"head larger than {limits.max_head_bytes} bytes")
            return
        if self.n_body_bytes > limits.max_answer_bytes:
            raise self._too_large()
        self._n_idle_bytes = 0 if n_body else self._n_idle_bytes + n_fed
        if self._n_idle_bytes > limits.max_head_bytes + n_fed:
            raise UnreadableError(
                f"more than {limits.max_head_bytes} bytes of trailers or chunk extensions"
            )

    def _too_large(self) -> UnreadableError:
        return UnreadableError(f"answer larger than {self._limits.max_answer_bytes} bytes")

    def _unreadable(self, exc: HttpParserError, opening: bytes) -> UnreadableError:
        if isinstance(exc.__context__, UnreadableError):  # raised in a callback, below
            return exc.__context__
        if self._head_complete:
            return UnreadableError(f"broken body: {exc}")
        # A SETTINGS frame (RFC 9113 section 6.5) is the first thing an HTTP/2 server says.
        if opening[3:5] == b"\x04\x00" or opening.startswith(b"PRI * HTTP/2"):
            return UnreadableError("answered in HTTP/2; only HTTP/1.1 is spoken here")
        if opening[:2] == b"\x15\x03":
            return UnreadableError("answered a plain request with a TLS alert; use an https:// URL")
        seen = f", it starts with {opening[:40]!r}" if opening else ""
        return UnreadableError(f"not an HTTP/1.1 answer: {exc}{seen}")

    def _received(self) -> Response:
        pieces = self._pieces
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        return Response(
            self._status,
            tuple(self._headers),
            body,
            self.n_body_bytes,
            len(body) != self.n_body_bytes,
        )

    def _finish(self) -> None:
        self.response = self._received()

    # What llhttp calls.

    def on_message_begin(self) -> None:
        if self.response is not None:
            self.reusable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        # Trailers come here too, after the head: they are not part of what is compared.
        if not self._head_complete:
            # llhttp leaves the optional whitespace after a value on it.
            self._headers.append((name.decode("latin-1"), value.decode("latin-1").rstrip(" \t")))

    def on_headers_complete(self) -> None:
        if self.response is not None:
            return
        status = self._status = self._parser.get_status_code()
        if self._n_head_bytes > self._limits.max_head_bytes:
            self._refuse_large_head()
        if status < 200:
            self._interim = True
            return
        self._head_complete = True
        self.reusable = self._parser.should_keep_alive()
        if self._is_head:
            self._finish()
        elif not self.reusable:
            self._closes = _ends_with_connection(self._headers)

    def on_body(self, piece: bytes) -> None:
        if self.response is not None:
            self.reusable = False
            return
        n_bytes = len(piece)
        self.n_body_bytes += n_bytes
        if n_bytes <= self._room:
            self._pieces.append(piece)
            self._room -= n_bytes
        elif self._room:
            self._pieces.append(piece[: self._room])
            self._room = 0

    def on_message_complete(self) -> None:
        if self._interim:
            self._interim = False
            self._headers = []
            self._pieces = []
            self.n_body_bytes = 0
        elif self.response is None:
            self._finish()

    def _refuse_large_head(self) -> None:
        """The head came in one piece with some of the body: tell its own size."""
        n_bytes = sum(len(name) + len(value) + len(": \r\n") for name, value in self._headers)
        if n_bytes > self._limits.max_head_bytes:
            raise UnreadableError(f"head larger than {self._limits.max_head_bytes} bytes")


def _ends_with_connection(headers: list[tuple[str, str]]) -> bool:
    """Whether neither chunked nor a length says where the body ends."""
    codings = [value for name, value in headers if name.lower() == "transfer-encoding"]
    if codings:
        return codings[-1].rpartition(",")[2].strip().lower() != "chunked"
    return all(name.lower() != "content-length" for name, _ in headers)

"""A small HTTP/1.1 server for deployments of which we know the truth.

Theory of operation
===================

The application is one plain function: it is given a question and the loop's time, and says what
happens to it and when: a reply, a stream, silence, a connection closed without an answer, or the
end of the process. It never waits; the listener does. So a deployment that is slow, full or dying
is a function that can be tested without a socket, and a server that costs little more than its
model.

Questions of one connection are answered in their order. A question that comes while another of the
same connection is open waits unread by the application.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import cast

import httptools
import uvloop

from harness.errors import UsageError


@dataclass(frozen=True, slots=True)
class Question:
    """A request as the application sees it. Header names are in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, sent at `at_s` on the loop's clock; one that is overdue is sent at once."""

    status: int
    body: bytes
    at_s: float = 0.0
    content_type: str = "application/json"

    def encoded(self) -> bytes:
        head = (
            f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}\r\n"
            f"content-type: {self.content_type}\r\ncontent-length: {len(self.body)}\r\n\r\n"
        )
        return head.encode("latin-1") + self.body


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer that comes piece by piece, each at its time on the loop's clock.

    Attributes:
        pieces: When, and what; times never fall.
        is_dropped: Whether the connection is closed after the last piece, in the midst of the
            answer.
    """

    pieces: tuple[tuple[float, bytes], ...]
    content_type: str = "text/event-stream"
    is_dropped: bool = False

    @property
    def head(self) -> bytes:
        head = f"HTTP/1.1 200 OK\r\ncontent-type: {self.content_type}\r\n"
        return f"{head}transfer-encoding: chunked\r\n\r\n".encode("latin-1")


@dataclass(frozen=True, slots=True)
class Silence:
    """No answer, ever; the connection stays open."""


@dataclass(frozen=True, slots=True)
class HangUp:
    """The connection is closed without an answer, at `at_s`."""

    at_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Death:
    """The process ends at once, as if it had been killed: no answer, no goodbye."""


Reaction = Reply | Stream | Silence | HangUp | Death

Application = Callable[[Question, float], Reaction]


@dataclass(slots=True)
class Connection(asyncio.Protocol):
    """One client. Parses, asks the application, carries out what it says."""

    application: Application
    loop: asyncio.AbstractEventLoop
    _transport: asyncio.Transport | None = None
    _parser: httptools.HttpRequestParser | None = None
    _waiting: deque[Question] = field(default_factory=deque)
    _busy: bool = False
    _target: bytes = b""
    _headers: dict[str, str] = field(default_factory=dict)
    _body: list[bytes] = field(default_factory=list)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's does not inherit from it
        self._parser = httptools.HttpRequestParser(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = self._parser = None

    def data_received(self, data: bytes) -> None:
        assert self._parser is not None
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._finish(Reply(400, b'{"error": "not HTTP/1.1"}'))
            self._close()

    def on_message_begin(self) -> None:
        self._target, self._headers, self._body = b"", {}, []

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        assert self._parser is not None
        method, target = self._parser.get_method().decode(), self._target.decode("latin-1")
        self._waiting.append(Question(method, target, self._headers, b"".join(self._body)))
        self._take()

    def _take(self) -> None:
        if self._busy or not self._waiting:
            return
        self._busy = True
        match self.application(self._waiting.popleft(), self.loop.time()):
            case Reply(at_s=at_s) as reply:
                self._at(at_s, lambda: self._finish(reply))
            case Stream() as stream:
                self._write(stream.head)
                self._go_on(stream, 0)
            case HangUp(at_s):
                self._at(at_s, self._close)
            case Silence():
                pass
            case Death():
                os._exit(1)

    def _at(self, at_s: float, act: Callable[[], None]) -> None:
        if at_s <= self.loop.time():
            act()
        else:
            self.loop.call_at(at_s, act)

    def _go_on(self, stream: Stream, n_sent: int) -> None:
        """Send the next piece when it is due; what is overdue at once."""
        if n_sent < len(stream.pieces):
            self._at(stream.pieces[n_sent][0], lambda: self._send_piece(stream, n_sent))
        elif stream.is_dropped:
            self._close()
        else:
            self._end(b"0\r\n\r\n")

    def _send_piece(self, stream: Stream, number: int) -> None:
        _, piece = stream.pieces[number]
        self._write(b"%x\r\n%b\r\n" % (len(piece), piece))
        self._go_on(stream, number + 1)

    def _finish(self, reply: Reply) -> None:
        self._end(reply.encoded())

    def _end(self, data: bytes) -> None:
        self._busy = False
        if self._transport is not None:
            self._transport.write(data)
            self._take()

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def _close(self) -> None:
        if self._transport is not None:
            self._transport.close()


def bound(port: int) -> socket.socket:
    """A socket that listens on loopback; clients that connect are answered once the loop runs.

    Raises:
        UsageError: The port is taken.
    """
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
    except OSError as exc:
        listening.close()
        raise UsageError(
            f"port {port} on 127.0.0.1: {exc.strerror}. Give another one, or 0 for any that is free"
        ) from exc
    listening.listen(1024)
    return listening


def serve(application: Application, port: int) -> None:
    """Answer on loopback until SIGTERM or SIGINT. Port 0 takes a free one and prints it.

    Raises:
        UsageError: The port is taken.
    """
    listening = bound(port)
    if port == 0:
        print(listening.getsockname()[1], flush=True)
    uvloop.run(run_listener(application, listening))


async def run_listener(application: Application, listening: socket.socket) -> None:
    """Answer on a bound socket until SIGTERM or SIGINT; what is in flight then is dropped."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    server = await loop.create_server(lambda: Connection(application, loop), sock=listening)
    await stopped.wait()
    server.close()

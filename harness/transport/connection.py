"""One kept-alive connection: writes a request, reads its answer, tells its owner how it ended.

A plain connection writes to its socket itself: uvloop defers a transport's writes to the end of the
loop's round, and whatever else happens in that round would count as the deployment's latency. The
transport only gets what the socket did not take. TLS has to go through the transport.
"""

from __future__ import annotations

import asyncio
import os
import select
from collections.abc import Callable
from typing import Protocol, cast

from harness.http1.limits import Limits
from harness.http1.response import ResponseReader, UnreadableError
from harness.transport.call import Call


class Client(Protocol):
    """Whoever puts calls on the connection. Each call ends with one of these."""

    def answered(self, connection: Connection, call: Call, now_s: float) -> None: ...

    def unreadable(self, connection: Connection, call: Call, why: str, now_s: float) -> None: ...

    def left(self, connection: Connection, call: Call, how: str, now_s: float) -> None:
        """The peer closed the connection before its answer was complete."""
        ...


class Owner(Protocol):
    """Whoever keeps the connection."""

    def lost(self, connection: Connection) -> None: ...


class Connection(asyncio.Protocol):
    """Carries one call at a time.

    Attributes:
        call: What is underway; None while idle.
        n_answered: Answers it has brought.
        idle_since_s: When it was opened or last brought an answer.
        is_lost: Whether it is gone.
        rested_s: How long it had been idle before the call underway.
    """

    __slots__ = (
        "_client",
        "_fd",
        "_now_s",
        "_owner",
        "_transport",
        "call",
        "idle_since_s",
        "is_lost",
        "n_answered",
        "reader",
        "rested_s",
    )

    def __init__(
        self, owner: Owner, client: Client, limits: Limits, now_s: Callable[[], float]
    ) -> None:
        self._owner = owner
        self._client = client
        self._now_s = now_s
        self._transport: asyncio.Transport | None = None
        self._fd: int | None = None  # to write to directly; None where TLS is in between
        self.reader = ResponseReader(limits)
        self.call: Call | None = None
        self.n_answered = 0
        self.is_lost = False
        self.idle_since_s = now_s()
        self.rested_s = 0.0

    def send(self, call: Call, now_s: float) -> bool:
        """Write the call's request at once; False when the peer is gone and nothing was sent."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return False
        wire = call.wire
        if self._fd is None:
            transport.write(wire)
        else:
            try:
                n_sent = os.write(self._fd, wire)
            except (BlockingIOError, InterruptedError):
                n_sent = 0
            except OSError:
                return False
            if n_sent < len(wire):
                transport.write(memoryview(wire)[n_sent:])
        self.call = call
        self.rested_s = now_s - self.idle_since_s
        self.reader.expect(call.request.method)
        return True

    def has_gone(self) -> bool:
        """Whether the peer has closed or spoken unasked, which the loop may not have seen yet."""
        if self._fd is None:
            return False
        asked = select.poll()
        asked.register(self._fd, select.POLLIN)
        return bool(asked.poll(0))

    def is_all_written(self) -> bool:
        return self._transport is not None and self._transport.get_write_buffer_size() == 0

    def close(self) -> None:
        """Close in good order."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close at once; nothing more is read or written."""
        if self._transport is not None:
            self._transport.abort()

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if transport.get_extra_info("ssl_object") is None:
            self._fd = transport.get_extra_info("socket").fileno()

    def data_received(self, data: bytes) -> None:
        call = self.call
        if call is None:
            self.abort()  # unasked: nothing that follows could be told from an answer
            return
        now_s = self._now_s()
        if call.first_byte_s is None:
            call.first_byte_s = now_s
        reader = self.reader
        n_body_bytes = reader.n_body_bytes
        try:
            complete = reader.feed(data)
        except UnreadableError as exc:
            self.call = None
            self._client.unreadable(self, call, str(exc), now_s)
            return
        if call.chunk_at_s is not None and reader.n_body_bytes > n_body_bytes:
            call.chunk_at_s.append(now_s)
            call.chunk_ends.append(reader.n_body_bytes)
        if complete:
            self.call = None
            self._client.answered(self, call, now_s)

    def eof_received(self) -> None:
        """The transport closes itself after this; `connection_lost` sees to what is unfinished."""
        call = self.call
        if call is not None and self.reader.eof():
            self.call = None
            self._client.answered(self, call, self._now_s())

    def connection_lost(self, exc: Exception | None) -> None:
        call, self.call = self.call, None
        self.is_lost = True
        self._fd = self._transport = None  # the number may be somebody else's from here on
        self._owner.lost(self)
        if call is not None:
            self._client.left(self, call, self._how_it_left(exc), self._now_s())

    def _how_it_left(self, exc: Exception | None) -> str:
        verb = "closed" if exc is None else "reset"
        if not self.reader.started:
            return f"{verb} the connection without answering"
        partial = self.reader.partial()
        if partial is None:
            return f"{verb} the connection inside the head of its answer"
        return f"{verb} the connection after {partial.n_body_bytes} bytes of an unfinished body"

"""One connection to the champion: carries one exchange at a time, for one client."""

from __future__ import annotations

import select
import time
from typing import Protocol

from harness.exchange import FailureKind
from harness.http1.request_head import RequestHead
from harness.http1.response import UnreadableError
from harness.http1.response_relay import ResponseRelay
from harness.shadow.front.settings import Timeouts
from harness.shadow.front.stream import Stream


class Client(Protocol):
    """Whoever's request is carried."""

    is_congested: bool

    def write(self, data: bytes) -> bool: ...

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def relayed(self, wire: bytes, now_s: float) -> None:
        """The champion said something; `wire` goes to the client."""
        ...

    def champion_failed(self, kind: FailureKind, why: str, now_s: float) -> None:
        """The exchange is over; the connection with it."""
        ...

    def tunnel_ended(self) -> None:
        """The champion has ended what it switched to."""
        ...


class Owner(Protocol):
    """Whoever keeps the connections."""

    def lost(self, connection: UpstreamConnection) -> None: ...


class UpstreamConnection(Stream):
    """See the module docstring.

    Attributes:
        client: Whose exchange it carries; None while idle.
        relay: Reads the answers.
        since_s: When anything last happened on it.
        is_tunnel: Whether it speaks another protocol by now.
    """

    __slots__ = ("_owner", "_timeouts", "client", "is_tunnel", "relay", "since_s")

    def __init__(self, owner: Owner, timeouts: Timeouts, max_head_bytes: int) -> None:
        super().__init__()
        self._owner = owner
        self._timeouts = timeouts
        self.client: Client | None = None
        self.relay = ResponseRelay(max_head_bytes)
        self.since_s = time.perf_counter()
        self.is_tunnel = False

    def carry(self, client: Client, request: RequestHead, line: bytes, now_s: float) -> None:
        """Be the way of this client's request; what is written goes to the champion."""
        self.client = client
        self.since_s = now_s
        self.relay.expect(request, line)

    def let_go(self) -> None:
        """The exchange is over."""
        self.client = None
        self.is_congested = False
        if self._is_paused:
            self.resume()

    def has_gone(self) -> bool:
        """Whether the champion has closed it, which the loop may not have seen yet."""
        if self.transport is None or self.transport.is_closing():
            return True
        if self._fd < 0:
            return False
        asked = select.poll()
        asked.register(self._fd, select.POLLIN)
        return bool(asked.poll(0))

    def visit(self, now_s: float) -> None:
        quiet_s = now_s - self.since_s
        client = self.client
        if client is None:
            if quiet_s > self._timeouts.keep_s:
                self.close()
        elif self.is_tunnel:
            if quiet_s > self._timeouts.tunnel_idle_s:
                client.tunnel_ended()
        elif quiet_s > self._timeouts.silence_s and not self.is_paused:
            client.champion_failed(
                FailureKind.TIMEOUT, f"said nothing for {self._timeouts.silence_s:g} s", now_s
            )

    # What the event loop calls.

    def data_received(self, data: bytes) -> None:
        client = self.client
        if client is None:
            self.abort()  # unasked: nothing that follows could be told from an answer
            return
        now_s = self.since_s = time.perf_counter()
        if self.is_tunnel:
            client.write(data)
            return
        try:
            wire = self.relay.feed(data)
        except UnreadableError as exc:
            client.champion_failed(FailureKind.UNREADABLE, str(exc), now_s)
            return
        client.relayed(wire, now_s)

    def eof_received(self) -> None:
        """The transport closes itself after this; `connection_lost` sees to what is unfinished."""
        client = self.client
        if client is None:
            return
        if self.is_tunnel:
            client.tunnel_ended()
        elif not self.relay.is_complete and self.relay.eof():
            client.relayed(b"", time.perf_counter())

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        client, self.client = self.client, None
        self._owner.lost(self)
        if client is None:
            return
        if self.is_tunnel:
            client.tunnel_ended()
        else:
            verb = "closed" if exc is None else "reset"
            client.champion_failed(
                FailureKind.DISCONNECTED,
                f"{verb} the connection {self._where()}",
                time.perf_counter(),
            )

    def pause_writing(self) -> None:
        super().pause_writing()
        if self.client is not None:
            self.client.pause()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.client is not None:
            self.client.resume()

    def _where(self) -> str:
        if self.relay.head is not None:
            return "inside its answer"
        return "inside the head of its answer" if self.relay.has_begun else "without answering"

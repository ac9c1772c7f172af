"""The connections to the champion: idle ones, those being dialled, and who waits for one.

Idle connections are used last in, first out, so that those not needed grow old and are closed. A
request that finds none waits for one that is dialled, or for one that comes free before. There are
always as many dials underway as clients waiting, as far as the limit allows, and a dial that fails
fails the client that waits longest.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import Protocol

from harness.shadow.front.counters import Counters
from harness.shadow.front.rounds import Rounds
from harness.shadow.front.settings import Timeouts, Upstream
from harness.shadow.front.upstream import UpstreamConnection

# The loop has seen a close by then, unless it is busier than that; asking the socket costs 1 µs.
_SURELY_OPEN_S = 0.010


class Waiting(Protocol):
    """A client whose request has no connection yet."""

    def connected(self, connection: UpstreamConnection) -> None: ...

    def not_connected(self, why: str) -> None: ...


class Pool:
    """See the module docstring."""

    def __init__(
        self, upstream: Upstream, timeouts: Timeouts, counters: Counters, rounds: Rounds
    ) -> None:
        self._upstream = upstream
        self._timeouts = timeouts
        self._counters = counters
        self._rounds = rounds
        self._tls = _tls_context(upstream)
        self._open: set[UpstreamConnection] = set()
        self._idle: dict[UpstreamConnection, None] = {}  # in order of last use
        self._waiting: dict[Waiting, None] = {}  # in order of arrival
        self._dials: set[asyncio.Task[None]] = set()
        self._is_closed = False

    @property
    def n_open(self) -> int:
        return len(self._open)

    def take(self, now_s: float) -> UpstreamConnection | None:
        """An idle connection that is open as far as we can know; None when there is none."""
        while self._idle:
            connection, _ = self._idle.popitem()
            if now_s - connection.since_s < _SURELY_OPEN_S or not connection.has_gone():
                return connection
            connection.close()
        return None

    def give_back(self, connection: UpstreamConnection, now_s: float) -> None:
        """A connection is free again."""
        connection.let_go()
        connection.since_s = now_s
        self._use(connection)

    def ask(self, client: Waiting) -> None:
        """Get the client a connection; ends with `connected`, `not_connected` or `forget`."""
        self._waiting[client] = None
        self._dial_where_needed()

    def forget(self, client: Waiting) -> None:
        """The client waits no more; nothing happens when it did not."""
        self._waiting.pop(client, None)

    def lost(self, connection: UpstreamConnection) -> None:
        self._idle.pop(connection, None)
        if connection in self._open:
            self._open.discard(connection)
            self._rounds.remove(connection)
            self._counters.cells[self._counters.upstream_open] = len(self._open)
            self._dial_where_needed()

    def close(self) -> None:
        """Close all connections at once and dial no more."""
        self._is_closed = True
        for task in [*self._dials]:
            task.cancel()
        for connection in [*self._open]:
            connection.abort()

    def _use(self, connection: UpstreamConnection) -> None:
        if self._waiting:
            client = next(iter(self._waiting))
            del self._waiting[client]
            client.connected(connection)
        else:
            self._idle[connection] = None

    def _dial_where_needed(self) -> None:
        room = self._upstream.max_connections - len(self._open) - len(self._dials)
        missing = len(self._waiting) - len(self._dials)
        for _ in range(0 if self._is_closed else min(room, missing)):
            self._counters.cells[self._counters.upstream_dials] += 1
            task = asyncio.get_running_loop().create_task(self._dial())
            self._dials.add(task)
            task.add_done_callback(self._dialled)

    def _dialled(self, task: asyncio.Task[None]) -> None:
        self._dials.discard(task)
        self._dial_where_needed()

    async def _dial(self) -> None:
        try:
            async with asyncio.timeout(self._timeouts.connect_s):
                connection = await self._connect(self._connection)
        except (OSError, TimeoutError) as exc:
            client = next(iter(self._waiting), None)
            if client is not None:
                del self._waiting[client]
                client.not_connected(self._reason(exc))
            return
        if connection.is_lost:
            return
        self._open.add(connection)
        self._rounds.add(connection)
        self._counters.cells[self._counters.upstream_open] = len(self._open)
        self._use(connection)

    async def _connect(self, protocol: Callable[[], UpstreamConnection]) -> UpstreamConnection:
        upstream = self._upstream
        _, connection = await asyncio.get_running_loop().create_connection(
            protocol,
            upstream.host,
            upstream.port,
            ssl=self._tls,
            server_hostname=upstream.host if self._tls is not None else None,
        )
        return connection

    def _connection(self) -> UpstreamConnection:
        return UpstreamConnection(self, self._timeouts, self._upstream.max_head_bytes)

    def _reason(self, exc: OSError) -> str:
        match exc:
            case TimeoutError():
                return f"does not accept connections within {self._timeouts.connect_s:g} s"
            case socket.gaierror():
                return f"its name cannot be resolved ({exc.strerror})"
            case ssl.SSLCertVerificationError():
                return f"its certificate is not accepted: {exc.verify_message}"
            case ssl.SSLError():
                return f"TLS failed: {exc.reason or exc}"
            case ConnectionRefusedError():
                return "refused the connection"
        return exc.strerror or str(exc)


def _tls_context(upstream: Upstream) -> ssl.SSLContext | None:
    if not upstream.is_tls:
        return None
    context = ssl.create_default_context(cafile=upstream.ca_file)
    context.set_alpn_protocols(["http/1.1"])
    return context

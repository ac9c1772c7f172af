"""A front: listens, has each client served, and stops in good order."""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
import time
from collections.abc import Sequence

from harness.errors import ConfigError
from harness.shadow.front.client import ClientConnection
from harness.shadow.front.copy import Held
from harness.shadow.front.counters import Counters
from harness.shadow.front.ingress import CopyConnection
from harness.shadow.front.pool import Pool
from harness.shadow.front.rounds import Rounds
from harness.shadow.front.settings import FrontSettings
from harness.shadow.gauges import Page
from harness.shadow.tap import Tap

Connection = ClientConnection | CopyConnection

_BACKLOG = 1024


class Front:
    """Everything the connections of one front process share.

    Args:
        page: Has the names of `harness.shadow.front.counters.NAMES`.
        tap: None where nothing is mirrored or kept.

    Attributes:
        is_draining: Whether it is on its way out.
        lag_s: How late the loop got to what was due lately, seconds: our own lateness.
        all_lost: Set once a draining front has no client left.
    """

    def __init__(self, settings: FrontSettings, page: Page, tap: Tap | None) -> None:
        self.settings = settings
        self.counters = Counters(page)
        self.tap = tap
        self.held = Held(settings.copying.max_held_bytes)
        self.is_draining = False
        self.lag_s = 0.0
        self.all_lost = asyncio.Event()
        self._rounds = Rounds()
        self.pool = Pool(settings.upstream, settings.timeouts, self.counters, self._rounds)
        self._clients: set[Connection] = set()
        self._servers: list[asyncio.Server] = []
        self._number = 0
        self._loop = asyncio.get_running_loop()
        self._wall_minus_monotonic_ns = time.time_ns() - time.perf_counter_ns()
        timeouts = settings.timeouts
        self._tick_s = Rounds.tick_s(
            min(timeouts.head_s, timeouts.idle_s, timeouts.body_s, timeouts.linger_s,
                timeouts.keep_s, timeouts.silence_s)
        )  # fmt: skip
        self._due_s = time.perf_counter() + self._tick_s
        self._timer: asyncio.TimerHandle | None = None

    async def start(self, listening: Sequence[socket.socket]) -> None:
        """Serve whoever connects to these.

        Raises:
            ConfigError: The certificate or key cannot be used.
        """
        tls = _tls_context(self.settings)
        for sock in listening:
            self._servers.append(
                await self._loop.create_server(
                    self._connection,
                    sock=sock,
                    ssl=tls,
                    backlog=_BACKLOG,
                    ssl_handshake_timeout=self.settings.timeouts.head_s if tls else None,
                )
            )
        self._timer = self._loop.call_later(self._tick_s, self._tick)
        # What lives now lives to the end: the collector need not look at it again.
        gc.collect()
        gc.freeze()

    def _connection(self) -> Connection:
        return CopyConnection(self) if self.settings.is_ingress else ClientConnection(self)

    async def drain(self, within_s: float) -> bool:
        """Accept nothing more and finish what is in flight; whether all was finished in time."""
        self.is_draining = True
        for server in self._servers:
            server.close()
        for client in self._clients:
            client.drain()
        if not self._clients:
            self.all_lost.set()
        try:
            async with asyncio.timeout(within_s):
                await self.all_lost.wait()
        except TimeoutError:
            return False
        return True

    def close(self) -> None:
        """End at once: all connections are closed as they are."""
        for server in self._servers:
            server.close()
        if self._timer is not None:
            self._timer.cancel()
        for client in [*self._clients]:
            client.abort()
        self.pool.close()

    # What the connections call.

    def next_number(self) -> int:
        self._number += 1
        return self._number

    def wall_ns(self, at_s: float) -> int:
        """A reading of the monotonic clock as UTC, nanoseconds since 1970."""
        return self._wall_minus_monotonic_ns + int(at_s * 1e9)

    def opened(self, client: Connection) -> bool:
        """Note a new client; whether there is room for it."""
        self._clients.add(client)
        self._rounds.add(client)
        counters = self.counters
        counters.cells[counters.connections_total] += 1
        counters.cells[counters.connections_open] = len(self._clients)
        return len(self._clients) <= self.settings.max_connections

    def lost(self, client: Connection) -> None:
        self._clients.discard(client)
        self._rounds.remove(client)
        self.counters.cells[self.counters.connections_open] = len(self._clients)
        if self.is_draining and not self._clients:
            self.all_lost.set()

    def _tick(self) -> None:
        now_s = time.perf_counter()
        self.lag_s = max(now_s - self._due_s, 0.0)
        self._due_s = now_s + self._tick_s
        self._timer = self._loop.call_later(self._tick_s, self._tick)
        cells = self.counters.cells
        cells[self.counters.heartbeat_ns] = self.wall_ns(now_s)
        cells[self.counters.captured_bytes_held] = self.held.n_bytes
        self._rounds.tick(now_s)


def _tls_context(settings: FrontSettings) -> ssl.SSLContext | None:
    tls = settings.tls
    if tls is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(tls.cert_file, tls.key_file)
    except (OSError, ssl.SSLError) as exc:
        raise ConfigError(
            tls.cert_file,
            "capture.tls",
            f"certificate and key {tls.key_file!r} cannot be used: {exc.strerror or exc}",
            "Name PEM files that belong together",
        ) from exc
    context.set_alpn_protocols(["http/1.1"])
    return context

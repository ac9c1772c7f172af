"""The connections to one deployment: idle ones, those being dialled, and who waits for one.

Connections are kept and reused, last used first. A call without one dials; a connection that comes
free in the meantime is taken instead, and the dialled one becomes idle. So there are always at
least as many dials underway as calls waiting, and a failed dial fails the call waiting longest. A
dial that takes too long fails nobody: by then the call it was for has passed its own deadline.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol

from harness.transport.call import Call
from harness.transport.connection import Client, Connection
from harness.transport.dialing import dial, tls_context
from harness.transport.target import Target

# Idle connections older than this are not trusted: the load balancers of the large clouds drop them
# after 60 s (AWS ALB) or more, some without a word.
_MAX_IDLE_S = 50.0

# The loop has seen a close by then, unless it is busier than that; asking the socket costs 0.5 us.
_SURELY_OPEN_S = 0.010

_DIALS_AT_ONCE = 32


class Caller(Client, Protocol):
    """Who puts calls on the pool's connections."""

    def connected(self, call: Call, connection: Connection) -> None:
        """A call that waited gets its connection."""
        ...

    def not_connected(self, call: Call, exc: OSError) -> None: ...


class Pool:
    """See the module docstring.

    Raises:
        UnreachableError: The target's CA file cannot be used.
    """

    def __init__(self, target: Target, caller: Caller, now_s: Callable[[], float]) -> None:
        self._target = target
        self._caller = caller
        self._now_s = now_s
        self._tls = tls_context(target)
        self._open: set[Connection] = set()
        self._idle: dict[Connection, None] = {}  # in order of last use
        self._waiting: deque[Call] = deque()
        self._dials: set[asyncio.Task[None]] = set()
        self._closed = False
        self._all_lost = asyncio.Event()
        self.dials_total = 0

    @property
    def n_open(self) -> int:
        return len(self._open)

    @property
    def n_idle(self) -> int:
        return len(self._idle)

    def take(self, now_s: float) -> Connection | None:
        """An idle connection that is open as far as we can know; None when there is none."""
        while self._idle:
            connection, _ = self._idle.popitem()
            idle_s = now_s - connection.idle_since_s
            if idle_s < _SURELY_OPEN_S:
                return connection
            if idle_s < _MAX_IDLE_S and not connection.has_gone():
                return connection
            connection.close()
        return None

    def give_back(self, connection: Connection) -> None:
        """A connection is free: for the call waiting longest, else to be kept."""
        if self._waiting and (call := self._next_waiting()) is not None:
            self._caller.connected(call, connection)
        elif self._closed:
            connection.abort()
        elif len(self._open) > self._target.max_in_flight:
            connection.close()  # dialled for a call that another connection has served
        else:
            self._idle[connection] = None

    def dial_for(self, call: Call) -> None:
        """Get the call a connection; ends with `connected` or `not_connected`, or its deadline."""
        self._waiting.append(call)
        task = asyncio.get_running_loop().create_task(self._dial_for_the_longest_waiting())
        self._dials.add(task)
        task.add_done_callback(self._dials.discard)

    async def open(self, n: int) -> int:
        """Dial until `n` connections are open, or could not be; return how many are."""
        room = asyncio.Semaphore(_DIALS_AT_ONCE)

        async def one() -> None:
            async with room:
                await self._dial_spare()

        await asyncio.gather(*(one() for _ in range(n - len(self._open))))
        return len(self._open)

    async def close(self) -> None:
        """Close all connections at once, idle or not."""
        self._closed = True
        self._waiting.clear()
        dials = [*self._dials]
        for task in dials:
            task.cancel()
        await asyncio.gather(*dials, return_exceptions=True)
        for connection in [*self._open]:
            connection.abort()
        if self._open:
            await self._all_lost.wait()

    def lost(self, connection: Connection) -> None:
        """A connection is gone, whoever ended it: `connection.Owner`."""
        self._idle.pop(connection, None)
        self._open.discard(connection)
        if self._closed and not self._open:
            self._all_lost.set()

    # Dialling.

    async def _dial_for_the_longest_waiting(self) -> None:
        try:
            connection = await self._dial()
        except TimeoutError:
            return  # whoever waits has a deadline of its own
        except OSError as exc:
            call = self._next_waiting()
            if call is not None:
                self._caller.not_connected(call, exc)
        else:
            self.give_back(connection)

    async def _dial_spare(self) -> None:
        try:
            connection = await self._dial()
        except OSError:
            return
        self.give_back(connection)

    async def _dial(self) -> Connection:
        self.dials_total += 1
        async with asyncio.timeout(self._target.timeout_s):
            connection = await dial(self._target.endpoint, self._tls, self._connection)
        # Only now is it ours: a dial that is called off half-way never loses its connection.
        if connection.is_lost:
            raise ConnectionResetError
        self._open.add(connection)
        return connection

    def _connection(self) -> Connection:
        return Connection(self, self._caller, self._target.limits, self._now_s)

    def _next_waiting(self) -> Call | None:
        while self._waiting:
            call = self._waiting.popleft()
            if not call.finished:
                return call
        return None

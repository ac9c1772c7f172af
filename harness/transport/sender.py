"""Put requests to one deployment over HTTP/1.1, under its deadline, ceilings and retry policy.

Theory of operation
===================

A submitted request becomes a `Call` and moves through these places:

    queue      waits for the in-flight or the rate ceiling
    unsent     holds a place in flight, waits for a connection
    sent       its bytes are out; one answer or failure ends the attempt
    (pause)    waits for its next attempt, still listed under unsent or sent
    finished   `done` has been called

**Time.** `wait_s` runs from the due time to the first byte of the first attempt, so that queueing
and connection set-up are in it; `latency_s` runs from there to the end. The deadline runs from that
first byte too. Until then there is another of the same length, from the moment the call left the
queue: a deployment that cannot be connected to in that time has timed out. Where nothing was ever
sent, `latency_s` is the time since the call left the queue. A timed-out connection is aborted, as
its answer would otherwise be read as the next one's. An answer that is complete after its deadline,
because the loop was busy when it passed, is a timeout all the same.

**Stale connections.** A server closes idle connections whenever it likes, also while our request is
on its way. That is no failure of the deployment's, but it looks like one:

- where the close is known before anything is sent (the pool asks the socket), or nothing could be
  sent, another connection is taken. This is no attempt;
- where a reused connection is closed after sending and before any byte of an answer, the request is
  sent once more, on another connection, if its method is idempotent (RFC 9110 section 9.2.2) or the
  connection had rested for at least a second, the shortest keep-alive time servers are set to. Both
  sendings count as attempts. A POST on a busy connection is not sent again: there the close is most
  likely a crash, and a crash is what we are here to see.

**`done`** is called exactly once, never from inside `submit`, and after the connection and the
place in flight are free, so that it may submit the next request.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from harness.exchange import (
    DeploymentName,
    Exchange,
    Failure,
    FailureKind,
    Outcome,
    Request,
    RequestId,
    Response,
)
from harness.http1.encoding import UnsendableError, encode
from harness.ports import Clock
from harness.transport.call import Call, UsageOf, exchange_of
from harness.transport.ceiling import RateCeiling
from harness.transport.connection import Connection
from harness.transport.deadlines import Deadlines
from harness.transport.dialing import reason
from harness.transport.pool import Pool
from harness.transport.retries import next_pause_s
from harness.transport.target import Target

# gunicorn's keep-alive is 2 s, uvicorn's and Node's 5 s, nginx's 75 s.
_SHORTEST_KEEP_ALIVE_S = 1.0

_IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})

# What a socket's buffer surely takes: a larger request may still be underway when it is answered.
_AT_ONCE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class SenderSnapshot:
    """Counters of one sender at one moment.

    Attributes:
        queue_depth: Calls that wait for a ceiling.
        dials_total: Connections begun since the start.
    """

    in_flight: int
    queue_depth: int
    connections: int
    idle_connections: int
    dials_total: int


class HttpSender:
    """A `harness.ports.Sender`. Make it inside the event loop that it is to run in.

    Args:
        seed: Of the jitter between retries.
        usage_of: Where prices by token are set: reads the usage from an answer.

    Raises:
        UnreachableError: The CA file cannot be used.
    """

    def __init__(
        self,
        target: Target,
        clock: Clock,
        *,
        seed: int = 0,
        usage_of: UsageOf | None = None,
    ) -> None:
        self._target = target
        self._clock = clock
        self._now_s = clock.now_s
        self._usage_of = usage_of
        self._draw = random.Random(seed).random
        self._loop = asyncio.get_running_loop()
        self._pool = Pool(target, self, clock.now_s)
        self._ceiling = None if target.rate_per_s is None else RateCeiling(target.rate_per_s)
        self._timeout_s = target.timeout_s
        self._queue: deque[Call] = deque()
        self._n_in_flight = 0
        self._unsent = Deadlines(clock.now_s, self._time_out)
        self._sent = Deadlines(clock.now_s, self._time_out)
        self._drainer: asyncio.Task[None] | None = None
        self._resends: set[asyncio.Task[None]] = set()
        self._closed = False

    @property
    def deployment(self) -> DeploymentName:
        return self._target.name

    def snapshot(self) -> SenderSnapshot:
        return SenderSnapshot(
            in_flight=self._n_in_flight,
            queue_depth=len(self._queue),
            connections=self._pool.n_open,
            idle_connections=self._pool.n_idle,
            dials_total=self._pool.dials_total,
        )

    def submit(
        self,
        request_id: RequestId,
        request: Request,
        *,
        due_s: float,
        call_order: int,
        ready_s: float | None = None,
        done: Callable[[Exchange], None],
    ) -> None:
        """See `harness.ports.Sender`. The request goes out byte for byte as it is given."""
        now_s = self._now_s()
        lag_s = now_s - (due_s if ready_s is None else ready_s)
        call = Call(request_id, request, due_s, max(0.0, lag_s), call_order, done)
        if self._closed:
            self._loop.call_soon(self._cancel, call)
        elif (
            self._queue
            or self._ceiling is not None
            or self._n_in_flight >= self._target.max_in_flight
        ):
            self._queue.append(call)
            self._drain()
        else:
            self._begin(call, now_s)

    async def open_connections(self, n: int) -> int:
        """Open up to `n` connections before the first request; return how many are open then.

        Those that cannot be opened are no error here: the requests that need them will tell.
        """
        return await self._pool.open(n)

    def drop_queue(self) -> None:
        """What still waits for a ceiling ends as `cancelled`; what is in flight goes on."""
        waiting = [*self._queue]
        self._queue.clear()
        for call in waiting:
            self._cancel(call)

    async def close(self) -> None:
        """Close all connections. What is still in flight or waiting ends as `cancelled`."""
        self._closed = True
        unfinished = [*self._sent, *self._unsent, *self._queue]
        self._queue.clear()
        for call in unfinished:
            self._cancel(call)
        self._sent.close()
        self._unsent.close()
        tasks = [*self._resends, *([] if self._drainer is None else [self._drainer])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._pool.close()

    # Ceilings.

    def _drain(self) -> None:
        """Let queued calls go as far as the ceilings allow."""
        if self._ceiling is None:
            while self._has_room():
                self._begin(self._queue.popleft(), self._now_s())
        elif self._drainer is None and self._has_room():
            self._drainer = self._loop.create_task(self._drain_within_rate(self._ceiling))

    async def _drain_within_rate(self, ceiling: RateCeiling) -> None:
        try:
            while self._has_room():
                await ceiling.wait_for_turn()
                if self._queue:  # it may have been dropped meanwhile
                    self._begin(self._queue.popleft(), self._now_s())
        finally:
            self._drainer = None

    def _has_room(self) -> bool:
        return bool(self._queue) and self._n_in_flight < self._target.max_in_flight

    # Attempts.

    def _begin(self, call: Call, now_s: float) -> None:
        self._n_in_flight += 1
        call.begun_s = now_s
        call.deadline_s = now_s + self._timeout_s
        if self._target.keep_chunk_times:
            call.chunk_at_s = []
        try:
            call.wire = encode(call.request)
        except UnsendableError as exc:
            refused = Failure(FailureKind.UNREADABLE, f"the request cannot be sent: {exc}")
            self._loop.call_soon(self._finish, call, refused, now_s)
            return
        self._attempt(call, now_s)

    def _attempt(self, call: Call, now_s: float) -> None:
        call.n_tries += 1
        while (connection := self._pool.take(now_s)) is not None:
            if self._send(call, connection):
                return
        self._dial_for(call, now_s)

    def _dial_for(self, call: Call, now_s: float) -> None:
        if call.sent_s is None:
            self._unsent.add(call, now_s)
        self._pool.dial_for(call)

    def _send(self, call: Call, connection: Connection) -> bool:
        now_s = self._now_s()
        if not connection.send(call, now_s):
            connection.abort()
            return False
        call.connection = connection
        call.n_sent += 1
        if call.sent_s is None:
            call.sent_s = now_s
            call.deadline_s = now_s + self._timeout_s
            self._unsent.remove(call)
            self._sent.add(call, now_s)
        return True

    # What the pool and its connections say: `pool.Caller`.

    def connected(self, call: Call, connection: Connection) -> None:
        if self._send(call, connection):
            return
        if connection.n_answered:
            self._dial_for(call, self._now_s())
        else:
            accepted = "closed the connection as soon as it had accepted it"
            self._conclude(call, Failure(FailureKind.CONNECT_ERROR, accepted), self._now_s())

    def not_connected(self, call: Call, exc: OSError) -> None:
        why = reason(exc, self._target.endpoint)
        self._conclude(call, Failure(FailureKind.CONNECT_ERROR, why), self._now_s())

    def answered(self, connection: Connection, call: Call, now_s: float) -> None:
        response = connection.reader.response
        assert response is not None
        call.connection = None
        connection.n_answered += 1
        connection.idle_since_s = now_s
        # What an early answer leaves of its request in our buffer would be in the next one's way.
        if connection.reader.reusable and (
            len(call.wire) <= _AT_ONCE_BYTES or connection.is_all_written()
        ):
            self._pool.give_back(connection)
        else:
            connection.close()
        if response.status in self._target.failures:
            detail = f"status {response.status}"
            self._conclude(call, Failure(FailureKind.HTTP_ERROR, detail, response), now_s)
        else:
            self._conclude(call, response, now_s)

    def unreadable(self, connection: Connection, call: Call, why: str, now_s: float) -> None:
        call.connection = None
        partial = connection.reader.partial()
        connection.abort()
        self._conclude(call, Failure(FailureKind.UNREADABLE, why, partial), now_s)

    def left(self, connection: Connection, call: Call, how: str, now_s: float) -> None:
        call.connection = None
        if self._was_stale(connection, call) and now_s < call.deadline_s:
            call.spared = True
            self._dial_for(call, now_s)
            return
        partial = connection.reader.partial()
        self._conclude(call, Failure(FailureKind.DISCONNECTED, how, partial), now_s)

    def _was_stale(self, connection: Connection, call: Call) -> bool:
        """Whether the peer most likely closed before it saw the request; see the top."""
        if connection.reader.started or not connection.n_answered or call.spared or self._closed:
            return False
        rested = connection.rested_s >= _SHORTEST_KEEP_ALIVE_S
        return rested or call.request.method in _IDEMPOTENT

    # How calls end.

    def _conclude(self, call: Call, outcome: Outcome, now_s: float) -> None:
        """An attempt is over: send again where the policy says so, otherwise finish."""
        if call.finished:
            return
        if self._target.retries.n and self._will_retry(call, outcome, now_s):
            return
        if isinstance(outcome, Response) and now_s > call.deadline_s:
            late = f"no end of the answer within {_ms(self._timeout_s)}"
            outcome = Failure(FailureKind.TIMEOUT, late, outcome)
        self._finish(call, outcome, now_s)

    def _will_retry(self, call: Call, outcome: Outcome, now_s: float) -> bool:
        pause_s = next_pause_s(
            self._target.retries,
            outcome,
            n_tries=call.n_tries,
            draw=self._draw,
            wall_ns=self._clock.wall_ns,
        )
        if pause_s is None or now_s + pause_s >= call.deadline_s:
            return False
        self._loop.call_later(pause_s, self._again, call)
        return True

    def _again(self, call: Call) -> None:
        if call.finished:
            return
        call.first_byte_s = None
        if call.chunk_at_s is not None:
            call.chunk_at_s, call.chunk_ends = [], []
        if self._ceiling is None:
            self._attempt(call, self._now_s())
        else:
            task = self._loop.create_task(self._again_within_rate(call, self._ceiling))
            self._resends.add(task)
            task.add_done_callback(self._resends.discard)

    async def _again_within_rate(self, call: Call, ceiling: RateCeiling) -> None:
        await ceiling.wait_for_turn()
        if not call.finished:
            self._attempt(call, self._now_s())

    def _time_out(self, call: Call, now_s: float) -> None:
        partial = _cut_off(call)
        if call.sent_s is None:
            detail = f"no connection within {_ms(self._timeout_s)}"
        elif partial is None:
            detail = f"no answer within {_ms(self._timeout_s)}"
        else:
            detail = f"no end of the answer within {_ms(self._timeout_s)}"
        self._finish(call, Failure(FailureKind.TIMEOUT, detail, partial), now_s)

    def _cancel(self, call: Call) -> None:
        stopped = Failure(FailureKind.CANCELLED, "harness stopped first", _cut_off(call))
        self._finish(call, stopped, self._now_s())

    def _finish(self, call: Call, outcome: Outcome, now_s: float) -> None:
        if call.finished:
            return
        call.finished = True
        (self._unsent if call.sent_s is None else self._sent).remove(call)
        if call.begun_s is not None:
            self._n_in_flight -= 1
        exchange = exchange_of(
            call,
            outcome,
            self._target,
            now_s=now_s,
            wall_ns=self._clock.wall_ns(),
            usage_of=self._usage_of,
        )
        if self._queue:
            self._drain()
        call.done(exchange)


def _cut_off(call: Call) -> Response | None:
    """End what is underway for a call; what was received until now."""
    connection, call.connection = call.connection, None
    if connection is None:
        return None
    connection.call = None
    connection.abort()
    return connection.reader.partial()


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.4g} ms"

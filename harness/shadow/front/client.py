"""One client's connection: reads requests, has them carried to the champion, relays the answers.

Theory of operation
===================

A connection carries one exchange at a time. What a client sends ahead of its answer (pipelining)
waits here, bounded, and then unread. An exchange is over when both the request and the answer are
complete, in whichever order, and either side may stream: bytes go on as they come, and whichever
side is slower stops the reading of the other.

The connection ends with an exchange when the client or the answer's framing says so, and in any
case when something went wrong: then the client gets an answer of our own if it has seen nothing of
the champion's, and otherwise a connection that visibly breaks off, because an answer that is cut
short must never look complete.

A client that closes its side while its answer is due has left, as nginx sees it too: the champion's
connection is closed, and the exchange ends as cancelled.

The copy for the mirror is made on the way. The champion's bytes are always written first.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from enum import Enum
from typing import Protocol

from harness.exchange import FailureKind
from harness.http1.refusal import Refusal, RefusedError, own_answer
from harness.http1.request_head import RequestHead
from harness.http1.request_reader import RequestReader
from harness.shadow.front.copy import Copy, Held
from harness.shadow.front.counters import Counters
from harness.shadow.front.pool import Pool
from harness.shadow.front.settings import FrontSettings
from harness.shadow.front.stream import Stream
from harness.shadow.front.upstream import UpstreamConnection
from harness.shadow.tap import OK, ChampionOutcome, Piece, Tap

# Of requests sent ahead of their turn; then reading stops until it is theirs.
_MAX_EARLY_BYTES = 64 * 1024

# An idle connection that is told nothing before it is closed may have a request on its way to us.
# One that was used within this time probably has another one soon, and that one can be told.
_DRAINS_AFTER_S = 1.0


class Phase(Enum):
    """What a connection is doing."""

    READING = 1  # waits for a head, or is inside one
    CARRYING = 2  # an exchange is underway
    TUNNEL = 3  # the champion has switched protocols
    LINGERING = 4  # all is said; what still comes is thrown away
    HELD_BACK = 5  # an answer has not been taken yet, and the next request has to wait for that


# An attribute of an enumeration costs as much as a call, and these are needed for every request.
_READING, _CARRYING = Phase.READING, Phase.CARRYING


class House(Protocol):
    """What all connections of a front share."""

    settings: FrontSettings
    counters: Counters
    pool: Pool
    tap: Tap | None
    held: Held
    is_draining: bool
    lag_s: float

    def next_number(self) -> int: ...

    def wall_ns(self, at_s: float) -> int:
        """A reading of the monotonic clock as UTC."""
        ...

    def opened(self, client: ClientConnection) -> bool:
        """Whether there is room for one more."""
        ...

    def lost(self, client: ClientConnection) -> None: ...


class ClientConnection(Stream):
    """See the module docstring."""

    __slots__ = (
        "_answered_s",
        "_checked_s",
        "_copy",
        "_early",
        "_first_byte_s",
        "_has_answer",
        "_house",
        "_n_answers",
        "_n_at_check",
        "_n_read",
        "_n_written",
        "_number",
        "_phase",
        "_reader",
        "_received_s",
        "_since_s",
        "_started_s",
        "_unsent",
        "_upstream",
    )

    def __init__(self, house: House) -> None:
        super().__init__()
        self._house = house
        self._reader = RequestReader(house.settings.limits)
        self._phase = Phase.READING
        self._upstream: UpstreamConnection | None = None
        self._copy: Copy | None = None
        self._unsent: list[bytes] | None = None  # while there is no connection to the champion yet
        self._early = b""
        self._has_answer = False  # whether the client has seen anything of the champion's
        self._n_answers = self._number = 0
        self._since_s = self._checked_s = time.perf_counter()
        self._received_s = self._started_s = 0.0
        self._first_byte_s = self._answered_s = -1.0
        self._n_read = self._n_written = self._n_at_check = 0

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if not self._house.opened(self):
            self._house.counters.refused(Refusal.CROWDED)
            self.write(own_answer(503, "too many connections"))
            self._linger(time.perf_counter())

    def data_received(self, data: bytes) -> None:
        phase = self._phase
        if phase is _READING:
            self._read(data, time.perf_counter())
        elif phase is _CARRYING and not self._reader.is_complete:
            self._read_more(data, time.perf_counter())
        elif phase is _CARRYING or phase is Phase.HELD_BACK:
            self._early += data
            if len(self._early) > _MAX_EARLY_BYTES:
                self.pause()
        elif phase is Phase.TUNNEL and self._upstream is not None:
            self._upstream.since_s = time.perf_counter()
            self._upstream.write(data)

    def eof_received(self) -> bool:
        """The client has closed its side; the transport closes itself after False."""
        if self._phase is Phase.TUNNEL:
            self.tunnel_ended()
        elif self._phase is Phase.CARRYING:
            self._leave(time.perf_counter())
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._phase is Phase.TUNNEL:
            self.tunnel_ended()
        elif self._phase is Phase.CARRYING:
            self._leave(time.perf_counter())
        self._house.lost(self)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._upstream is not None:
            self._upstream.pause()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._upstream is not None:
            self._upstream.resume()
        elif self._phase is Phase.HELD_BACK:
            self._next(time.perf_counter())

    # Reading requests.

    def _read(self, data: bytes, now_s: float) -> None:
        """Bytes of a head, perhaps its last, perhaps the whole request."""
        reader = self._reader
        had_begun = reader.has_begun
        try:
            wire = reader.feed(data)
        except RefusedError as exc:
            self._refuse(exc, now_s)
            return
        if not had_begun:
            self._received_s = now_s
        if reader.head is not None:
            self._begin(reader.head, wire, now_s)

    def _read_more(self, data: bytes, now_s: float) -> None:
        """Bytes of the body of the request that is underway."""
        reader = self._reader
        self._n_read += len(data)
        try:
            wire = reader.feed(data)
        except RefusedError as exc:
            self._refuse(exc, now_s)
            return
        self._send(wire, now_s)
        if self._copy is not None:
            self._copy_request(self._copy, reader.content)
        if reader.is_complete and self._answered_s >= 0.0:
            self._finish(now_s)

    def _begin(self, head: RequestHead, wire: bytes, now_s: float) -> None:
        """The head is complete: send the request on its way, then see to the copy."""
        house = self._house
        reader = self._reader
        self._phase = _CARRYING
        self._has_answer = False
        self._first_byte_s = self._answered_s = -1.0
        self._since_s = self._started_s = self._checked_s = now_s
        self._n_at_check = self._n_read + self._n_written
        number = self._number = house.next_number()
        upstream = house.pool.take(now_s)
        while upstream is not None:
            self._take(upstream, now_s)
            if upstream.write(wire):
                break
            self._let_go_of(upstream)  # nothing was sent on it
            upstream = house.pool.take(now_s)
        else:
            self._unsent = [wire]
            house.pool.ask(self)
        if house.tap is not None:
            self._open_copy(house.tap, head, number)
        if reader.rest:
            self._early, reader.rest = reader.rest, b""

    def _take(self, upstream: UpstreamConnection, now_s: float) -> None:
        house = self._house
        head = self._reader.head
        assert head is not None
        line = b""
        if house.settings.add_request_id:
            line = b"X-Harness-Request-Id: %b:%d\r\n" % (
                house.settings.front_id.encode(),
                self._number,
            )
        self._upstream = upstream
        upstream.carry(self, head, line, now_s)
        if house.is_draining:
            upstream.relay.closes = True

    def _let_go_of(self, upstream: UpstreamConnection) -> None:
        """The connection to the champion is of no further use."""
        self._upstream = None
        upstream.client = None
        upstream.abort()

    def _send(self, wire: bytes, now_s: float) -> None:
        if self._unsent is not None:
            self._unsent.append(wire)
            self.pause()  # one piece more than there is a place for
        elif self._upstream is not None:
            # A peer that is gone may still have an answer for us on its way: that is waited for.
            self._upstream.write(wire)
            self._upstream.since_s = now_s

    # What the pool calls.

    def connected(self, connection: UpstreamConnection) -> None:
        now_s = self._started_s = time.perf_counter()
        unsent, self._unsent = self._unsent, None
        assert unsent is not None
        self._take(connection, now_s)
        self.resume()
        if not connection.write(b"".join(unsent)):
            self._let_go_of(connection)
            self._unsent = unsent
            self._house.pool.ask(self)

    def not_connected(self, why: str) -> None:
        self.champion_failed(FailureKind.CONNECT_ERROR, why, time.perf_counter())

    # What the champion's connection calls.

    def relayed(self, wire: bytes, now_s: float) -> None:
        upstream = self._upstream
        assert upstream is not None
        if self._first_byte_s < 0.0:
            self._first_byte_s = now_s
        if wire:
            self.write(wire)
            self._n_written += len(wire)
        relay = upstream.relay
        if relay.head is not None:
            self._has_answer = True
        copy = self._copy
        if copy is not None and relay.content:
            copy.keep_answer(relay.content)
            if relay.head is not None and relay.head.is_event_stream:
                copy.note_chunk(now_s - self._started_s)
        if relay.is_complete and self._answered_s < 0.0:
            self._answered(upstream, now_s)

    def champion_failed(self, kind: FailureKind, why: str, now_s: float) -> None:
        upstream = self._upstream
        if self._answered_s >= 0.0:
            # The answer was complete, the request is not, and nobody is there any more to read it.
            self._finish(now_s)
            return
        self._house.pool.forget(self)
        self._unsent = None
        self._report(kind.value.encode(), now_s, f"the champion {why}")
        if upstream is None or not self._has_answer:
            status = 504 if kind is FailureKind.TIMEOUT else 502
            self.write(own_answer(status, f"the champion {_told(kind)}"))
            self._linger(now_s)
        elif upstream.relay.has_length:
            self.close()  # what has come goes out; it is too short to look complete
        else:
            self.reset()
        self._phase = Phase.LINGERING
        if upstream is not None:
            self._let_go_of(upstream)

    def tunnel_ended(self) -> None:
        """One side is done; what was said by then is delivered, and both ends close."""
        upstream, self._upstream = self._upstream, None
        self._phase = Phase.LINGERING
        if upstream is not None:
            upstream.client = None
            upstream.close()
        self.close()

    # The end of an exchange.

    def _answered(self, upstream: UpstreamConnection, now_s: float) -> None:
        """The last byte of the answer has been written."""
        self._answered_s = now_s
        self._house.counters.answer(now_s - self._started_s)
        if upstream.relay.has_switched:
            self._switch(upstream, now_s)
        elif self._reader.is_complete or upstream.relay.closes or not upstream.relay.keeps_alive:
            self._finish(now_s)

    def _finish(self, now_s: float) -> None:
        upstream, self._upstream = self._upstream, None
        assert upstream is not None
        self._report_answer(upstream)
        relay = upstream.relay
        closes = relay.closes or not self._reader.is_complete
        if relay.keeps_alive and self._reader.is_complete:
            self._house.pool.give_back(upstream, now_s)
        else:
            upstream.client = None
            upstream.close()
        self._n_answers += 1
        if not closes:
            self._next(now_s)
        elif self._reader.is_complete and not self._early:
            self._phase = Phase.LINGERING
            self.close()
        else:
            self._linger(now_s)

    def _next(self, now_s: float) -> None:
        """Make ready for the next request, part of which may be here already."""
        self._since_s = self._checked_s = now_s
        if self.is_congested:
            self._phase = Phase.HELD_BACK
            return
        self._reader.next()
        self._phase = _READING
        if self._is_paused:
            self.resume()
        early, self._early = self._early, b""
        if early:
            self._read(early, now_s)

    def _switch(self, upstream: UpstreamConnection, now_s: float) -> None:
        """From here on neither side speaks HTTP."""
        house = self._house
        house.counters.cells[house.counters.upgraded] += 1
        self._phase = Phase.TUNNEL
        upstream.is_tunnel = True
        rest, early = upstream.relay.rest, self._early
        self._early = b""
        if rest:
            self.write(rest)
        if early:
            upstream.write(early)
        self.resume()

    def _leave(self, now_s: float) -> None:
        """The client is gone in the middle of an exchange."""
        if self._answered_s < 0.0:
            self._report(FailureKind.CANCELLED.value.encode(), now_s, "the client left")
        elif self._upstream is not None:
            self._report_answer(self._upstream)
        self._phase = Phase.LINGERING
        self._house.pool.forget(self)
        self._unsent = None
        if self._upstream is not None:
            self._let_go_of(self._upstream)

    def _refuse(self, exc: RefusedError, now_s: float) -> None:
        """The client's request is not acceptable, or comes too slowly."""
        self._house.counters.refused(exc.refusal)
        has_answer = self._phase is Phase.CARRYING and self._has_answer
        if self._phase is Phase.CARRYING:
            self._leave(now_s)
        if has_answer:
            self._phase = Phase.LINGERING
            self.reset()
            return
        self.write(own_answer(exc.refusal.status, exc.why))
        self._linger(now_s)

    def _linger(self, now_s: float) -> None:
        """Close, but read on for a while: a reset would take back what the client has not read."""
        self._phase = Phase.LINGERING
        self._since_s = now_s
        transport = self.transport
        if transport is None or transport.is_closing():
            return
        self.resume()
        if transport.can_write_eof():
            transport.write_eof()
        else:
            transport.close()

    # Deadlines.

    def visit(self, now_s: float) -> None:
        """Do what is overdue: see `harness.shadow.front.rounds`."""
        timeouts = self._house.settings.timeouts
        quiet_s = now_s - self._since_s
        match self._phase:
            case Phase.READING if self._reader.has_begun:
                if now_s - self._received_s > timeouts.head_s:
                    self._refuse(RefusedError(Refusal.SLOW_HEAD, "the head took too long"), now_s)
            case Phase.READING:
                limit_s = timeouts.idle_s if self._n_answers else timeouts.head_s
                if self._house.is_draining:
                    limit_s = min(limit_s, _DRAINS_AFTER_S)
                if quiet_s > limit_s:
                    self.close()
            case Phase.CARRYING if self._unsent is not None and quiet_s > timeouts.connect_s:
                self.champion_failed(FailureKind.CONNECT_ERROR, "has no connection free", now_s)
            case Phase.CARRYING | Phase.HELD_BACK | Phase.TUNNEL:
                if now_s - self._checked_s > timeouts.body_s:
                    self._check_progress(now_s)
            case Phase.LINGERING if self.n_unsent():
                if now_s - self._checked_s > timeouts.body_s:
                    self._check_progress(now_s)
            case Phase.LINGERING if quiet_s > timeouts.linger_s:
                self.abort()

    def _check_progress(self, now_s: float) -> None:
        """A client that sends or reads slower than the limit holds up others: let it go."""
        timeouts = self._house.settings.timeouts
        n_unsent = self.n_unsent()
        n_moved = self._n_read + self._n_written - n_unsent
        needed = timeouts.min_bytes_per_s * (now_s - self._checked_s)
        is_slow = n_moved - self._n_at_check < needed
        self._n_at_check = n_moved
        self._checked_s = now_s
        if not is_slow:
            return
        if n_unsent:
            self._house.counters.refused(Refusal.SLOW_READER)
            self.abort()
        elif self._is_sending():
            self._refuse(RefusedError(Refusal.SLOW_BODY, "the body took too long"), now_s)

    def _is_sending(self) -> bool:
        """Whether it is the client whom the exchange waits for."""
        return self._phase is Phase.CARRYING and not self._reader.is_complete and not self.is_paused

    def drain(self) -> None:
        """Let the answer that is due be the last."""
        if self._upstream is not None and self._upstream.relay.head is None:
            self._upstream.relay.closes = True

    # Copies for the mirror.

    def _open_copy(self, tap: Tap, head: RequestHead, number: int) -> None:
        if head.upgrades:
            return
        house = self._house
        house.counters.cells[house.counters.received] += 1
        if not tap.wants(head.method, head.target, head.fields()):
            return
        most = house.settings.copying.max_body_bytes
        copy = Copy(number, house.wall_ns(self._received_s), house.held, most)
        if copy.has_room(head.n_body):
            self._copy = copy
            self._copy_request(copy, self._reader.content)
        else:
            tap.too_large()

    def _copy_request(self, copy: Copy, content: Sequence[Piece]) -> None:
        tap, head = self._house.tap, self._reader.head
        assert tap is not None
        assert head is not None
        if not copy.keep_request(content):
            self._give_copy_up()
            tap.too_large()
        elif self._reader.is_complete:
            copy.is_offered = tap.request(
                number=copy.number,
                received_at_ns=copy.received_at_ns,
                head=head.raw,
                body=copy.request,
                n_body=copy.n_request,
            )
            copy.let_request_go()
            if not copy.is_offered:
                self._give_copy_up()

    def _give_copy_up(self) -> None:
        if self._copy is not None:
            self._copy.let_go()
            self._copy = None

    def _report_answer(self, upstream: UpstreamConnection) -> None:
        """Tell of an answer that is complete."""
        head = upstream.relay.head
        assert head is not None
        copying = self._house.settings.copying
        latency_s = self._answered_s - self._started_s
        if head.status >= 400 and head.status in copying.failed_statuses:
            kind, why = FailureKind.HTTP_ERROR.value.encode(), f"answered {head.status}"
        elif latency_s > copying.champion_timeout_s:
            kind = FailureKind.TIMEOUT.value.encode()
            why = f"no answer within {copying.champion_timeout_s:g} s"
        else:
            kind, why = OK, ""
        self._tell(upstream, kind, self._answered_s, why)

    def _report(self, kind: bytes, now_s: float, why: str) -> None:
        """Tell of an exchange that ends without a complete answer."""
        self._tell(self._upstream, kind, now_s, why)

    def _tell(
        self, upstream: UpstreamConnection | None, kind: bytes, now_s: float, why: str
    ) -> None:
        house = self._house
        house.counters.cells[house.counters.kinds[kind]] += 1
        copy, self._copy = self._copy, None
        if copy is None:
            return
        tap = house.tap
        assert tap is not None
        if not copy.is_offered:
            copy.let_go()
            tap.incomplete()
            return
        head = upstream.relay.head if upstream is not None else None
        first_byte_s = self._first_byte_s
        tap.champion(
            number=copy.number,
            outcome=ChampionOutcome(
                kind=kind,
                status=head.status if head is not None else 0,
                head=head.raw if head is not None else b"",
                body=copy.pieces,
                n_body_bytes=copy.n_body,
                truncated=copy.n_kept < copy.n_body,
                started_s=self._started_s,
                first_byte_s=first_byte_s - self._started_s if first_byte_s >= 0.0 else -1.0,
                latency_s=now_s - self._started_s,
                wait_s=self._started_s - self._received_s,
                lag_s=house.lag_s,
                timeout_s=house.settings.copying.champion_timeout_s,
                chunk_at_s=copy.chunk_at_s,
                detail=why,
            ),
        )
        copy.let_go()


def _told(kind: FailureKind) -> str:
    """What a client is told; the details are for the mirror."""
    match kind:
        case FailureKind.TIMEOUT:
            return "did not answer in time"
        case FailureKind.CONNECT_ERROR:
            return "could not be reached"
        case FailureKind.UNREADABLE:
            return "gave an answer that is no HTTP"
    return "closed the connection"

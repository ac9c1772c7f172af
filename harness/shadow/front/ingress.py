"""One connection on which somebody else's mirror sends copies of requests.

Nobody waits for an answer, so each copy gets `204 No Content` as soon as it is complete, whatever
becomes of it, and goes to the mirror process, which asks champion and challengers. What is no sound
HTTP is refused as users' requests are.
"""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

from harness.http1.refusal import Refusal, RefusedError, own_answer
from harness.http1.request_head import RequestHead
from harness.http1.request_reader import RequestReader
from harness.shadow.front.copy import Copy, Held
from harness.shadow.front.counters import Counters
from harness.shadow.front.settings import FrontSettings
from harness.shadow.front.stream import Stream
from harness.shadow.tap import Tap

_TAKEN = b"HTTP/1.1 204 No Content\r\n\r\n"
_TAKEN_AND_OVER = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"


class CopyHouse(Protocol):
    """What all connections of a front share, as far as copies need it."""

    settings: FrontSettings
    counters: Counters
    tap: Tap | None
    held: Held
    is_draining: bool

    def next_number(self) -> int: ...

    def wall_ns(self, at_s: float) -> int: ...

    def opened(self, client: CopyConnection) -> bool: ...

    def lost(self, client: CopyConnection) -> None: ...


class CopyConnection(Stream):
    """See the module docstring."""

    __slots__ = (
        "_answered",
        "_checked_s",
        "_copy",
        "_house",
        "_is_lingering",
        "_n_at_check",
        "_n_read",
        "_reader",
        "_since_s",
    )

    def __init__(self, house: CopyHouse) -> None:
        super().__init__()
        self._house = house
        self._reader = RequestReader(house.settings.limits)
        self._copy: Copy | None = None
        self._since_s = self._checked_s = time.perf_counter()
        self._n_read = self._n_at_check = 0
        self._is_lingering = False
        self._answered = house.counters.page.index("answered")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if not self._house.opened(self):
            self._refuse(RefusedError(Refusal.CROWDED, "too many connections"))

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._break_off()
        self._house.lost(self)

    def data_received(self, data: bytes) -> None:
        now_s = time.perf_counter()
        self._n_read += len(data)
        while data and not self._is_lingering:
            if not self._reader.has_begun:
                self._since_s = self._checked_s = now_s
                self._n_at_check = self._n_read
            had_head = self._reader.head is not None
            try:
                self._reader.feed(data)
            except RefusedError as exc:
                self._refuse(exc)
                return
            head = self._reader.head
            if head is None:
                return
            self._copied(head, is_new=not had_head)
            if not self._reader.is_complete:
                return
            self._taken(head)
            data = self._reader.next()
            self._since_s = now_s

    def drain(self) -> None:
        """The next copy is answered as the last one; see `visit` for those that never come."""

    def visit(self, now_s: float) -> None:
        """Do what is overdue: see `harness.shadow.front.rounds`."""
        timeouts = self._house.settings.timeouts
        if self._is_lingering:
            if now_s - self._since_s > timeouts.linger_s:
                self.abort()
        elif self._reader.head is not None:
            self._check_progress(now_s)
        elif self._reader.has_begun:
            if now_s - self._since_s > timeouts.head_s:
                self._refuse(RefusedError(Refusal.SLOW_HEAD, "the head took too long"))
        elif self._house.is_draining or now_s - self._since_s > timeouts.idle_s:
            self.close()

    def _copied(self, head: RequestHead, *, is_new: bool) -> None:
        """More of a copy is here."""
        tap, house = self._house.tap, self._house
        if is_new:
            house.counters.cells[house.counters.received] += 1
            most = house.settings.copying.max_body_bytes
            if tap is not None and tap.wants(head.method, head.target, head.fields()):
                received_at_ns = house.wall_ns(self._since_s)
                self._copy = Copy(house.next_number(), received_at_ns, house.held, most)
        copy = self._copy
        if tap is None or copy is None:
            return
        if not copy.keep_request(self._reader.content):
            self._let_go()
            tap.too_large()
        elif self._reader.is_complete:
            tap.request(
                number=copy.number,
                received_at_ns=copy.received_at_ns,
                head=head.raw,
                body=copy.request,
                n_body=copy.n_request,
            )
            self._let_go()

    def _taken(self, head: RequestHead) -> None:
        house = self._house
        house.counters.cells[self._answered] += 1
        if head.keeps_alive and not house.is_draining:
            self.write(_TAKEN)
        else:
            self.write(_TAKEN_AND_OVER)
            self._linger()

    def _let_go(self) -> None:
        if self._copy is not None:
            self._copy.let_go()
            self._copy = None

    def _break_off(self) -> None:
        """A copy that never came to its end is nobody's."""
        if self._copy is not None:
            self._let_go()
            if self._house.tap is not None:
                self._house.tap.incomplete()

    def _check_progress(self, now_s: float) -> None:
        timeouts = self._house.settings.timeouts
        seconds = now_s - self._checked_s
        if seconds <= timeouts.body_s:
            return
        n_moved, self._n_at_check = self._n_read - self._n_at_check, self._n_read
        self._checked_s = now_s
        if n_moved < timeouts.min_bytes_per_s * seconds:
            self._refuse(RefusedError(Refusal.SLOW_BODY, "the body took too long"))

    def _refuse(self, exc: RefusedError) -> None:
        self._house.counters.refused(exc.refusal)
        self._break_off()
        self.write(own_answer(exc.refusal.status, exc.why))
        self._linger()

    def _linger(self) -> None:
        """Close, but read on for a while: a reset would take back what was answered."""
        self._is_lingering = True
        self._since_s = time.perf_counter()
        transport = self.transport
        if transport is None or transport.is_closing():
            return
        if transport.can_write_eof():
            transport.write_eof()
        else:
            transport.close()

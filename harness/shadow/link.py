"""The front's end of the link: copies go to the mirror process, or are let go; nobody waits.

What the mirror has not taken yet stands in the transport's buffer, up to `max_bytes`. A request for
which there is no room is shed. One that was taken has room reserved for a word about its end: where
the champion's answer does not fit any more, a LOST frame goes in its place, so that the mirror
knows that it need not wait. When the connection breaks, what was underway is the mirror's to
account for (see `harness.shadow.mirror`), and requests are counted as `mirror_down` until there is
another connection, which is tried for as long as the front lives.

This is in the users' way: no task, timer or object of its own for a request, and everything that
can be decided once is. It costs below 5 µs a request (`benchmarks/link.py`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self, cast

from harness.exchange import Request
from harness.shadow.gauges import Page
from harness.shadow.tap import ChampionOutcome, Piece
from harness.traffic import framing
from harness.traffic.attributes import Attribute, Place, attribute
from harness.traffic.eligibility import Eligibility, RawHeaders
from harness.traffic.framing import LOST_BYTES, Ack, FrameError, FrameReader
from harness.traffic.sampling import is_drawn

COUNTERS = (
    "offered",
    "ineligible",
    "sampled_out",
    "too_large",
    "shed_link",
    "mirror_down",
    "client_gone",
    "link_connected",
    "link_bytes_queued",
    "sample_ppm",
)
"""What a front's page must have for its link; the first seven are the ways a request can go."""

ALL_PPM = 1_000_000

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.02, 1.0
_JOINED_BYTES = 256 * 1024  # below this one copy is cheaper than many buffers
_FRAME_OVERHEAD = 96


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """What a front has to know about its link.

    Attributes:
        path: Of the mirror's socket.
        front: Unique per front process.
        max_bytes: What may wait for the mirror.
        methods: What may be mirrored; `paths` likewise (see `harness.traffic.eligibility`).
        sample_ppm: Share of the requests that is mirrored, in millionths; 0 is none.
        cluster: `header:NAME`, `cookie:NAME` or `query:NAME`, by which the share is drawn. None
            draws requests one by one. By what stands in a body the mirror draws: then
            `mirror_draws`.
        seed: Of the draw.
        has_champion: Whether the front asks the champion and tells how it ended. Otherwise the
            mirror asks it, and nothing more is said of a request.
    """

    path: str
    front: str
    max_bytes: int
    methods: tuple[str, ...]
    paths: tuple[str, ...] = ()
    sample_ppm: int = ALL_PPM
    cluster: str | None = None
    mirror_draws: bool = False
    seed: int = 0
    has_champion: bool = True

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Self:
        lists = {name: tuple(record[name]) for name in ("methods", "paths")}
        return cls(**{**record, **lists})


class Link:
    """A `harness.shadow.tap.Tap` that leads to the mirror. Make it inside the front's loop.

    Args:
        page: The front's own, with `COUNTERS` on it.

    Attributes:
        n_settled: Requests that the mirror said it is done with, over all connections.
    """

    def __init__(self, settings: LinkSettings, page: Page) -> None:
        self._settings = settings
        self._cells = page.cells
        self._loop = asyncio.get_running_loop()
        eligibility = Eligibility(settings.methods, settings.paths)
        self._allows = eligibility.allows
        self._cluster = _attribute(settings.cluster)
        self._open: set[int] = set()
        self._transport: asyncio.WriteTransport | None = None
        self._outbox: list[Piece] = []
        self._n_outbox = 0
        self._n_wanted = 0
        self._pause_s = _FIRST_PAUSE_S
        self._connecting: asyncio.Task[None] | None = None
        self._closed = asyncio.Event()
        self._is_connected = asyncio.Event()
        self._is_ending = False
        self.n_settled = 0
        (
            self._offered, self._ineligible, self._sampled_out, self._too_large, self._shed_link,
            self._mirror_down, self._client_gone, self._connected, self._queued, self._ppm,
        ) = map(page.index, COUNTERS)  # fmt: skip
        self.sample(settings.sample_ppm)

    def start(self) -> None:
        """Begin to look for the mirror; returns at once."""
        self._connecting = self._loop.create_task(self._connect())

    async def wait_connected(self, within_s: float) -> bool:
        """Whether the mirror is there before that time is over."""
        try:
            await asyncio.wait_for(self._is_connected.wait(), within_s)
        except TimeoutError:
            return False
        return True

    def sample(self, ppm: int) -> None:
        """From now on mirror this share of the requests, in millionths; 0 mirrors nothing."""
        self._sample_ppm = self._cells[self._ppm] = ppm
        self._draws = ppm < ALL_PPM and not (self._settings.mirror_draws and ppm > 0)

    @property
    def is_mirroring(self) -> bool:
        """Whether any share is mirrored."""
        return self._sample_ppm > 0

    async def finish(self, within_s: float) -> None:
        """Tell the mirror that nothing more will come, and let go when it has all of it.

        What it has not taken in that time is not sent.
        """
        self._is_ending = True
        if self._connecting is not None:
            self._connecting.cancel()
        transport = self._transport
        if transport is None:
            return
        self._flush()
        transport.write(framing.bye(self._cells[self._offered]))
        # Half of it stays open: on a connection that we closed, the next word of the mirror would
        # cost it what it had not read yet. It closes when it has all.
        transport.write_eof()
        try:
            await asyncio.wait_for(self._closed.wait(), within_s)
        except TimeoutError:
            transport.abort()

    # What the front calls: `harness.shadow.tap.Tap`.

    def wants(self, method: bytes, target: bytes, headers: RawHeaders) -> bool:
        if not self._allows(method, target, headers):
            self._cells[self._ineligible] += 1
            return False
        if self._draws and not self._is_drawn(target, headers):
            self._cells[self._sampled_out] += 1
            return False
        if self._transport is None:
            self._cells[self._mirror_down] += 1
            return False
        return True

    def request(
        self,
        *,
        number: int,
        received_at_ns: int,
        head: bytes,
        body: Sequence[Piece],
        n_body: int,
    ) -> bool:
        transport = self._transport
        if transport is None or transport.is_closing():
            self._cells[self._mirror_down] += 1
            return False
        queued = transport.get_write_buffer_size() + self._n_outbox
        size = _FRAME_OVERHEAD + len(head) + n_body
        reserved = LOST_BYTES * (len(self._open) + 1)
        if queued + size + reserved > self._settings.max_bytes:
            self._cells[self._shed_link] += 1
            return False
        if self._settings.has_champion:
            self._open.add(number)
        cells = self._cells
        cells[self._offered] += 1
        cells[self._queued] = queued + size
        start = framing.request_start(
            number, received_at_ns, time.perf_counter(), head, n_body, self._sample_ppm
        )
        self._put(start, body, n_body)
        return True

    def champion(self, *, number: int, outcome: ChampionOutcome) -> None:
        transport = self._transport
        # What was taken over an earlier connection is known to be lost.
        if transport is None or number not in self._open or transport.is_closing():
            return
        self._open.discard(number)
        n_kept = sum(map(len, outcome.body))
        queued = transport.get_write_buffer_size() + self._n_outbox
        size = _FRAME_OVERHEAD + len(outcome.head) + n_kept + 8 * len(outcome.chunk_at_s) + 256
        if queued + size + LOST_BYTES * len(self._open) > self._settings.max_bytes:
            self._put(framing.lost(number), (), 0)
            return
        # By position: names would cost a third of the call.
        start = framing.champion_start(
            number, outcome.kind, outcome.status, outcome.head, n_kept, outcome.n_body_bytes,
            outcome.truncated, outcome.started_s, outcome.first_byte_s, outcome.latency_s,
            outcome.wait_s, outcome.lag_s, outcome.timeout_s, outcome.chunk_at_s, outcome.detail,
        )  # fmt: skip
        self._put(start, outcome.body, n_kept)

    def too_large(self) -> None:
        self._cells[self._too_large] += 1

    def incomplete(self) -> None:
        self._cells[self._client_gone] += 1

    def _is_drawn(self, target: bytes, headers: RawHeaders) -> bool:
        self._n_wanted += 1
        key = None if self._cluster is None else _value(self._cluster, target, headers)
        if key is None:
            key = f"{self._settings.front}:{self._n_wanted}"
        return is_drawn(self._sample_ppm / ALL_PPM, seed=self._settings.seed, key=key)

    def _put(self, start: bytes, body: Sequence[Piece], n_body: int) -> None:
        """Send with all else of this turn of the loop: a write costs more than the rest of it."""
        if not self._outbox:
            self._loop.call_soon(self._flush)
        self._outbox.append(start)
        if n_body:
            self._outbox += body
        self._n_outbox += len(start) + n_body

    def _flush(self) -> None:
        transport, outbox = self._transport, self._outbox
        if not outbox or transport is None or transport.is_closing():
            return
        if self._n_outbox <= _JOINED_BYTES:
            transport.write(b"".join(outbox))
        else:
            transport.writelines(outbox)
        self._outbox, self._n_outbox = [], 0

    # The connection.

    async def _connect(self) -> None:
        """Until there is one; then whoever loses it begins again."""
        while True:
            try:
                await self._loop.create_unix_connection(
                    lambda: _Line(self._made, self._heard, self._lost), self._settings.path
                )
                return
            except OSError:
                await asyncio.sleep(self._pause_s)
                self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)

    def _made(self, transport: asyncio.WriteTransport) -> None:
        transport.write(framing.hello(self._settings.front, self._cells[self._offered]))
        self._transport = transport
        self._is_connected.set()
        self._cells[self._connected] = 1
        self._pause_s = _FIRST_PAUSE_S

    def _heard(self, n_settled: int) -> None:
        self.n_settled = n_settled
        transport = self._transport
        if transport is not None:
            self._cells[self._queued] = transport.get_write_buffer_size()

    def _lost(self) -> None:
        self._transport = None
        self._open.clear()
        self._outbox, self._n_outbox = [], 0
        self._cells[self._connected] = self._cells[self._queued] = 0
        self._closed.set()
        self._is_connected.clear()
        if not self._is_ending:
            self.start()


class _Line(asyncio.Protocol):
    """One connection to the mirror."""

    def __init__(
        self,
        made: Callable[[asyncio.WriteTransport], None],
        heard: Callable[[int], None],
        lost: Callable[[], None],
    ) -> None:
        self._made = made
        self._heard = heard
        self._lost = lost
        self._reader = FrameReader(max_bytes=64)
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)
        self._made(self._transport)

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        try:
            frames = self._reader.feed(data)
        except FrameError:
            self._transport.abort()
            return
        for frame in frames:
            if isinstance(frame, Ack):
                self._heard(frame.n_settled)

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost()


def _attribute(text: str | None) -> Attribute | None:
    if text is None:
        return None

    def no_body(path: str) -> Callable[[Any], Any]:
        raise ValueError(f"is {path!r}, and a front reads no bodies")

    return attribute(text, no_body)


def _value(cluster: Attribute, target: bytes, headers: RawHeaders) -> str | None:
    """The cluster a request belongs to, from the few fields that can say so."""
    if cluster.place is Place.QUERY:
        return cluster.of(Request("GET", target.decode("latin-1")))
    wanted = b"cookie" if cluster.place is Place.COOKIE else cluster.name.lower().encode("latin-1")
    telling = tuple(
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in headers
        if len(name) == len(wanted) and name.lower() == wanted
    )
    return cluster.of(Request("GET", "/", telling))

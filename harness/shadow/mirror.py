"""Put copies of the traffic to the challengers, bring the halves together, keep the pairs.

Theory of operation
===================

Fronts connect (`harness.shadow.intake`) and tell of requests and of how the champion ended them.
A request goes through here in four steps:

    taken     parsed, and decided for each challenger: asked, shed, or left out (`traffic.choosing`)
    asked     submitted to the senders at once, in an order drawn from the seed; a share is put to
              the champion a second time, among the others
    paired    when both halves are there (`traffic.pairing`), in whichever order they come
    settled   when the pair survives a crash, or when it is counted as lost

A request is settled once for each challenger. Until then it is pending, and what is pending when
this process is killed is found again by the next one: it reads what the fronts had handed over from
their pages, what was stored from the disk, what was lost from the page of the mirror before, and
the rest went down with that one (`mirror_down`).

Users must not notice any of this, so nothing here holds a front up: frames are always read. What is
held in memory is bounded by `Bounds`; a request for which there is no room is settled as
`shed_link`, and so is one whose pair the disk is too slow for. When the disk takes nothing any
more, the mirror fails: it ends, is started again with growing pauses, and until it works fronts
count `mirror_down`.

**Time.** A challenger's exchange is due when the front handed the request over, so that `wait_s`
has the link's lag in it. `sender_lag_s` is how late this loop may have been when it read the
answer: the part of `latency_s` that may be ours. It is measured for each exchange because at idle
priority nobody can promise it to be small. While we are late ourselves, nothing that follows from
it is charged to a challenger: calls that do not fit beside those whose answers we have not read,
and answers that had begun to come and passed their deadline while we did not look, are losses.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol

from harness.errors import StoreError
from harness.exchange import DeploymentName, Exchange, Failure, FailureKind, Request, RequestId
from harness.pair import Conservation, Kept, LossReason
from harness.ports import Clock, Sender
from harness.shadow import buckets
from harness.shadow.accounting import (
    Snapshot,
    conservation,
    front_pages,
    settle_dead_front,
    undecided,
)
from harness.shadow.gauges import Page
from harness.shadow.halves import (
    Asked,
    ChampionSide,
    Study,
    n_body_bytes,
    n_kept_bytes,
    observed_of,
    pair_of,
    shed_exchange,
)
from harness.shadow.lateness import Lateness
from harness.shadow.mirror_page import Gauges, carry_over, resolved
from harness.traffic.calling import call_order
from harness.traffic.choosing import Ask, Chooser, Leave, Shed
from harness.traffic.framing import ChampionFrame, FrameError, RequestFrame
from harness.traffic.pairing import Key, Leg, Matched, Pairing, Unmatched
from harness.traffic.sampling import is_drawn

TEND_EVERY_S = 0.05
DEAD_AFTER_S = 5.0
"""A front that is not connected and whose heartbeat is that old will not come back."""

LATE_S = 0.02
"""From here on we are late: what comes then comes in bursts that no user made."""

_LATE_FOR_S = 1.0
"""How long that is felt: until what was in flight meanwhile has been read."""

_LOOK_EVERY_S = 1.0


_OUR_DOING = {
    FailureKind.CANCELLED: LossReason.MIRROR_DOWN,  # we end
    FailureKind.TIMEOUT: LossReason.SHED_LINK,  # where there was an answer, and we were late
}


@dataclass(slots=True)
class Party:
    """One deployment as the mirror asks it.

    Attributes:
        prepare: The request as it is to receive it. Raises ValueError where that cannot be made.
        timeout_s: Its deadline.
    """

    name: DeploymentName
    sender: Sender
    chooser: Chooser
    prepare: Callable[[Request, RequestId], Request]
    timeout_s: float


@dataclass(frozen=True, slots=True)
class Repeating:
    """The champion asked again, for a share of the requests."""

    party: Party
    rate: float


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much may be held, and for how long.

    Attributes:
        max_bytes: Bodies of requests and answers, those included that wait for the disk; above half
            of it nothing new is taken.
        max_waiting: Likewise requests and pairs.
        patience_s: How long the champion may take before its half is given up: it bounds what a
            stream without end holds.
    """

    max_bytes: int = 64 << 20
    max_waiting: int = 20_000
    patience_s: float = 900.0


class LiveSink(Protocol):
    """A `harness.ports.PairSink` that tells how far it is without being waited for."""

    @property
    def n_acknowledged(self) -> int: ...

    def append(self, pairs: Sequence[Kept]) -> None: ...


@dataclass(slots=True)
class _Front:
    """What is known of one front process.

    Attributes:
        n_accounted: Requests of those it handed over that came here, or are known never to.
        n_settled: Of those, the ones that are settled for every challenger.
    """

    n_accounted: int = 0
    n_settled: int = 0
    n_told: int = 0
    is_connected: bool = False
    is_buried: bool = False


@dataclass(frozen=True, slots=True)
class _Unacknowledged:
    """What was handed to the disk; `leg` is None for a repeat, which nobody counts."""

    asked: Asked
    leg: Leg | None
    n_bytes: int
    since_s: float


@dataclass(slots=True)
class Before:
    """What a mirror finds of the run.

    Attributes:
        stored: Pairs on disk, by challenger.
        page: What the mirror before it had counted; empty for the first one.
    """

    stored: Mapping[str, int] = field(default_factory=dict)
    page: Snapshot = field(default_factory=dict)


class Mirror:
    """See the module docstring; `harness.shadow.intake.FrontEvents` are its ears.

    Args:
        challengers: None of them means that the champion is recorded.
        asked_champion: Where the traffic is a copy of somebody else's: the champion as it is asked
            from here. None where users' own requests go to it through the fronts.
        mirror_draws: Whether the share of what is mirrored is drawn here, by what stands in bodies.
        keep: What of a pair may be kept. When it raises, the pair is not kept and lost as
            `ineligible`.
        acknowledge: Tells a front how many of its requests are settled.
        failed: Called once when pairs cannot be kept any more.
    """

    def __init__(
        self,
        study: Study,
        champion: ChampionSide,
        challengers: Sequence[Party],
        *,
        sink: LiveSink,
        clock: Clock,
        page: Page,
        pages: Path,
        repeat: Repeating | None = None,
        asked_champion: Party | None = None,
        mirror_draws: bool = False,
        keep: Callable[[Kept], Kept] | None = None,
        bounds: Bounds = Bounds(),
        before: Before | None = None,
        acknowledge: Callable[[str, int], None] = lambda front, n: None,
        failed: Callable[[StoreError], None] = lambda error: None,
    ) -> None:
        self._study = study
        self._champion = champion
        self._challengers = tuple(challengers)
        self._names = [one.name for one in challengers] or [champion.name]
        self._sink = sink
        self._clock = clock
        self._page, self._cells = page, page.cells
        self._pages = pages
        self._repeat = repeat
        self._asked_champion = asked_champion
        self._mirror_draws = mirror_draws
        self._keep_of = keep
        self._bounds = bounds
        self._acknowledge = acknowledge
        self._failed = failed
        self._lateness = Lateness(clock.now_s)
        self._pairing: Pairing[Asked] = Pairing()
        self._unacknowledged: deque[_Unacknowledged] = deque()
        self._n_acknowledged = self._n_unacknowledged_bytes = 0
        self._fronts: dict[str, _Front] = {}
        self._looked_s = clock.now_s()
        self._late_until_s = float("-inf")
        self._has_failed = False
        self._gauges = [Gauges(page, name) for name in self._names]
        self._received = page.index("received_frames")
        self._states = [
            page.index(name)
            for name in (
                "halves_waiting", "bytes_waiting", "unacknowledged", "journal_lag_ms", "stored",
                "acknowledged", "heartbeat_ns",
            )
        ]  # fmt: skip
        self._link_lag = page.index(buckets.first_cell("link_lag_us"))
        self._own_lag = page.index(buckets.first_cell("own_lag_us"))
        self._go_on_from(before or Before())

    @property
    def is_idle(self) -> bool:
        """Whether nothing is underway: no half waits, and all pairs are stored."""
        return not len(self._pairing) and not self._unacknowledged

    @property
    def n_frames(self) -> int:
        """Requests that came, all in all."""
        return self._cells[self._received]

    def start(self) -> None:
        """Begin to measure how late this loop is."""
        self._lateness.start()

    def stop(self) -> None:
        self._lateness.stop()

    def conservation(self) -> dict[str, Conservation]:
        """Where every request went, by challenger."""
        mirror = self._page.snapshot()
        fronts = list(front_pages(self._pages).values())
        return {name: conservation(mirror, fronts, name) for name in self._names}

    # What fronts say.

    def hello(self, front: str, n_offered: int) -> None:
        """Requests that were handed over and never came went down with a connection."""
        one = self._front(front)
        one.is_connected = True
        self._settle_gap(one, front, n_offered, LossReason.MIRROR_DOWN)

    def request(self, front: str, frame: RequestFrame) -> None:
        """A request.

        Raises:
            FrameError: It has the number of another one.
        """
        key, now_s = Key(front, frame.number), self._clock.now_s()
        if self._pairing.carried(key) is not None:
            raise FrameError(f"is another request with the number {frame.number}")
        self._fronts[front].n_accounted += 1
        self._cells[self._received] += 1
        buckets.observe(self._cells, self._link_lag, int((now_s - frame.offered_s) * 1e6))
        reason = None
        if self._fullness(frame.n_bytes) > 0.5:
            reason = LossReason.SHED_LINK
        else:
            try:
                asked = self._study.asked(front, frame, len(self._names))
            except ValueError:
                reason = LossReason.INELIGIBLE
        if reason is not None:
            self._lose_everywhere(front, reason)
        elif self._is_left_out(asked):
            self._lose_everywhere(front, LossReason.SAMPLED_OUT)
        else:
            self._take(key, asked, frame.n_bytes, now_s)

    def champion(self, front: str, frame: ChampionFrame) -> None:
        key = Key(front, frame.number)
        asked = self._pairing.carried(key)
        if asked is None:
            return
        if self._fullness(frame.n_bytes) > 1.0:
            self._lose(self._pairing.lose_champion(key, LossReason.SHED_LINK), asked)
            return
        exchange = self._champion.exchange(asked, frame)
        self._keep(self._pairing.champion(key, exchange, n_bytes=len(frame.body)))

    def lost(self, front: str, number: int) -> None:
        key = Key(front, number)
        asked = self._pairing.carried(key)
        if asked is not None:
            self._lose(self._pairing.lose_champion(key, LossReason.SHED_LINK), asked)

    def gone(self, front: str, *, said_bye: bool) -> None:
        self._fronts[front].is_connected = False
        if self._asked_champion is None:
            for key, asked in self._pairing.of_front(front):
                self._lose(self._pairing.lose_champion(key, LossReason.FRONT_DOWN), asked)

    # A request.

    def _take(self, key: Key, asked: Asked, n_bytes: int, now_s: float) -> None:
        if not self._challengers:
            self._pairing.open(key, asked, [0], now_s=now_s, n_bytes=n_bytes)
            self._pairing.answered(key, 0, None)
            self._call(key, asked, {})
            return
        calls, shed = self._choose(asked, now_s)
        if not calls and not shed:
            return
        if calls and (again := self._second_call(asked, now_s)) is not None:
            calls[len(self._challengers)] = again
        self._pairing.open(key, asked, [*calls, *shed], now_s=now_s, n_bytes=n_bytes)
        for leg, why in shed.items():
            party = self._challengers[leg]
            exchange = shed_exchange(
                asked, party.name, why, timeout_s=party.timeout_s, call_order=len(calls) + 1
            )
            self._gauges[leg].ended(FailureKind.SHED, 0.0)
            self._pairing.answered(key, leg, exchange)
        self._call(key, asked, calls)

    def _choose(
        self, asked: Asked, now_s: float
    ) -> tuple[dict[Leg, tuple[Party, Request]], dict[Leg, str]]:
        """Who is asked what, and who is shed and why; who is left out is settled at once."""
        calls: dict[Leg, tuple[Party, Request]] = {}
        shed: dict[Leg, str] = {}
        is_late = self._is_late(now_s, now_s - asked.offered_s)
        for leg, party in enumerate(self._challengers):
            match party.chooser.choose(asked.draw_key, now_s, is_late=is_late):
                case Ask():
                    try:
                        calls[leg] = party, party.prepare(asked.request, asked.request_id)
                    except ValueError:
                        party.chooser.ended(now_s, failed=None, cost_usd=0.0)
                        self._lose_leg(leg, asked, LossReason.INELIGIBLE)
                case Shed(why):
                    shed[leg] = why
                case Leave(reason):
                    self._lose_leg(leg, asked, reason)
        return calls, shed

    def _call(self, key: Key, asked: Asked, calls: dict[Leg, tuple[Party, Request]]) -> None:
        legs: list[Leg | None] = list(calls)
        if self._asked_champion is not None:
            legs.append(None)
        shuffled = call_order(len(legs), seed=self._study.seed, entry_key=asked.entry_key)
        # The front has asked the champion before anybody here is.
        first = 0 if self._asked_champion is not None else 1
        for position, chosen in enumerate(shuffled, start=first):
            leg = legs[chosen]
            if leg is None:
                party = self._asked_champion
                assert party is not None
                request = party.prepare(asked.request, asked.request_id)
                done = partial(self._champion_answered, key)
            else:
                party, request = calls[leg]
                done = partial(self._answered, key, leg, party)
            party.sender.submit(
                asked.request_id, request, due_s=asked.offered_s, call_order=position, done=done
            )

    def _is_left_out(self, asked: Asked) -> bool:
        if not self._mirror_draws:
            return False
        return not is_drawn(asked.sampled, seed=self._study.seed, key=asked.draw_key)

    def _second_call(self, asked: Asked, now_s: float) -> tuple[Party, Request] | None:
        """What the champion is asked again; None for what is not drawn, or cannot be asked."""
        repeat = self._repeat
        if repeat is None or not is_drawn(repeat.rate, seed=self._study.seed, key=asked.entry_key):
            return None
        party = repeat.party
        try:
            request = party.prepare(asked.request, asked.request_id)
        except ValueError:
            return None
        allowed = isinstance(party.chooser.choose(asked.draw_key, now_s), Ask)
        return (party, request) if allowed else None

    # Halves.

    def _answered(self, key: Key, leg: Leg, party: Party, exchange: Exchange) -> None:
        now_s = self._clock.now_s()
        outcome = exchange.outcome
        kind = outcome.kind if isinstance(outcome, Failure) else None
        ours = _OUR_DOING.get(kind) if kind is not None else None
        if kind is FailureKind.TIMEOUT and not self._was_there(exchange, now_s):
            ours = None
        party.chooser.ended(
            now_s, failed=None if ours else kind is not None, cost_usd=exchange.cost_usd
        )
        asked = self._pairing.carried(key)
        if ours is not None:
            if asked is not None:
                self._lose(self._pairing.drop(key, leg, ours), asked)
            return
        exchange = self._with_own_lag(exchange, now_s)
        if leg < len(self._challengers) and exchange.timing is not None:
            self._gauges[leg].ended(kind or "ok", exchange.timing.latency_s)
        if asked is not None:
            n_bytes = n_body_bytes(exchange)
            self._keep(self._pairing.answered(key, leg, exchange, n_bytes=n_bytes))

    def _is_late(self, now_s: float, late_s: float) -> bool:
        """Whether we are late, or were a moment ago."""
        if max(late_s, self._lateness.at(now_s)) > LATE_S:
            self._late_until_s = now_s + _LATE_FOR_S
        return now_s < self._late_until_s

    def _was_there(self, exchange: Exchange, now_s: float) -> bool:
        """Whether an answer that passed its deadline may have done so while we did not look.

        What has not even begun when it is looked for is not there, however late we are: without
        that, a challenger that hangs would have to be told from a mirror that starves.
        """
        timing = exchange.timing
        is_late = self._is_late(now_s, self._lateness.at(now_s))
        return is_late and timing is not None and timing.first_byte_s is not None

    def _champion_answered(self, key: Key, exchange: Exchange) -> None:
        asked = self._pairing.carried(key)
        if asked is None:
            return
        if isinstance(exchange.outcome, Failure) and (
            exchange.outcome.kind is FailureKind.CANCELLED
        ):
            self._lose(self._pairing.lose_champion(key, LossReason.MIRROR_DOWN), asked)
            return
        exchange = self._with_own_lag(exchange, self._clock.now_s())
        self._keep(self._pairing.champion(key, exchange, n_bytes=n_body_bytes(exchange)))

    def _with_own_lag(self, exchange: Exchange, now_s: float) -> Exchange:
        """An exchange of ours, with how late we may have been to read its end."""
        timing = exchange.timing
        if timing is None:
            return exchange
        late_s = self._lateness.at(now_s)
        buckets.observe(self._cells, self._own_lag, int(late_s * 1e6))
        return dataclasses.replace(
            exchange, timing=dataclasses.replace(timing, sender_lag_s=late_s)
        )

    # Keeping.

    def _keep(self, matched: Iterable[Matched[Asked]]) -> None:
        now_s = self._clock.now_s()
        for one in matched:
            leg = one.leg if one.leg < len(self._names) else None
            kept = self._kept(one)
            if kept is None or self._fullness(n_kept_bytes(kept)) > 1.0:
                reason = LossReason.INELIGIBLE if kept is None else LossReason.SHED_LINK
                if leg is not None:
                    self._lose_leg(leg, one.carried, reason)
                continue
            n_bytes = n_kept_bytes(kept)
            self._n_unacknowledged_bytes += n_bytes
            self._unacknowledged.append(_Unacknowledged(one.carried, leg, n_bytes, now_s))
            try:
                self._sink.append([kept])
            except StoreError as error:
                self._fail(error)
                return

    def _kept(self, one: Matched[Asked]) -> Kept | None:
        """What is to be stored; None when what may not be kept could not be taken out of it."""
        kept: Kept
        if one.answer is None:
            kept = observed_of(one.carried, one.champion)
        else:
            own = self._challengers[one.leg].chooser if one.leg < len(self._challengers) else None
            sampled = 1.0 if own is None else own.sample
            kept = pair_of(one.carried, one.champion, one.answer, sampled)
        if self._keep_of is None:
            return kept
        try:
            return self._keep_of(kept)
        except Exception:  # whatever went wrong there: what it was to take out would be kept
            return None

    def _fail(self, error: StoreError) -> None:
        if not self._has_failed:
            self._has_failed = True
            self._failed(error)

    def _fullness(self, n_more_bytes: int) -> float:
        """Of what may be held, with that much more."""
        bounds = self._bounds
        held = self._pairing.n_bytes + self._n_unacknowledged_bytes + n_more_bytes
        waiting = len(self._pairing) + len(self._unacknowledged)
        return max(held / bounds.max_bytes, waiting / bounds.max_waiting)

    # Settling.

    def tend(self) -> None:
        """What has to be looked at from time to time; every `TEND_EVERY_S`."""
        now_s = self._clock.now_s()
        self.settle_acknowledged()
        before_s = now_s - self._bounds.patience_s
        for key, asked in self._pairing.opened_before(before_s):
            self._lose(self._pairing.lose_champion(key, LossReason.SHED_LINK), asked)
        if now_s - self._looked_s > _LOOK_EVERY_S:
            self._looked_s = now_s
            self._bury_fronts(DEAD_AFTER_S)
        self._tell_fronts()
        oldest_s = self._unacknowledged[0].since_s if self._unacknowledged else now_s
        states = (
            len(self._pairing),
            self._pairing.n_bytes + self._n_unacknowledged_bytes,
            len(self._unacknowledged),
            int((now_s - oldest_s) * 1000),
            self._n_acknowledged + len(self._unacknowledged),
            self._n_acknowledged,
            self._clock.wall_ns(),
        )
        for cell, number in zip(self._states, states, strict=True):
            self._cells[cell] = number
        for party, gauges in zip(self._challengers, self._gauges, strict=False):
            chooser = party.chooser
            gauges.now(chooser.n_in_flight, chooser.state, chooser.budget)

    def settle_acknowledged(self) -> None:
        """Count what survives a crash by now."""
        n = self._sink.n_acknowledged
        while self._n_acknowledged < n:
            one = self._unacknowledged.popleft()
            self._n_acknowledged += 1
            self._n_unacknowledged_bytes -= one.n_bytes
            if one.leg is not None:
                self._gauges[one.leg].paired()
                self._settle(one.asked)

    def give_up(self) -> None:
        """Settle what will not come any more, because we end: halves, and fronts that are gone."""
        for key, asked in self._pairing.everything():
            self._lose(self._pairing.abandon(key, LossReason.MIRROR_DOWN), asked)
        self._bury_fronts(0.0)
        self.tend()

    def _bury_fronts(self, silent_s: float) -> None:
        """Settle what fronts that are gone for good had in their hands."""
        now_ns = self._clock.wall_ns()
        for front, counts in front_pages(self._pages).items():
            one = self._front(front)
            silent_ns = now_ns - counts.get("heartbeat_ns", 0)
            if one.is_connected or silent_ns < silent_s * 1e9:
                continue
            self._settle_gap(one, front, counts.get("offered", 0), LossReason.FRONT_DOWN)
            if undecided(counts) > 0:
                settle_dead_front(self._pages, front)

    def _settle_gap(self, one: _Front, front: str, n_offered: int, reason: LossReason) -> None:
        gap = n_offered - one.n_accounted
        if gap <= 0:
            return
        one.n_accounted += gap
        self._settled(one, front, gap)
        for gauges in self._gauges:
            gauges.lost(reason, gap)

    def _lose_everywhere(self, front: str, reason: LossReason) -> None:
        for gauges in self._gauges:
            gauges.lost(reason)
        self._settled(self._fronts[front], front, 1)

    def _lose(self, unmatched: Iterable[Unmatched], asked: Asked) -> None:
        for one in unmatched:
            if one.leg < len(self._names):
                self._lose_leg(one.leg, asked, one.reason)

    def _lose_leg(self, leg: Leg, asked: Asked, reason: LossReason) -> None:
        self._gauges[leg].lost(reason)
        self._settle(asked)

    def _settle(self, asked: Asked) -> None:
        """One challenger fewer for which a request is open."""
        asked.n_owed -= 1
        if not asked.n_owed:
            self._settled(self._front(asked.front), asked.front, 1)

    def _settled(self, one: _Front, front: str, n: int) -> None:
        one.n_settled += n
        self._cells[self._page.add(resolved(front))] += n

    def _tell_fronts(self) -> None:
        for front, one in self._fronts.items():
            if one.is_connected and one.n_settled != one.n_told:
                one.n_told = one.n_settled
                self._acknowledge(front, one.n_settled)

    def _front(self, front: str) -> _Front:
        if front not in self._fronts:
            self._fronts[front] = _Front()
        return self._fronts[front]

    def _go_on_from(self, before: Before) -> None:
        """Take over the counts of the mirror before; what it had in its hands went down with it."""
        carry_over(before.page, self._page)
        n_offered = 0
        for front, counts in front_pages(self._pages).items():
            one = self._front(front)
            one.n_accounted = counts.get("offered", 0)
            one.n_settled = one.n_accounted
            n_offered += one.n_accounted
        for name, gauges in zip(self._names, self._gauges, strict=True):
            stored = before.stored.get(name, 0)
            gauges.paired(stored)
            gauges.lost(LossReason.MIRROR_DOWN, max(0, n_offered - stored - gauges.n_lost))

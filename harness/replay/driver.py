"""Put every entry to the champion and the challengers, and hand the pairs on.

Theory of operation
===================

`Driver.run` walks through the entries and asks the pacer about each: when it says *send*, the
entry is put to every deployment at once, in an order shuffled by seed, and the walk goes on. What
comes back comes back as callbacks; when the last deployment of a request has answered, its pairs
are handed to the sink. There is no task for a request, and nothing here waits for a disk.

Three things can keep a due entry from going out: an earlier request of its cluster is still in
flight (where order is kept), too many requests are open, or we are late ourselves. In all three
the due time stays what it was, so that the wait is part of what the deployment is charged with;
the sender is told since when the entry *could* go, so that only our own lateness counts as ours.

A share of the requests may be put to a deployment twice, to see how much it differs from itself.
The second call is one more of the same request, shuffled among the others, and both answers are a
pair of the deployment with itself; it counts in no conservation.

`stop` ends the walk. What is in flight is waited for (each deployment has its deadline); what was
not asked, or whose call was given up, is no pair and stays pending, for a resumed replay to ask.
Conservation is reported in any case.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice

from harness.exchange import (
    DeploymentName,
    Exchange,
    Failure,
    FailureKind,
    Recorded,
    Request,
    RequestId,
)
from harness.pair import Conservation, LossReason, Pair
from harness.ports import Clock, PairSink, Sender
from harness.replay.progress import Progress
from harness.traffic.budget import Budget
from harness.traffic.calling import call_order
from harness.traffic.ordering import ClusterOrder
from harness.traffic.pacing import Pacer, Send, WaitForAnswer, WaitUntil
from harness.traffic.sampling import is_drawn

MAX_OPEN = 10_000
"""Requests open at once before the walk waits: bounds memory when a deployment falls behind."""

_CHAMPION = -1  # where a challenger has its position

_BATCH = 256
_SENDS_BETWEEN_YIELDS = 8
_DISK_LOOK_S = 0.005


@dataclass(frozen=True, slots=True)
class Entry:
    """One log entry to be asked, with what the run knows about it.

    Attributes:
        key: Identity within the log, by which a resumed replay knows what is done.
        challengers: Positions of the challengers that have no pair for it yet.
    """

    key: str
    recorded: Recorded
    cluster_id: str | None
    segments: dict[str, str | None]
    challengers: tuple[int, ...]


@dataclass(slots=True)
class Party:
    """One deployment as the driver sees it.

    Args:
        sender: None for a champion whose recorded answers are taken.
        prepare: The request as this deployment is to receive it.
    """

    name: DeploymentName
    sender: Sender | None
    prepare: Callable[[Recorded, RequestId], Request]
    budget: Budget = field(default_factory=Budget)
    outcomes: Counter[str] = field(default_factory=Counter, init=False)


@dataclass(frozen=True, slots=True)
class Repeats:
    """Which share of the requests is put to a deployment a second time, 0 to 1."""

    champion: float = 0.0
    challengers: float = 0.0


@dataclass(frozen=True, slots=True)
class _Ask:
    """One call of a request.

    Attributes:
        party: A challenger's position, or `_CHAMPION`.
        again: Whether it is the second one to this deployment.
    """

    party: int
    again: bool = False


RecordedExchange = Callable[[Recorded, RequestId], Exchange | None]
"""The champion's exchange as the log has it; None when the entry has no answer."""


@dataclass(slots=True)
class _Open:
    """A request that waits for answers."""

    entry: Entry
    request_id: RequestId
    request: Request
    due_s: float
    ready_s: float
    n_missing: int = 0
    given_up: bool = False
    champion: Exchange | None = None
    answers: dict[int, Exchange] = field(default_factory=dict)
    repeats: dict[int, Exchange] = field(default_factory=dict)


class Driver:
    """Replays entries once. See the module docstring.

    Args:
        champion: Its `sender` is None where `recorded_champion` is given.
        run_id: Makes request ids unique.
        seed: Of the shuffled order of calls.
        n_entries: For progress alone.
        keep_order: Whether requests of a cluster wait for each other.
        repeats: A champion whose answers are recorded is never asked, so not twice either.
    """

    def __init__(
        self,
        *,
        champion: Party,
        challengers: Sequence[Party],
        pacer: Pacer,
        clock: Clock,
        sink: PairSink,
        run_id: str,
        seed: int,
        n_entries: int,
        recorded_champion: RecordedExchange | None = None,
        keep_order: bool = False,
        repeats: Repeats = Repeats(),
    ) -> None:
        self._champion = champion
        self._challengers = tuple(challengers)
        self._pacer = pacer
        self._clock = clock
        self._sink = sink
        self._run_id = run_id
        self._seed = seed
        self._n_entries = n_entries
        self._recorded_champion = recorded_champion
        self._repeats = repeats
        self._order: ClusterOrder[_Open] | None = ClusterOrder() if keep_order else None
        self._losses = [Counter[LossReason]() for _ in self._challengers]
        self._received = [0] * len(self._challengers)
        self._paired = [0] * len(self._challengers)
        self._n_asked = self._n_answered = self._n_open = 0
        self._started_s: float | None = None
        self._answered = asyncio.Event()
        self._walk: asyncio.Task[None] | None = None
        self._sink_error: BaseException | None = None
        self._is_stopping = False

    async def run(self, entries: Iterable[Entry]) -> None:
        """Ask every entry; return when all that were asked are answered.

        Raises:
            StoreError: When the sink cannot keep pairs; asking stops at once.
        """
        self._walk = asyncio.create_task(self._ask_all(iter(entries)))
        try:
            await asyncio.wait([self._walk])
            if not self._walk.cancelled():
                self._walk.result()
        finally:
            while self._n_open and self._sink_error is None:
                self._answered.clear()
                await self._answered.wait()
        if self._sink_error is not None:
            raise self._sink_error

    def stop(self) -> None:
        """Ask nothing more. `run` returns when what is in flight is answered."""
        self._is_stopping = True
        if self._walk is not None:
            self._walk.cancel()

    def snapshot(self) -> Progress:
        now_s = self._clock.now_s()
        parties = (self._champion, *self._challengers)
        return Progress(
            n_entries=self._n_entries,
            n_asked=self._n_asked,
            n_answered=self._n_answered,
            elapsed_s=now_s - self._started_s if self._started_s is not None else 0.0,
            outcomes={party.name: dict(party.outcomes) for party in parties},
            spent_usd={party.name: float(party.budget.spent_usd) for party in parties},
        )

    def conservation(self) -> dict[str, Conservation]:
        """Per challenger, where this driver's entries went. Call it after `run`."""
        return {
            party.name: Conservation(
                received=self._received[i],
                paired=self._paired[i],
                losses=dict(self._losses[i]),
                pending=self._received[i] - self._paired[i] - self._losses[i].total(),
            )
            for i, party in enumerate(self._challengers)
        }

    async def _ask_all(self, entries: Iterator[Entry]) -> None:
        n_sent = 0
        async for entry in _read_ahead(entries):
            due_s = await self._when_due(entry)
            ready_s = await self._when_there_is_room(due_s)
            self._ask(entry, due_s, ready_s)
            n_sent += 1
            if n_sent % _SENDS_BETWEEN_YIELDS == 0:
                await asyncio.sleep(0)  # a walk running late must still let answers in

    async def _when_due(self, entry: Entry) -> float:
        while True:
            now_s = self._clock.now_s()
            if self._started_s is None:
                self._started_s = now_s
            match self._pacer.next(now_s, entry.recorded.at_ns):
                case Send(due_s):
                    return due_s
                case WaitUntil(at_s):
                    await self._clock.sleep_until(at_s)
                case WaitForAnswer():
                    # No await since the pacer was asked, so no answer can be missed here.
                    self._answered.clear()
                    await self._answered.wait()

    async def _when_there_is_room(self, due_s: float) -> float:
        """Hold back while too much is open or the disk is behind; since when it could go."""
        while not self._sink.has_room:  # noqa: ASYNC110 - a disk has no event for it
            await asyncio.sleep(_DISK_LOOK_S)  # our own lateness, and not excused
        if self._n_open < MAX_OPEN:
            return due_s
        while self._n_open >= MAX_OPEN:
            self._answered.clear()
            await self._answered.wait()
        return self._clock.now_s()

    def _ask(self, entry: Entry, due_s: float, ready_s: float) -> None:
        self._n_asked += 1
        self._n_open += 1
        request_id = request_id_of(self._run_id, entry.key)
        one = _Open(entry, request_id, entry.recorded.request, due_s, ready_s)
        may_go = self._order is None or self._order.offer(entry.cluster_id or request_id, one)
        if may_go and not self._send(one):
            self._close(one)

    def _send(self, one: _Open) -> bool:
        """Call everybody who is to be asked; False when that is nobody."""
        asked = self._who_can_be_asked(one)
        recorded = self._recorded_of(one, asked)
        if not asked or (self._recorded_champion is not None and recorded is None):
            return False
        one.champion = recorded
        asks = [_Ask(i) for i in ([*asked] if recorded is not None else [_CHAMPION, *asked])]
        asks += self._asked_again(one.entry.key, [ask.party for ask in asks])
        one.n_missing = len(asks)
        shuffled = call_order(len(asks), seed=self._seed, entry_key=one.entry.key)
        for position, chosen in enumerate(shuffled):
            self._call(one, asks[chosen], position)
        return True

    def _asked_again(self, key: str, parties: Iterable[int]) -> list[_Ask]:
        """The second calls of a request: of those drawn, the ones that can be paid for."""
        rates = {
            i: self._repeats.champion if i == _CHAMPION else self._repeats.challengers
            for i in parties
        }
        return [
            _Ask(i, again=True)
            for i, rate in rates.items()
            if is_drawn(rate, seed=self._seed, key=key) and self._party(i).budget.take()
        ]

    def _party(self, i: int) -> Party:
        return self._champion if i == _CHAMPION else self._challengers[i]

    def _who_can_be_asked(self, one: _Open) -> list[int]:
        """Challengers with money left, the champion's own budget permitting."""
        for i in one.entry.challengers:
            self._received[i] += 1
        affordable = [i for i in one.entry.challengers if self._challengers[i].budget.take()]
        if affordable and self._recorded_champion is None and not self._champion.budget.take():
            for i in affordable:
                self._challengers[i].budget.settle(0.0)
            affordable = []
        if len(affordable) < len(one.entry.challengers):
            for i in set(one.entry.challengers).difference(affordable):
                self._losses[i][LossReason.SHED_BUDGET] += 1
        return affordable

    def _recorded_of(self, one: _Open, asked: list[int]) -> Exchange | None:
        if self._recorded_champion is None or not asked:
            return None
        exchange = self._recorded_champion(one.entry.recorded, one.request_id)
        if exchange is None:
            for i in asked:
                self._challengers[i].budget.settle(0.0)
                self._losses[i][LossReason.INELIGIBLE] += 1
        else:
            self._champion.outcomes[_kind(exchange)] += 1
        return exchange

    def _call(self, one: _Open, ask: _Ask, position: int) -> None:
        party = self._party(ask.party)
        assert party.sender is not None
        party.sender.submit(
            one.request_id,
            party.prepare(one.entry.recorded, one.request_id),
            due_s=one.due_s,
            ready_s=one.ready_s,
            call_order=position,
            done=partial(self._done, one, ask),
        )

    def _done(self, one: _Open, ask: _Ask, exchange: Exchange) -> None:
        party = self._party(ask.party)
        party.budget.settle(exchange.cost_usd if party.sender is not None else 0.0)
        party.outcomes[_kind(exchange)] += 1
        if ask.again:
            one.repeats[ask.party] = exchange
        elif ask.party == _CHAMPION:
            one.champion = exchange
        else:
            one.answers[ask.party] = exchange
        one.given_up |= _is_given_up(exchange)
        one.n_missing -= 1
        if one.n_missing == 0:
            if not one.given_up:
                self._keep(one)
            self._close(one)

    def _keep(self, one: _Open) -> None:
        assert one.champion is not None
        first = {_CHAMPION: one.champion, **one.answers}
        pairs = [self._pair(one, one.champion, one.answers[i]) for i in sorted(one.answers)]
        pairs += [self._pair(one, first[i], one.repeats[i]) for i in sorted(one.repeats)]
        try:
            self._sink.append(pairs)
        except Exception as exc:  # translated by the store; anything else is our bug: end the run
            self._sink_error = exc
            self.stop()
            return
        for i in one.answers:
            self._paired[i] += 1

    def _pair(self, one: _Open, champion: Exchange, challenger: Exchange) -> Pair:
        recorded = one.entry.recorded
        return Pair(
            request_id=one.request_id,
            external_id=recorded.entry_id or None,
            entry_key=one.entry.key,
            received_at_ns=recorded.at_ns
            if recorded.at_ns is not None
            else self._clock.wall_ns() - int((self._clock.now_s() - one.due_s) * 1e9),
            cluster_id=one.entry.cluster_id or one.request_id,
            cluster_known=one.entry.cluster_id is not None,
            request=recorded.request,
            content_hash=content_hash(recorded.request),
            champion=champion,
            challenger=challenger,
            segments=one.entry.segments,
            truth=recorded.truth,
        )

    def _close(self, one: _Open) -> None:
        """A request is over. The next of its cluster goes; those that cannot go by."""
        following: _Open | None = one
        while following is not None:
            self._n_open -= 1
            self._n_answered += 1
            self._pacer.answered()
            following = self._next_of_cluster(following)
            if following is not None and not self._is_stopping and self._send(following):
                break
        self._answered.set()

    def _next_of_cluster(self, one: _Open) -> _Open | None:
        if self._order is None:
            return None
        following = self._order.answered(one.entry.cluster_id or one.request_id)
        if following is not None:
            following.ready_s = max(following.ready_s, self._clock.now_s())
        return following


def request_id_of(run_id: str, entry_key: str) -> RequestId:
    """Unique within and between runs, and the same again when a run is resumed."""
    digest = hashlib.blake2b(f"{run_id}\0{entry_key}".encode(), digest_size=16)
    return RequestId(digest.hexdigest())


def content_hash(request: Request) -> str:
    """Same method, target and body, same hash."""
    digest = hashlib.blake2b(digest_size=16)
    head = f"{request.method} {request.target}\0"
    digest.update(head.encode("latin-1", "replace"))
    digest.update(request.body)
    return digest.hexdigest()


def _is_given_up(exchange: Exchange) -> bool:
    """Whether our own end, and nothing of the deployment's, is why there is no answer."""
    return isinstance(exchange.outcome, Failure) and exchange.outcome.kind is FailureKind.CANCELLED


def _kind(exchange: Exchange) -> str:
    return exchange.outcome.kind if isinstance(exchange.outcome, Failure) else "ok"


async def _read_ahead(entries: Iterator[Entry]) -> AsyncIterator[Entry]:
    """Entries, read by a thread one batch ahead, so that reading never delays a send."""

    def batch() -> list[Entry]:
        return list(islice(entries, _BATCH))

    coming = asyncio.create_task(asyncio.to_thread(batch))
    try:
        while entries_now := await coming:
            coming = asyncio.create_task(asyncio.to_thread(batch))
            for entry in entries_now:
                yield entry
    finally:
        # The thread may be in the middle of a batch: let it finish before the log is closed.
        await asyncio.wait([coming])

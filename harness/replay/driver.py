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
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from harness.exchange import Exchange, Failure
from harness.pair import Conservation, LossReason
from harness.ports import Clock, PairSink
from harness.replay.open_request import CHAMPION, OpenRequest
from harness.replay.party import Entry, Party, RecordedExchange, Repeats
from harness.replay.progress import Progress
from harness.replay.reading_ahead import read_ahead
from harness.traffic.calling import call_order
from harness.traffic.identity import request_id_of
from harness.traffic.ordering import ClusterOrder
from harness.traffic.pacing import Pacer, Send, Step, WaitForAnswer, WaitUntil
from harness.traffic.sampling import is_drawn

MAX_OPEN = 10_000
"""Requests open at once before the walk waits: bounds memory when a deployment falls behind."""

_SENDS_BETWEEN_YIELDS = 8
_DISK_LOOK_S = 0.005

_NO_REPEATS = Repeats()

_Ask = tuple[int, bool]
"""One call of a request: whose (`CHAMPION` or a challenger's position), and whether again."""


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
        repeats: Repeats = _NO_REPEATS,
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
        self._repeats_any = repeats.champion > 0 or repeats.challengers > 0
        self._order: ClusterOrder[OpenRequest] | None = ClusterOrder() if keep_order else None
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
        """The walk. What rarely has to be waited for is asked about before anything is awaited."""
        n_sent = 0
        next_step, now_s = self._pacer.next, self._clock.now_s
        async for batch in read_ahead(entries):
            for entry in batch:
                if self._started_s is None:
                    self._started_s = now_s()
                at_ns = entry.recorded.at_ns
                while not isinstance(step := next_step(now_s(), at_ns), Send):
                    await self._wait(step)
                ready_s = step.due_s
                if self._n_open >= MAX_OPEN or not self._sink.has_room:
                    ready_s = await self._when_there_is_room(step.due_s)
                self._ask(entry, step.due_s, ready_s)
                n_sent += 1
                if n_sent % _SENDS_BETWEEN_YIELDS == 0:
                    await asyncio.sleep(0)  # a walk running late must still let answers in

    async def _wait(self, step: Step) -> None:
        match step:
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
        one = OpenRequest(entry, request_id_of(self._run_id, entry.key), due_s, ready_s)
        may_go = self._order is None or self._order.offer(one.cluster_id, one)
        if may_go and not self._send(one):
            self._close(one)

    def _send(self, one: OpenRequest) -> bool:
        """Call everybody who is to be asked; False when that is nobody."""
        asked = self._who_can_be_asked(one)
        recorded = self._recorded_of(one, asked)
        if not asked or (self._recorded_champion is not None and recorded is None):
            return False
        one.champion = recorded
        asks: list[_Ask] = [] if recorded is not None else [(CHAMPION, False)]
        asks += [(i, False) for i in asked]
        if self._repeats_any:
            asks += self._asked_again(one.entry.key, [party for party, _ in asks])
        one.n_missing = len(asks)
        shuffled = call_order(len(asks), seed=self._seed, entry_key=one.entry.key)
        for position, chosen in enumerate(shuffled):
            self._call(one, asks[chosen], position)
        return True

    def _asked_again(self, key: str, parties: Iterable[int]) -> list[_Ask]:
        """The second calls of a request: of those drawn, the ones that can be paid for."""
        rates = {
            i: self._repeats.champion if i == CHAMPION else self._repeats.challengers
            for i in parties
        }
        return [
            (i, True)
            for i, rate in rates.items()
            if is_drawn(rate, seed=self._seed, key=key) and self._party(i).budget.take()
        ]

    def _party(self, i: int) -> Party:
        return self._champion if i == CHAMPION else self._challengers[i]

    def _who_can_be_asked(self, one: OpenRequest) -> list[int]:
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

    def _recorded_of(self, one: OpenRequest, asked: list[int]) -> Exchange | None:
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

    def _call(self, one: OpenRequest, ask: _Ask, position: int) -> None:
        party = self._party(ask[0])
        assert party.sender is not None
        party.sender.submit(
            one.request_id,
            party.prepare(one.entry.recorded, one.request_id),
            due_s=one.due_s,
            ready_s=one.ready_s,
            call_order=position,
            done=partial(self._done, one, ask),
        )

    def _done(self, one: OpenRequest, ask: _Ask, exchange: Exchange) -> None:
        i, again = ask
        party = self._party(i)
        party.budget.settle(exchange.cost_usd)
        party.outcomes[_kind(exchange)] += 1
        if one.take(i, exchange, is_repeat=again):
            if not one.given_up:
                self._keep(one)
            self._close(one)

    def _keep(self, one: OpenRequest) -> None:
        try:
            self._sink.append(one.pairs(self._received_at_ns(one)))
        except Exception as exc:  # translated by the store; anything else is our bug: end the run
            self._sink_error = exc
            self.stop()
            return
        for i in one.answers:
            self._paired[i] += 1

    def _received_at_ns(self, one: OpenRequest) -> int:
        """When the request arrived; in a log without times, when it was due."""
        at_ns = one.entry.recorded.at_ns
        if at_ns is not None:
            return at_ns
        return self._clock.wall_ns() - int((self._clock.now_s() - one.due_s) * 1e9)

    def _close(self, one: OpenRequest) -> None:
        """A request is over. The next of its cluster goes; those that cannot go by."""
        following: OpenRequest | None = one
        while following is not None:
            self._n_open -= 1
            self._n_answered += 1
            self._pacer.answered()
            following = self._next_of_cluster(following)
            if following is not None and not self._is_stopping and self._send(following):
                break
        self._answered.set()

    def _next_of_cluster(self, one: OpenRequest) -> OpenRequest | None:
        if self._order is None:
            return None
        following = self._order.answered(one.cluster_id)
        if following is not None:
            following.ready_s = max(following.ready_s, self._clock.now_s())
        return following


def _kind(exchange: Exchange) -> str:
    return exchange.outcome.kind if isinstance(exchange.outcome, Failure) else "ok"

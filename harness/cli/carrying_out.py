"""Carry out a replay: deployments up, requests out, pairs kept, everything down again."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from harness.cli.entries import Entries
from harness.cli.parties import (
    addresses,
    failed_statuses,
    parties,
    probe_all,
    recorded_exchange,
    targets,
)
from harness.cli.pricing import Pricing
from harness.cli.quiet import quiet
from harness.cli.spending import EVERY_S, Spending
from harness.config import Config
from harness.errors import ConfigError
from harness.exchange import Exchange, Response
from harness.pair import Conservation
from harness.replay.driver import Driver
from harness.replay.party import Party, Repeats
from harness.replay.progress import Progress
from harness.store.background import BackgroundSink
from harness.store.writer import RunWriter
from harness.traffic.identity import request_id_of
from harness.transport.clock import MonotonicClock
from harness.transport.sender import HttpSender
from harness.usage import Usage

WARM_CONNECTIONS = 8
_WARM_UP_IN_FLIGHT = 4
_BETWEEN_LOOKS_S = 0.2


class Unpriced:
    """Ends the asking as soon as an answer names a model without a price, whose cost grows unseen.

    Attributes:
        first: What is to be said of it; None as long as every model has one.
    """

    def __init__(self) -> None:
        self.first: ConfigError | None = None
        self.stop: Callable[[], None] = _nothing

    def __call__(self, deployment: str, error: ConfigError) -> None:
        if self.first is None:
            self.first = error
            self.stop()


def _nothing() -> None:
    """Nobody is asked yet."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be replayed.

    Attributes:
        open_run: Opens the run for writing; called when every deployment can be reached, so that
            nothing is written before.
        spent_usd: What an earlier part of the run spent, by deployment.
        logs: Folder for what started deployments print.
        runs: The folder that the run lies in.
    """

    config: Config
    entries: Entries
    open_run: Callable[[], RunWriter]
    run_id: str
    usage_of: Callable[[Response], Usage]
    spent_usd: Mapping[str, Decimal]
    pricing: Pricing
    unpriced: Unpriced
    n_to_ask: int
    logs: Path
    runs: Path


@dataclass(frozen=True, slots=True)
class Done:
    """How it ended.

    Attributes:
        conservation: Per challenger, of the entries that were asked for this time.
        unpriced: An answer named a model without a price, which ended the asking.
    """

    conservation: Mapping[str, Conservation]
    interrupted: bool
    progress: Progress
    unpriced: ConfigError | None = None


async def carry_out(job: Job, show: Callable[[Progress], None]) -> Done:
    """Replay until everything is answered or somebody interrupts.

    The first SIGINT or SIGTERM ends asking, the second also what is in flight: it stays pending.
    Before anything is asked they cancel.

    Raises:
        ConfigError: A model has no price, as was seen while warming up; nothing has been written.
        UnreachableError: A deployment is not there; nothing has been written.
        StoreError: Pairs could not be kept; what was acknowledged is.
    """
    interruptions = _Interruptions()
    async with AsyncExitStack() as stack:
        stack.enter_context(interruptions)
        urls = await stack.enter_async_context(addresses(job.config, job.logs))
        wanted = targets(job.config, urls, job.pricing.of)
        await probe_all(wanted)
        clock = MonotonicClock()
        stack.callback(clock.close)
        champion, challengers = parties(
            job.config, wanted, clock, usage_of=job.usage_of, spent_usd=job.spent_usd
        )
        senders = [
            party.sender
            for party in (champion, *challengers)
            if isinstance(party.sender, HttpSender)
        ]
        for sender in senders:
            stack.push_async_callback(sender.close)
        await asyncio.gather(*(sender.open_connections(WARM_CONNECTIONS) for sender in senders))
        spending = Spending(
            job.runs, {party.name: party.budget for party in challengers}, _say_nearly_spent
        )
        await spending.balance()
        await _warm_up(job, (champion, *challengers), clock)
        if job.unpriced.first is not None:
            raise job.unpriced.first
        sink = stack.enter_context(BackgroundSink(job.open_run()))
        driver = _driver(job, champion, challengers, clock, sink)
        interruptions.from_now_on_stop(driver, senders)
        job.unpriced.stop = partial(_stop, driver, senders)
        await _driven(driver, job, show, spending)
        return Done(
            driver.conservation(), interruptions.seen, driver.snapshot(), job.unpriced.first
        )


def _stop(driver: Driver, senders: Sequence[HttpSender]) -> None:
    """Ask nobody any more, and wait for what is in flight."""
    driver.stop()
    for sender in senders:
        sender.drop_queue()


def _driver(
    job: Job,
    champion: Party,
    challengers: Sequence[Party],
    clock: MonotonicClock,
    sink: BackgroundSink,
) -> Driver:
    config = job.config
    recorded = None
    if config.champion_answers == "recorded":
        recorded = partial(recorded_exchange, config.champion, failed_statuses(config))
    return Driver(
        champion=champion,
        challengers=challengers,
        pacer=config.pacing.pacer(),
        clock=clock,
        sink=sink,
        run_id=job.run_id,
        seed=config.seed,
        n_entries=job.n_to_ask,
        recorded_champion=recorded,
        keep_order=config.pacing.keep_order,
        repeats=_repeats(config),
    )


def _repeats(config: Config) -> Repeats:
    return Repeats(
        champion=config.repeat.rate if config.repeat else 0.0,
        challengers=config.repeat_challenger.rate if config.repeat_challenger else 0.0,
    )


async def _warm_up(job: Job, everybody: Sequence[Party], clock: MonotonicClock) -> None:
    """Ask the first entries of everybody, a few at a time, and forget the answers.

    They cost what they cost: a budget is charged for them.
    """
    room = asyncio.Semaphore(_WARM_UP_IN_FLIGHT)

    async def ask(party: Party, i: int) -> None:
        assert party.sender is not None
        async with room:
            if not party.budget.take():
                return
            answered: asyncio.Future[Exchange] = asyncio.get_running_loop().create_future()
            request_id = request_id_of(job.run_id, f"warm-up {i}")
            party.sender.submit(
                request_id,
                party.prepare(recorded[i], request_id),
                due_s=clock.now_s(),
                call_order=0,
                done=partial(_answer, answered),
            )
            party.budget.settle((await answered).cost_usd)

    recorded = list(job.entries.warm_up())
    await asyncio.gather(
        *(
            ask(party, i)
            for i in range(len(recorded))
            for party in everybody
            if party.sender is not None
        )
    )


def _answer(waiting: asyncio.Future[Exchange], exchange: Exchange) -> None:
    if not waiting.done():  # it is where we were interrupted, and the sender gives up its calls
        waiting.set_result(exchange)


async def _driven(
    driver: Driver, job: Job, show: Callable[[Progress], None], spending: Spending
) -> None:
    quiet()
    looking_after = [
        asyncio.create_task(_watch(driver, show)),
        asyncio.create_task(_keep_balanced(spending)),
    ]
    try:
        await driver.run(job.entries.to_ask())
    finally:
        for task in looking_after:
            task.cancel()
        await spending.balance()
        show(driver.snapshot())


async def _keep_balanced(spending: Spending) -> None:
    while True:
        await asyncio.sleep(EVERY_S)
        await spending.balance()


def _say_nearly_spent(name: str, sentence: str) -> None:
    print(f"harness: {name}: {sentence}", file=sys.stderr)


async def _watch(driver: Driver, show: Callable[[Progress], None]) -> None:
    while True:
        await asyncio.sleep(_BETWEEN_LOOKS_S)
        show(driver.snapshot())


class _Interruptions:
    """What SIGINT and SIGTERM do. Make it in the task that they are to end.

    Before there is anything to keep they cancel the task. From then on the first one ends asking
    and the second one waiting. Both also where a shell had SIGINT ignored, as for its jobs in the
    background.
    """

    def __init__(self) -> None:
        self.seen = False
        self._task = asyncio.current_task()
        self._driver: Driver | None = None
        self._senders: Sequence[HttpSender] = ()
        self._closing: list[asyncio.Task[None]] = []
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.getsignal(number)
            asyncio.get_running_loop().add_signal_handler(number, self._interrupted)

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            asyncio.get_running_loop().remove_signal_handler(number)
            signal.signal(number, handler)

    def from_now_on_stop(self, driver: Driver, senders: Sequence[HttpSender]) -> None:
        self._driver = driver
        self._senders = senders

    def _interrupted(self) -> None:
        if self._driver is None:
            assert self._task is not None
            self._task.cancel()
        elif not self.seen:
            self.seen = True
            _stop(self._driver, self._senders)
        elif not self._closing:
            self._closing = [asyncio.ensure_future(sender.close()) for sender in self._senders]

"""The mirror: asks challengers for copies of users' requests, and writes the run.

It is started by the supervisor and started again when it dies; a run that is there is gone on with.
When the run cannot be written any more, most likely for a full disk, it says so and ends with code
1: fronts count what they cannot hand over as `mirror_down`, the supervisor tries again with growing
pauses, and what was acknowledged stays.
"""

from __future__ import annotations

import asyncio
import dataclasses
import resource
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import uvloop

from harness.cli.entries import Belonging
from harness.cli.keeping import privacy_of
from harness.cli.live.settings import MirrorSettings
from harness.cli.live.tracing import traced
from harness.cli.meaning import usage_reader, value_spec, values_digest
from harness.cli.parties import budget_of, failed_statuses, targets
from harness.cli.places import run_id_for
from harness.cli.pricing import Pricing, pricing_of
from harness.cli.prompts import rewrite_for
from harness.cli.quiet import quiet
from harness.cli.spending import Spending
from harness.cli.versions import versions
from harness.config import Config
from harness.config.deployment import Challenger
from harness.config.deployment import Deployment as ConfiguredDeployment
from harness.config.loading import rebuilt
from harness.errors import HarnessError, StoreError
from harness.exchange import DeploymentName, Request, RequestId
from harness.measure.values import tabulate
from harness.pair import Conservation
from harness.ports import Clock
from harness.run import Deployment, Role
from harness.shadow.accounting import mirror_snapshot
from harness.shadow.control import Control, Message, UnspeakableError, settings_from
from harness.shadow.halves import ChampionSide, Study
from harness.shadow.intake import Intake
from harness.shadow.logs import Log
from harness.shadow.mirror import (
    TEND_EVERY_S,
    Before,
    Bounds,
    LiveSink,
    Mirror,
    Party,
    Repeating,
)
from harness.shadow.mirror_page import make_page
from harness.store.background import BackgroundSink
from harness.store.layout import MANIFEST
from harness.store.manifest import Manifest, Pacing, Status
from harness.store.portion import Measure
from harness.store.privacy import KeepBodies
from harness.store.reader import StoredRun
from harness.store.writer import RunWriter
from harness.traffic.breaker import Breaker, Breaking
from harness.traffic.budget import Budget
from harness.traffic.choosing import Chooser, Rate
from harness.traffic.forwarding import forwarded
from harness.traffic.rewriting import Rewrite
from harness.transport.clock import MonotonicClock
from harness.transport.sender import HttpSender
from harness.transport.target import Target

_PERSIST_EVERY_S = 1.0
_QUIET_TURNS = 6
_FRAME_ROOM_BYTES = 1 << 20  # heads, and arrival times of an event stream's pieces


def main(arguments: Sequence[str]) -> int:
    """Run as a child of the supervisor: its end of the line is the one argument."""
    control = socket.socket(fileno=int(arguments[1]))
    log = Log("mirror")
    try:
        settings = MirrorSettings.from_json(settings_from(control))
    except UnspeakableError as exc:
        log.error("not_told", f"the mirror was not told what to do: {exc}")
        return 1
    _allow_many_connections()
    return uvloop.run(run_mirror(settings, control, log))


async def run_mirror(settings: MirrorSettings, control: socket.socket, log: Log) -> int:
    """Mirror until told to end, or until the supervisor is gone; the exit code."""
    orders: asyncio.Queue[Message] = asyncio.Queue()
    line = await Control.on(control, orders.put_nowait, lambda: orders.put_nowait({"do": "close"}))
    try:
        config = rebuilt(settings.config, path=settings.config_path)
        await _mirrored(config, settings, line, orders, log)
    except HarnessError as exc:
        log.error("mirror_failed", f"the mirror cannot go on: {exc}")
        line.say({"say": "failed", "why": str(exc)})
        return 1
    finally:
        line.close()
    return 0


async def _mirrored(
    config: Config,
    settings: MirrorSettings,
    line: Control,
    orders: asyncio.Queue[Message],
    log: Log,
) -> None:
    """From opening the run to its end.

    Raises:
        StoreError: Pairs could not be kept; what was acknowledged is.
    """
    async with AsyncExitStack() as stack:
        clock = MonotonicClock()
        stack.callback(clock.close)
        # Its calls have no cost, so that rules on cost have no data; users are served all the same.
        pricing = pricing_of(config, lambda name, error: log.warning("unpriced", str(error)))
        writer = stack.enter_context(_opened(config, Path(settings.run), pricing))
        stored = StoredRun.open(Path(settings.run))
        sink = stack.enter_context(BackgroundSink(writer))
        senders = _Senders(config, settings.urls, clock, pricing)
        stack.push_async_callback(senders.close)
        failure: asyncio.Future[StoreError] = asyncio.get_running_loop().create_future()
        taking = traced(sink, config, stored.manifest.run_id, log, stack)
        mirror, intake = _composed(config, settings, senders, taking, stored, clock, log, failure)
        spending = Spending(
            Path(settings.run).parent,
            senders.budgets,
            lambda name, what: log.warning("budget", f"{name}: {what}", challenger=name),
        )
        await spending.balance()
        mirror.start()
        stack.callback(mirror.stop)
        await intake.open(mirror)
        stack.push_async_callback(intake.close)
        tending = asyncio.create_task(_tend(mirror, writer, spending))
        stack.callback(tending.cancel)
        quiet()
        line.say({"say": "ready"})
        within_s = await _until_the_end(orders, failure, tending)
        await _finish_what_is_underway(mirror, intake, within_s)
        tending.cancel()
        await intake.close()
        await senders.close()
        mirror.give_up()
        await spending.balance()
        await asyncio.to_thread(sink.close)
        mirror.tend()
        writer.finish(mirror.conservation(), at=datetime.now(UTC), status=Status.FINISHED)
        line.say({"say": "drained"})


async def _until_the_end(
    orders: asyncio.Queue[Message], failure: asyncio.Future[StoreError], tending: asyncio.Task[None]
) -> float:
    """Follow orders until one of them ends us; return how long that may take, seconds.

    Raises:
        StoreError: Pairs cannot be kept any more.
    """
    while True:
        order = asyncio.ensure_future(orders.get())
        ends: list[asyncio.Future[Any]] = [order, failure, tending]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if failure.done():
            order.cancel()
            raise failure.result()
        if tending.done():
            order.cancel()
            tending.result()
        match order.result():
            case {"do": "drain", "within_s": int() | float() as within_s}:
                return float(within_s)
            case {"do": "close"}:
                return 0.0


async def _finish_what_is_underway(mirror: Mirror, intake: Intake, within_s: float) -> None:
    """Wait for what fronts still say, for challengers that still answer, and for the disk."""
    loop = asyncio.get_running_loop()
    end_s = loop.time() + within_s
    # Counted in turns of the loop: while it gets no core, time says nothing.
    n_frames = n_quiet = 0
    while loop.time() < end_s:
        n_quiet = n_quiet + 1 if mirror.n_frames == n_frames else 0
        n_frames = mirror.n_frames
        if mirror.is_idle and (not intake.n_connected or n_quiet > _QUIET_TURNS):
            return
        await asyncio.sleep(TEND_EVERY_S)


async def _tend(mirror: Mirror, writer: RunWriter, spending: Spending) -> None:
    """Look after the mirror, and keep its counts with the run."""
    loop = asyncio.get_running_loop()
    written: Mapping[str, Conservation] = {}
    due_s = 0.0
    while True:
        mirror.tend()
        if loop.time() >= due_s:
            due_s = loop.time() + _PERSIST_EVERY_S
            counts = await asyncio.to_thread(mirror.conservation)
            if counts != written:
                await asyncio.to_thread(writer.record_losses, counts)
                written = counts
            await spending.balance()
        await asyncio.sleep(TEND_EVERY_S)


class _Senders:
    """Who is asked, and how."""

    def __init__(
        self, config: Config, urls: Mapping[str, str], clock: Clock, pricing: Pricing
    ) -> None:
        self._config = config
        self.pricing = pricing
        self._clock = clock
        self._usage_of = usage_reader(config)
        self._all: list[HttpSender] = []
        self.budgets: dict[str, Budget] = {}
        self._targets = targets(config, urls, pricing.of)
        is_ingress = config.capture.mode == "ingress"
        self._rewrite = config.rewrite.rewrite() if is_ingress else Rewrite()

    def party(self, one: ConfiguredDeployment, chooser: Chooser) -> Party:
        """A deployment as the mirror asks it; limits are the chooser's."""
        target = dataclasses.replace(
            self._targets[one.name], rate_per_s=None, max_in_flight=2 * chooser.max_in_flight
        )
        sender = HttpSender(target, self._clock, seed=self._config.seed, usage_of=self._usage_of)
        self._all.append(sender)
        if isinstance(one, Challenger):
            self.budgets[one.name] = chooser.budget
        rewrite = rewrite_for(one, self._rewrite, self._config)
        prepare = partial(_prepared, target, rewrite, self._clock)
        return Party(target.name, sender, chooser, prepare, one.timeout_s)

    async def close(self) -> None:
        await asyncio.gather(*(sender.close() for sender in self._all))


def _prepared(
    target: Target, rewrite: Rewrite, clock: Clock, request: Request, request_id: RequestId
) -> Request:
    if rewrite.changes_anything:
        now_ns = clock.wall_ns()
        request = rewrite(request, recorded_at_ns=now_ns, now_ns=now_ns, seed=request_id)
    return forwarded(request, request_id, target.destination)


def _composed(
    config: Config,
    settings: MirrorSettings,
    senders: _Senders,
    sink: LiveSink,
    stored: StoredRun,
    clock: Clock,
    log: Log,
    failure: asyncio.Future[StoreError],
) -> tuple[Mirror, Intake]:
    capture, champion = config.capture, config.champion
    names = [one.name for one in config.challengers] or [champion.name]
    before = Before(_stored_pairs(stored, config), mirror_snapshot(Path(settings.page)))
    belonging = Belonging.of(config)
    intake = Intake(
        Path(settings.link),
        max_frame_bytes=capture.max_body_bytes + _FRAME_ROOM_BYTES,
        refused=lambda why: log.warning("front_refused", why),
    )
    mirror = Mirror(
        Study(stored.manifest.run_id, config.seed, belonging.cluster, belonging.segments),
        ChampionSide(
            DeploymentName(champion.name),
            failed_statuses(config),
            senders.pricing.of[champion.name],
            usage_reader(config),
        ),
        [senders.party(one, _chooser(one, config, stored)) for one in config.challengers],
        sink=sink,
        clock=clock,
        page=make_page(Path(settings.page), names),
        pages=Path(settings.pages),
        repeat=_repeat(config, senders),
        asked_champion=(
            senders.party(champion, Chooser(champion.name, config.seed))
            if capture.mode == "ingress"
            else None
        ),
        mirror_draws=config.cluster is not None and config.cluster.startswith("$"),
        bounds=Bounds(max_bytes=capture.capture_memory_bytes),
        before=before,
        acknowledge=intake.acknowledge,
        failed=lambda error: None if failure.done() else failure.set_result(error),
    )
    return mirror, intake


def _repeat(config: Config, senders: _Senders) -> Repeating | None:
    if config.repeat is None:
        return None
    champion = config.champion
    # A champion in trouble is not asked twice: it has users to serve.
    chooser = Chooser(champion.name, config.seed, max_in_flight=champion.max_in_flight)
    return Repeating(senders.party(champion, chooser), config.repeat.rate)


def _chooser(one: Challenger, config: Config, stored: StoredRun) -> Chooser:
    spent = Decimal(repr(stored.spent_usd(one.name)))
    asked = one.breaker
    breaking = Breaking(
        asked.failure_rate, asked.window_s, asked.min_calls, asked.rest_s, asked.probes
    )
    return Chooser(
        one.name,
        config.seed,
        sample=one.sample,
        max_in_flight=one.max_in_flight,
        rate=Rate(one.rate_per_s),
        budget=budget_of(one, spent),
        breaker=Breaker(breaking),
    )


def _stored_pairs(stored: StoredRun, config: Config) -> dict[str, int]:
    """What is on disk of this run, by challenger; of the champion where it is recorded alone."""
    if not config.challengers:
        n = 0 if stored.observed is None else stored.n_pairs(stored.observed)
        return {config.champion.name: n}
    return {one.name: stored.n_pairs(one.name) for one in config.challengers}


def _opened(config: Config, folder: Path, pricing: Pricing) -> RunWriter:
    """The run, gone on with where it is there.

    Raises:
        StoreError: It cannot be written.
    """
    privacy = privacy_of(config)
    measure = None
    if privacy.keep_bodies is not KeepBodies.ALL:
        spec = value_spec(config, open_loop=False)
        digest = values_digest(config, open_loop=False)
        measure = Measure(digest, lambda pairs: tabulate(pairs, spec).values)
    if (folder / MANIFEST).exists():
        return RunWriter.resume(folder, privacy=privacy, measure=measure)
    return RunWriter.create(
        folder, _manifest(config, folder, pricing), privacy=privacy, measure=measure
    )


def _manifest(config: Config, folder: Path, pricing: Pricing) -> Manifest:
    roles: list[tuple[ConfiguredDeployment, Role]] = [(config.champion, Role.CHAMPION)]
    roles += [(one, Role.CHALLENGER) for one in config.challengers]
    return Manifest(
        run_id=run_id_for(folder),
        name=config.path.stem,
        config=config.as_run(),
        config_digest=config.digest,
        log_digest="",
        deployments=tuple(
            Deployment(DeploymentName(one.name), role, config.where(one), one.timeout_s)
            for one, role in roles
        ),
        started_at=datetime.now(UTC),
        seed=config.seed,
        pacing=Pacing.NONE,
        segments=tuple(config.segments),
        versions=versions(),
        prices=pricing.sources,
    )


def _allow_many_connections() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    sys.exit(main(sys.argv))

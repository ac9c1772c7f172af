"""`harness shadow`: stand before the champion, mirror to the challengers, keep the pairs."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.exits import OK
from harness.cli.live.composing import Deployments, LiveComposition, commands_of, fresh_run
from harness.cli.parties import targets
from harness.cli.places import RUNS
from harness.cli.pricing import refuse_unpriced
from harness.cli.prompts import refuse_unreadable_prompts
from harness.config import Config, load
from harness.config.live import live_cautions, refuse_unfit_for_live
from harness.errors import StoreError, UnreachableError, UsageError
from harness.shadow.logs import Log
from harness.shadow.runtime import Runtime
from harness.shadow.supervisor import Part, Supervisor
from harness.store.disk import is_taken
from harness.store.losses import read_losses
from harness.store.naming import run_folder
from harness.store.retention import prune
from harness.transport.probe import probe

_KNOCK_WITHIN_S = 3.0
_KNOCKS_EVERY_S = 10.0


def shadow(
    config: Annotated[
        Path, typer.Argument(metavar="CONFIG", help="The config, for instance harness.yaml.")
    ],
    role: Annotated[
        Part,
        typer.Option(
            "--role", help="Which part to run: in a pod, front and mirror are two containers."
        ),
    ] = Part.ALL,
    run: Annotated[
        str | None,
        typer.Option("--run", metavar="RUN", help="Folder or id of the run. New below runs/ else."),
    ] = None,
) -> int:
    """Serve users from the champion and mirror their requests to the challengers.

    Runs until SIGTERM or Ctrl-C, then finishes what is in flight and seals the run, which
    `harness gate` judges. SIGHUP reads the config anew, and no connection is lost over it. With no
    challengers it only records: that run is the log of the next replay.

    Example: harness shadow harness.yaml
    """
    read = load(config)
    refuse_unfit_for_live(read)
    if role is not Part.ALL and read.capture.runtime_dir is None:
        raise UsageError(
            f"--role {role}: front and mirror meet in a folder. Name it: `capture.runtime_dir`"
        )
    _Sidecar(read, role, run).serve()
    return OK


class _Sidecar:
    """One call of the command."""

    def __init__(self, config: Config, part: Part, run: str | None) -> None:
        self._config = config
        self._part = part
        self._named_run = run_folder(run, RUNS) if run is not None else None
        self._log = Log("supervisor")
        self._deployments: Deployments | None = None
        self._logs = Path()
        if self._named_run is not None and is_taken(self._named_run):
            raise UsageError(f"{self._named_run}: is there already. Name another run")

    def serve(self) -> None:
        wanted = self._config.capture.runtime_dir
        runtime = Runtime.open(None if wanted is None else self._config.directory / wanted)
        try:
            with tempfile.TemporaryDirectory(prefix="harness-") as logs:
                self._logs = Path(logs)
                asyncio.run(self._serve(runtime))
        finally:
            if wanted is None:
                runtime.remove()

    async def _serve(self, runtime: Runtime) -> None:
        for caution in live_cautions(self._config):
            self._log.warning("caution", caution)
        composition = await self._composition(self._config)
        supervisor = Supervisor(
            composition,
            part=self._part,
            runtime=runtime,
            compose=self._compose,
            log=self._log,
            on_ready=self._say_ready,
        )
        knocking = asyncio.create_task(self._knock(supervisor))
        with _obeying(supervisor):
            try:
                await supervisor.serve()
            finally:
                knocking.cancel()
                if self._deployments is not None:
                    await self._deployments.end()
        self._say_ended(supervisor.run)

    async def _compose(self) -> LiveComposition:
        """The config as it is now; what is wrong with it leaves everything as it was."""
        config = load(self._config.path)
        refuse_unfit_for_live(config)
        composition = await self._composition(config)
        self._config = config
        return composition

    async def _composition(self, config: Config) -> LiveComposition:
        refuse_unpriced(config)
        refuse_unreadable_prompts(config)
        deployments = self._deployments
        if deployments is None or deployments.commands != commands_of(config):
            deployments = await Deployments.up(config, self._logs)
        self._deployments = deployments
        return LiveComposition(config, deployments.used(), self._name_run)

    def _name_run(self) -> Path:
        named, self._named_run = self._named_run, None  # a reload needs another one
        return named if named is not None else fresh_run(self._config, RUNS)

    async def _knock(self, supervisor: Supervisor) -> None:
        """Say when the champion is not there: a pod may start it after us, so we serve anyway."""
        was_there = True
        while self._part.has_fronts and not supervisor.is_stopping:
            assert self._deployments is not None
            champion = targets(self._config, self._deployments.urls, {})[self._config.champion.name]
            try:
                await probe(champion, _KNOCK_WITHIN_S)
                if not was_there:
                    self._log.info("champion_there", f"{champion.name}: is there now")
                was_there = True
            except UnreachableError as exc:
                if was_there:
                    self._log.error("champion_unreachable", f"users get 502 until then: {exc}")
                was_there = False
            await asyncio.sleep(_KNOCKS_EVERY_S)

    def _say_ready(self, supervisor: Supervisor) -> None:
        config, scheme = self._config, "https" if self._config.capture.tls else "http"
        names = [one.name for one in config.challengers]
        told = {
            "listening": supervisor.listens_at and f"{scheme}://{supervisor.listens_at}",
            "champion": f"{config.champion.name}, {config.where(config.champion)}",
            "mirrored to": ", ".join(names) if names else "nobody: requests are recorded",
            "run": supervisor.run,
            "admin": supervisor.admin_at and f"http://{supervisor.admin_at}",
            "pid": os.getpid(),
        }
        facts = {key.replace(" ", "_"): value for key, value in told.items() if value is not None}
        said = ", ".join(f"{key} {value}" for key, value in told.items() if value is not None)
        self._log.info("ready", said, **facts)

    def _say_ended(self, run: Path | None) -> None:
        if run is None:
            self._log.info("ended", "ended")
            return
        try:
            counts = read_losses(run)
        except StoreError as exc:
            self._log.error("ended", str(exc), run=str(run))
            return
        for name, one in counts.items():
            losses = {reason.value: n for reason, n in one.losses.items() if n}
            lost = "".join(f", {n:,} {reason}" for reason, n in losses.items())
            self._log.info(
                "counts",
                f"{name}: {one.received:,} received, {one.paired:,} kept{lost}, "
                f"{one.pending:,} pending",
                name=name,
                received=one.received,
                paired=one.paired,
                losses=losses,
                pending=one.pending,
            )
        self._prune(run)
        what = "judge it with: harness gate" if self._config.challengers else "replay it with --log"
        self._log.info("ended", f"the run is in {run}; {what} {run}", run=str(run))

    def _prune(self, run: Path) -> None:
        retention = self._config.capture.retention
        if retention is None:
            return
        gone = prune(
            run.parent,
            max_bytes=retention.max_bytes,
            max_age_s=retention.max_age_s,
            now=datetime.now(UTC),
            keep=run,
        )
        for one in gone:
            self._log.info("pruned", f"deleted the run {one.path}", run=str(one.path))


@contextmanager
def _obeying(supervisor: Supervisor) -> Iterator[None]:
    """SIGTERM and SIGINT stop, SIGHUP reloads; also where a shell had them ignored."""
    does: dict[signal.Signals, Callable[[], object]] = {
        signal.SIGTERM: supervisor.stop,
        signal.SIGINT: supervisor.stop,
        signal.SIGHUP: lambda: supervisor.reload("SIGHUP"),
    }
    before = {number: signal.getsignal(number) for number in does}
    loop = asyncio.get_running_loop()
    for number, do in does.items():
        loop.add_signal_handler(number, do)
    try:
        yield
    finally:
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)

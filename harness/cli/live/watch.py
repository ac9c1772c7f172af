"""The watch: the admin port, and beside it the process that judges the run.

It reads pages of counters, the run's folder and the file of the live verdict. It works while fronts
and mirror are stopped, and ends when the supervisor does.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import uvloop
from aiohttp import web

import harness
from harness.shadow.accounting import front_pages, mirror_snapshot
from harness.shadow.control import Control, Message, decode, encode, settings_from
from harness.shadow.logs import Log
from harness.watch.admin import Admin, Sources
from harness.watch.guard import Guard
from harness.watch.picture import Picture
from harness.watch.settings import WatchSettings
from harness.watch.view import View

_MIRROR_PAGE = "mirror.page"
_LOOK_EVERY_S = 1.0
_ANSWER_WITHIN_S = 60.0  # a reload waits until new fronts are ready
_MERCY_S = 2.0
_FIRST_PAUSE_S = 5.0
_LONGEST_PAUSE_S = 300.0


def main(arguments: Sequence[str]) -> int:
    """Run as a child of the supervisor: its end of the line is the one argument."""
    control = socket.socket(fileno=int(arguments[1]))
    settings = WatchSettings.from_json(settings_from(control))
    uvloop.run(run_watch(settings, control, Log("watch")))
    return 0


async def run_watch(settings: WatchSettings, control: socket.socket, log: Log) -> None:
    """Serve until the supervisor says to end, or is gone."""
    ending = asyncio.Event()
    sources = Sources(
        look=lambda: look(settings.pages),
        view=Viewing(settings).view,
        ask=lambda wish: ask(settings.control, wish),
        refused=lambda path, by, why: log.warning(
            "change_refused", f"{by} asked for {path} and was refused: {why}", by=by, path=path
        ),
    )
    admin = Admin(sources, Guard(settings.token, settings.is_loopback))
    runner = web.AppRunner(admin.application(), access_log=None)
    await runner.setup()
    line = await Control.on(control, lambda order: _heard(order, ending), ending.set)
    tasks = [asyncio.create_task(_remember(admin))]
    if settings.challengers and settings.judge_every_s > 0:
        tasks.append(asyncio.create_task(_judge(settings, log)))
    try:
        await web.SockSite(runner, socket.socket(fileno=os.dup(settings.admin_fd))).start()
        line.say({"say": "ready"})
        await ending.wait()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await runner.cleanup()
        line.close()


def look(pages: Path) -> Picture:
    """The counters now; the mirror's first, see `harness.watch.picture`."""
    mirror = mirror_snapshot(pages / _MIRROR_PAGE)
    return Picture(at_ns=time.time_ns(), fronts=front_pages(pages), mirror=mirror)


async def ask(control: Path, wish: Mapping[str, Any]) -> Message:
    """Put a wish to the supervisor.

    Raises:
        OSError: There is nobody, or no answer in time.
    """
    async with asyncio.timeout(_ANSWER_WITHIN_S):
        reader, writer = await asyncio.open_unix_connection(control)
        try:
            writer.write(encode(wish))
            answer = await reader.readline()
        finally:
            writer.close()
    if not answer:
        raise ConnectionResetError("no answer")
    return decode(answer)


class Viewing:
    """What is known beside the counters."""

    def __init__(self, settings: WatchSettings) -> None:
        self._settings = settings
        self._started_s = time.time()
        self._live: Mapping[str, Any] | None = None
        self._live_at_ns = 0

    def view(self, picture: Picture, before: Picture) -> View:
        settings = self._settings
        return View(
            picture=picture,
            before=before,
            run_id=settings.run.name,
            champion=settings.champion,
            challengers=settings.challengers,
            version=harness.__version__,
            now_s=time.time(),
            started_s=self._started_s,
            budgets_usd=settings.budgets_usd,
            live=self._read_live(),
        )

    def _read_live(self) -> Mapping[str, Any] | None:
        """The live verdict; read again when the file was replaced."""
        path = self._settings.verdict
        with suppress(FileNotFoundError):
            changed_ns = path.stat().st_mtime_ns
            if changed_ns != self._live_at_ns:
                self._live = json.loads(path.read_bytes())
                self._live_at_ns = changed_ns
        return self._live


def _step_back(pid: int) -> None:
    """Let a process run only where nobody else wants the core."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, 19)
        if hasattr(os, "SCHED_IDLE"):
            os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))


async def _remember(admin: Admin) -> None:
    while True:
        await asyncio.sleep(_LOOK_EVERY_S)
        admin.remember()


async def _judge(settings: WatchSettings, log: Log) -> None:
    """Keep a judging process alive; it costs nobody anything when it is not."""
    pause_s = _FIRST_PAUSE_S
    while True:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "harness.cli.live.judge"),
            *(str(settings.run), str(settings.verdict), str(settings.judge_every_s)),
            stdin=asyncio.subprocess.PIPE,
            env={**os.environ, "POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1"},
        )
        _step_back(process.pid)  # loading what it needs is seconds of work already
        try:
            code = await process.wait()
        except asyncio.CancelledError:
            await _end(process)
            raise
        log.error(
            "judge_ended",
            f"the live verdict's process ended with code {code}; it is started again in "
            f"{pause_s:g} s",
            code=code,
        )
        await asyncio.sleep(pause_s)
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)


async def _end(process: asyncio.subprocess.Process) -> None:
    for end in (process.terminate, process.kill):
        with suppress(ProcessLookupError):
            end()
        with suppress(TimeoutError):
            async with asyncio.timeout(_MERCY_S):
                await process.wait()
                return


def _heard(order: Message, ending: asyncio.Event) -> None:
    if order.get("do") in ("close", "drain"):
        ending.set()


if __name__ == "__main__":
    sys.exit(main(sys.argv))

"""One child process that is to live: started, listened to, started again when it dies."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.shadow.control import Control, Message
from harness.shadow.logs import Log

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 10.0
STEADY_AFTER_S = 30.0
"""A child that lived that long is started again at once, whatever came before."""

_MERCY_S = 2.0


@dataclass(frozen=True, slots=True)
class Program:
    """What to start.

    Attributes:
        module: Run with `python -m`.
        settings: Its first line; may hold secrets, so they are in no argument and no log.
        fds: Descriptors it inherits under the same numbers.
    """

    module: str
    settings: Mapping[str, Any]
    fds: tuple[int, ...] = ()


class Child:
    """Keeps one child alive until it is asked to end.

    Args:
        name: For logs: `front 1`, `mirror`.
        make: What to start; asked anew for every start.
        log: Where its ends and starts are told.
        works: Called with the id of each process: of the first once it does its work, of those
            after it at once, because others are at work by then.
    """

    def __init__(
        self,
        name: str,
        make: Callable[[], Program],
        log: Log,
        *,
        works: Callable[[int], None] = lambda pid: None,
    ) -> None:
        self.name = name
        self.n_starts = 0
        self._make = make
        self._log = log
        self._works = works
        self._process: asyncio.subprocess.Process | None = None
        self._control: Control | None = None
        self._ready, self._settled = asyncio.Event(), asyncio.Event()
        self._is_ending = False
        self._orders: dict[str, Message] = {}
        self._living: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """Of the process that runs now; None between two of them."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    @property
    def is_ready(self) -> bool:
        return self._ready.is_set()

    def start(self) -> None:
        """Start it, and go on doing so."""
        self._living = asyncio.create_task(self._live(), name=self.name)

    async def wait_ready(self, within_s: float) -> bool:
        """Whether it does its work before that time is over; no longer than to its first end."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._settled.wait()
        return self.is_ready

    def order(self, order: Message) -> None:
        """Say something to it now, and to those that come after it."""
        self._orders[order["do"]] = order
        if self._control is not None:
            self._control.say(order)

    async def end(self, order: Message, within_s: float) -> bool:
        """Ask it to end; it is killed when it takes too long.

        Returns:
            Whether it ended by itself, with code 0.
        """
        self._is_ending = True
        process = self._process
        if process is not None and process.returncode is None and self._control is not None:
            self._control.say(order)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(within_s):
                    await process.wait()
        await self.kill()
        return process is not None and process.returncode == 0

    async def kill(self) -> None:
        """End it now, whatever it does."""
        self._is_ending = True
        process = self._process
        if process is not None and process.returncode is None:
            for number in (signal.SIGTERM, signal.SIGKILL):
                with contextlib.suppress(ProcessLookupError):
                    process.send_signal(number)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_MERCY_S):
                        await process.wait()
                        break
        if self._living is not None:
            self._living.cancel()
            await asyncio.wait([self._living])

    async def _live(self) -> None:
        pause_s = FIRST_PAUSE_S
        while not self._is_ending:
            started_s = asyncio.get_running_loop().time()
            code = await self._one_life()
            if self._is_ending:
                return
            if asyncio.get_running_loop().time() - started_s > STEADY_AFTER_S:
                pause_s = FIRST_PAUSE_S
            self._log.error(
                "child_ended",
                f"{self.name} ended {_how(code)}; it is started again in {pause_s:g} s",
                child=self.name,
                code=code,
            )
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    async def _one_life(self) -> int:
        """Start it and wait for its end; its exit code, or minus the signal that ended it."""
        program = self._make()
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-m",
                    program.module,
                    str(theirs.fileno()),
                    pass_fds=(theirs.fileno(), *program.fds),
                    stdin=asyncio.subprocess.DEVNULL,
                    # Ctrl-C at a terminal goes to the whole group: it is for us to pass it on.
                    process_group=0,
                )
            except BaseException:
                ours.close()
                raise
        self.n_starts += 1
        if self.n_starts > 1:
            self._works(self._process.pid)
        self._control = await Control.on(ours, self._heard, lambda: None)
        self._control.say({"settings": dict(program.settings)})
        for order in self._orders.values():
            self._control.say(order)
        try:
            return await self._process.wait()
        finally:
            self._ready.clear()
            self._settled.set()
            self._control.close()
            self._control = None

    def _heard(self, message: Message) -> None:
        match message:
            case {"say": "ready"}:
                self._ready.set()
                self._settled.set()
                if self.n_starts == 1 and (pid := self.pid) is not None:
                    self._works(pid)
            case {"say": "failed", "why": str(why)}:
                self._log.error("child_failed", f"{self.name}: {why}", child=self.name)


def _how(code: int) -> str:
    if code >= 0:
        return f"with exit code {code}"
    try:
        return f"by {signal.Signals(-code).name}"
    except ValueError:
        return f"by signal {-code}"

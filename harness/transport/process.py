"""A deployment that harness starts, waits for and stops: `command:` in the config.

The command runs under `harness.transport.launcher`, which ends it when we say so or when we die. A
free port is found by binding to port 0 and letting go again: between that and the command's own
bind another process could take it, which shows as a deployment that does not get ready.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from harness.errors import UnreachableError
from harness.exchange import Request, Response
from harness.http1.encoding import encode
from harness.http1.limits import ORDINARY
from harness.http1.response import ResponseReader, UnreadableError

_LAUNCHER = Path(__file__).with_name("launcher.py")
_KNOCKS_EVERY_S = 0.05
_TAIL_LINES = 8
_TAIL_BYTES = 16 * 1024


class DeploymentProcess:
    """One running deployment. Entering starts it, leaving stops it and all it started.

    Args:
        command: Program and arguments; `{port}` in any of them becomes the port it is to listen
            on. `python` means the interpreter that harness runs under.
        log: File for what it prints; added to, made where missing.
        ready: Path that answers 2xx once it can serve; None: accepting connections will do.
        ready_within_s: How long that may take.
        stop_within_s: How long it may take to stop before it is killed.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        ready: str | None = None,
        ready_within_s: float = 60.0,
        stop_within_s: float = 5.0,
    ) -> None:
        self.name = name
        self._log = log
        self._ready_path = ready
        self._ready_within_s = ready_within_s
        self._stop_within_s = stop_within_s
        self._port = _free_port()
        self._command = [argument.replace("{port}", str(self._port)) for argument in command]
        self._process: asyncio.subprocess.Process | None = None
        self._refusal: int | None = None  # the last status of the ready path, where it was not 2xx

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int | None:
        """Of the launcher; None before the start."""
        return None if self._process is None else self._process.pid

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start the command; `ready` waits until it serves."""
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-I",
                "-S",
                str(_LAUNCHER),
                f"{self._stop_within_s}",
                *self._command,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=_environment(),
            )

    async def ready(self) -> str:
        """Wait until it serves; return its base URL.

        Raises:
            UnreachableError: It ended, or was not ready in time; with the end of what it printed.
        """
        assert self._process is not None, "start it first"
        ended = asyncio.ensure_future(self._process.wait())
        serves = asyncio.ensure_future(self._wait_until_it_serves())
        try:
            await asyncio.wait(
                {ended, serves},
                timeout=self._ready_within_s,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if ended.done():
                raise self._not_ready(f"ended with exit code {ended.result()} before it was ready")
            if not serves.done():
                raise self._not_ready(self._still_silent())
            serves.result()
            return self.base_url
        finally:
            for waiting in (ended, serves):
                waiting.cancel()
            await asyncio.wait({ended, serves})

    async def stop(self) -> None:
        """Ask the command and all it started to end; they are killed when that takes too long."""
        process = self._process
        if process is None:
            return
        assert process.stdin is not None
        process.stdin.close()  # what the launcher waits for
        await process.wait()

    def _still_silent(self) -> str:
        if self._refusal is not None:
            return (
                f"was not ready within {self._ready_within_s:g} s on port {self._port}: "
                f"{self._ready_path} answers {self._refusal}"
            )
        at = "" if self._ready_path is None else f" at {self._ready_path}"
        return f"was not ready{at} within {self._ready_within_s:g} s on port {self._port}"

    def _not_ready(self, what: str) -> UnreachableError:
        tail = _tail(self._log)
        printed = f" It printed last:\n{tail}\n" if tail else " It printed nothing. "
        return UnreachableError(
            f"{self.name}: `{shlex.join(self._command)}` {what}.{printed}"
            f"All of its output is in {self._log}. Correct its `command` or `ready`, or raise "
            f"`ready_timeout`."
        )

    async def _wait_until_it_serves(self) -> None:
        # Nobody tells us: another process's port can only be asked again.
        while not await self._serves():  # noqa: ASYNC110
            await asyncio.sleep(_KNOCKS_EVERY_S)

    async def _serves(self) -> bool:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            return False
        try:
            if self._ready_path is None:
                return True
            writer.write(encode(_question(self._ready_path, self._port)))
            answer = await _answer(reader)
            if answer is None:
                return False
            serves = 200 <= answer.status < 300
            self._refusal = None if serves else answer.status
            return serves
        except (OSError, UnreadableError):
            return False
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


def _question(path: str, port: int) -> Request:
    return Request("GET", path, (("Host", f"127.0.0.1:{port}"), ("Connection", "close")))


async def _answer(stream: asyncio.StreamReader) -> Response | None:
    reader = ResponseReader(ORDINARY)
    while data := await stream.read(65536):
        if reader.feed(data):
            return reader.response
    return reader.response if reader.eof() else None


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
    return port


def _environment() -> dict[str, str]:
    """Ours, with the folder of our interpreter first on the path."""
    folder = str(Path(sys.executable).parent)
    path = os.environ.get("PATH")
    return {**os.environ, "PATH": f"{folder}{os.pathsep}{path}" if path else folder}


def _tail(log: Path) -> str:
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(f"    {line}" for line in deque(text.splitlines(), maxlen=_TAIL_LINES))

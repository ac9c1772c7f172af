"""A sidecar as a user runs it, for tests and benchmarks: the program itself, and its processes."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar
from urllib.request import urlopen

from harness.pair import Conservation
from harness.shadow.accounting import conservation, front_pages, mirror_snapshot
from harness.store.losses import read_losses

Found = TypeVar("Found")

_LOOKS_EVERY_S = 0.02
_STARTS_WITHIN_S = 90.0  # on a machine whose disk and cores are busy with other things


class Sidecar:
    """One `harness shadow`, started in `folder` with a config in it. End it with `stop`.

    Args:
        config: Text of the config; its `capture.runtime_dir` has to be `rt`.
        before: Words that the command begins with, such as `taskset -c 0`.
    """

    def __init__(self, folder: Path, config: str, *, before: Sequence[str] = ()) -> None:
        self.folder = folder
        self.config = folder / "harness.yaml"
        self.config.write_text(config)
        self._log = folder / "stderr.txt"
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [*before, sys.executable, "-m", "harness", "shadow", str(self.config)],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stderr=log,
            )

    @property
    def said(self) -> list[dict[str, Any]]:
        """What it has logged."""
        lines = self._log.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def until(self, look: Callable[[], Found | None], within_s: float = 30.0) -> Found:
        """Wait for something that other processes bring about; what it was.

        Raises:
            TimeoutError: It did not come, or the sidecar has ended.
        """
        end_s = time.monotonic() + within_s
        while True:
            is_over = time.monotonic() > end_s or self.process.poll() is not None
            if found := look():
                return found
            if is_over:
                break
            time.sleep(_LOOKS_EVERY_S)
        raise TimeoutError(f"in vain; the sidecar said:\n{self._log.read_text()}")

    def _ready(self) -> dict[str, Any]:
        def said() -> dict[str, Any] | None:
            return next((one for one in self.said if one["event"] == "ready"), None)

        return self.until(said, _STARTS_WITHIN_S)

    @property
    def url(self) -> str:
        """Where users are served."""
        return str(self._ready()["listening"])

    @property
    def run(self) -> Path:
        return self.folder / str(self._ready()["run"])

    def status(self) -> dict[str, Any]:
        """What the admin port shows."""
        with urlopen(f"{self._ready()['admin']}/status", timeout=10) as answer:
            shown: dict[str, Any] = json.load(answer)
        return shown

    def desk(self, **asked: object) -> dict[str, Any]:
        """Ask the supervisor as the admin port does."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(str(self.folder / "rt" / "control.sock"))
            sock.sendall(json.dumps(asked).encode() + b"\n")
            answer: dict[str, Any] = json.loads(sock.makefile().readline())
        return answer

    def pids(self) -> dict[str, int]:
        """Process ids of the children that run, by name: `front 1`, `mirror`, `watch`."""
        children = self.desk(ask="status")["children"]
        return {one["name"]: one["pid"] for one in children if one["pid"] is not None}

    def pid_of(self, child: str) -> int | None:
        """Of a child that does its work; None while it does not."""
        children = {one["name"]: one for one in self.desk(ask="status")["children"]}
        pid: int | None = children[child]["pid"] if children[child]["ready"] else None
        return pid

    def signal(self, child: str, number: int) -> int:
        """Send a signal to a child that does its work; its process id."""
        pid = self.until(lambda: self.pid_of(child))
        os.kill(pid, number)
        return pid

    def replaced(self, child: str, pid: int) -> int:
        """Wait until another process does the work of one that was killed; its id."""
        return self.until(lambda: now if (now := self.pid_of(child)) != pid else None)

    def pages(self) -> dict[str, Conservation]:
        """Where every request went so far, by challenger, from the counters in shared memory."""
        mirror = mirror_snapshot(self.folder / "rt" / "pages" / "mirror.page")
        fronts = list(front_pages(self.folder / "rt" / "pages").values())
        names = [name.removesuffix(".paired") for name in mirror if name.endswith(".paired")]
        return {name: conservation(mirror, fronts, name) for name in names}

    def counters(self, name: str) -> int:
        """A counter of all fronts, added up."""
        fronts = front_pages(self.folder / "rt" / "pages").values()
        return sum(one.get(name, 0) for one in fronts)

    def stop(self, within_s: float = 60.0) -> int:
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(within_s)

    def kill(self) -> None:
        """End it at once, and wait until all its processes are gone."""
        with suppress(OSError, ValueError):
            for pid in self.pids().values():
                os.kill(pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait()

    def losses(self) -> dict[str, Conservation]:
        """Where every request went, as the run says in the end."""
        return read_losses(self.run)


@contextmanager
def sidecar(folder: Path, config: str, *, before: Sequence[str] = ()) -> Iterator[Sidecar]:
    """A sidecar that is gone in the end, whatever happens."""
    one = Sidecar(folder, config, before=before)
    try:
        yield one
    finally:
        if one.process.poll() is None:
            one.kill()


def resident_bytes(pid: int, *, at_most: bool = False) -> int:
    """Memory of a process that is not swapped out; 0 for one that is gone. Linux only.

    Args:
        at_most: The most it ever had.
    """
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    wanted = "VmHWM:" if at_most else "VmRSS:"
    found = next((line for line in text.splitlines() if line.startswith(wanted)), None)
    return 0 if found is None else int(found.split()[1]) * 1024


def n_descriptors(pid: int) -> int:
    """Open files and sockets of a process. Linux only."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))

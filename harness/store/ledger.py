"""The ledger on disk: JSON Lines, one gate run a line, appended and never changed.

What happens on a crash: nothing before the line is written; a line cut off while it is written has
no line end, is not counted by anyone, and is cut away by whoever appends next; a whole line is
there for good once the gate goes on. One process holds the file at a time, from reading it to
appending to it, so that no two gate runs take the same number.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from harness.errors import StoreError, StoreTooNewError
from harness.gate.ledger import Use
from harness.store import disk

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One line.

    Attributes:
        number: Of this gate run against its corpus.
        alpha: One-sided error its rules were held at.
    """

    use: Use
    number: int
    alpha: float
    config_digest: str
    decision: str
    at: datetime


class Ledger:
    """A ledger in the hands of one gate run; made by `held`."""

    def __init__(self, path: Path, fd: int, entries: tuple[Entry, ...], n_whole: int) -> None:
        self._path = path
        self._fd = fd
        self._n_whole = n_whole
        self.entries = entries

    def append(self, entry: Entry) -> None:
        """Add a line for good, unless these runs were entered under this policy before.

        Raises:
            StoreFullError: When there is no room; the ledger is then as it was.
        """
        if any(entry.use.is_again(one.use) for one in self.entries):
            return
        line = orjson.dumps(_record(entry)) + b"\n"
        with disk.translated(self._path, "append"):
            os.ftruncate(self._fd, self._n_whole)
            try:
                _write_all(self._fd, line)
                disk.sync(self._fd)
            except OSError:
                os.ftruncate(self._fd, self._n_whole)
                raise
        self._n_whole += len(line)
        self.entries += (entry,)


@contextmanager
def held(path: Path) -> Iterator[Ledger]:
    """Hold a ledger, made if there is none; waits while another gate run holds it.

    Raises:
        StoreError: It cannot be read or written, or a line of it is damaged.
    """
    with disk.translated(path, "open"):
        is_new = not path.exists()
        fd = disk.open_private(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        if is_new:
            disk.sync_folder(path.parent)
    try:
        with disk.translated(path, "read"):
            fcntl.flock(fd, fcntl.LOCK_EX)
            content = _read_all(fd)
        n_whole = content.rfind(b"\n") + 1
        yield Ledger(path, fd, tuple(_entries(path, content[:n_whole])), n_whole)
    finally:
        os.close(fd)


def _entries(path: Path, content: bytes) -> Iterator[Entry]:
    for number, line in enumerate(content.splitlines(), start=1):
        if line.strip():
            yield _entry(line, f"{path}, line {number}")


def _entry(line: bytes, where: str) -> Entry:
    try:
        record = orjson.loads(line)
        if record["format"] > FORMAT:
            raise StoreTooNewError(where, record["format"], FORMAT)
        return Entry(
            use=Use(
                corpora=tuple(record["corpora"]),
                run_ids=tuple(record["run_ids"]),
                policy_digest=record["policy_digest"],
            ),
            number=record["number"],
            alpha=record["alpha"],
            config_digest=record["config_digest"],
            decision=record["decision"],
            at=datetime.fromisoformat(record["at"]),
        )
    except (KeyError, TypeError, ValueError) as exc:
        raise StoreError(
            f"{where}: is no entry of a ledger ({type(exc).__name__}: {exc}). "
            f"Correct the line: without it the gate runs against this log cannot be counted"
        ) from exc


def _record(entry: Entry) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "number": entry.number,
        "at": entry.at.astimezone(UTC).isoformat(),
        "corpora": entry.use.corpora,
        "run_ids": entry.use.run_ids,
        "config_digest": entry.config_digest,
        "policy_digest": entry.use.policy_digest,
        "alpha": entry.alpha,
        "decision": entry.decision,
    }


def _write_all(fd: int, content: bytes) -> None:
    while content:
        content = content[os.write(fd, content) :]


def _read_all(fd: int) -> bytes:
    with open(fd, "rb", closefd=False) as file:
        return file.read()

"""One writer for a run. The operating system lets go of the lock when its holder dies."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from harness.errors import StoreError
from harness.store import disk
from harness.store.layout import LOCK

_ATTEMPTS = 5
_BETWEEN_ATTEMPTS_S = 0.005


class Lock:
    """The right to write to a run.

    Raises:
        StoreError: When another process, or another writer in this one, has it.
    """

    def __init__(self, run: Path) -> None:
        path = run / LOCK
        with disk.translated(path, "lock"):
            self._fd = disk.open_private(path, os.O_RDWR | os.O_CREAT)
        if not self._is_got():
            os.close(self._fd)
            raise StoreError(
                f"{run}: another process is writing to this run. Wait for it, or name another run"
            )

    def release(self) -> None:
        """Let others write. Doing it twice is fine."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _is_got(self) -> bool:
        # Who only looks (`is_locked`) has the lock for some microseconds: that is no writer.
        for _ in range(_ATTEMPTS):
            try:
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(_BETWEEN_ATTEMPTS_S)
            else:
                return True
        return False


def is_locked(run: Path) -> bool:
    """Whether somebody is writing to a run now."""
    path = run / LOCK
    if not path.is_file():
        return False
    with disk.translated(path, "look at the lock"):
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False

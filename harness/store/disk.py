"""The few ways in which the store touches a local disk.

A file that is to appear appears whole: it is written beside its place, synced, renamed, and its
folder is synced. Foreign exceptions become ours here and nowhere else.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from harness.errors import StoreError, StoreFullError

BESIDE = ".writing-"
"""Prefix of a file that is not finished. A crash can leave one; nothing ever reads it."""

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FOLDER_MODE = 0o700
_FILE_MODE = 0o600


@contextmanager
def translated(path: Path, act: str) -> Iterator[None]:
    """Turn an `OSError` into a `StoreError` that says what was being done to which file.

    Raises:
        StoreFullError: When there is no room: disk, quota or file size limit.
        StoreError: For every other refusal of the operating system.
    """
    try:
        yield
    except OSError as exc:
        why = os.strerror(exc.errno) if exc.errno else str(exc)
        if exc.errno in _FULL:
            raise StoreFullError(
                f"{path}: cannot {act}: {why}. What was acknowledged is kept; make room and resume"
            ) from exc
        raise StoreError(
            f"{path}: cannot {act}: {why}. The harness needs a folder that it may read and write"
        ) from exc


def is_taken(folder: Path, *, but: str = "") -> bool:
    """Whether something is there that a new run would have to be written over or into.

    Args:
        but: Name of a file that may be there.

    Raises:
        StoreError: When we may not look.
    """
    with translated(folder, "look at the folder"):
        if not folder.exists():
            return False
        return not folder.is_dir() or any(path.name != but for path in folder.iterdir())


def make_folder(path: Path) -> None:
    """Make a folder that only its owner can enter, and those above it; one that is there stays."""
    with translated(path, "make the folder"):
        missing = [folder for folder in (path, *path.parents) if not folder.exists()]
        for folder in reversed(missing):
            folder.mkdir(mode=_FOLDER_MODE, exist_ok=True)
            sync_folder(folder.parent)
        if not path.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "", str(path))


def open_private(path: Path, flags: int) -> int:
    """Open a file that only its owner can read, whatever the umask says."""
    return os.open(path, flags | os.O_CLOEXEC, _FILE_MODE)


def write_whole(
    path: Path,
    write: Callable[[BinaryIO], None],
    *,
    checkpoint: Callable[[str], None] = lambda step: None,
) -> None:
    """Let `path` appear, or be replaced, in one step and for good.

    Args:
        write: Given the file beside, open for writing.
        checkpoint: Told each step that is done: `written`, `synced`, `renamed`, `folder synced`.

    Raises:
        StoreFullError: When there is no room; `path` is then as it was.
        StoreError: When it may not be written.
    """
    beside = path.with_name(f"{BESIDE}{os.getpid()}-{path.name}")
    with translated(path, "write"):
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            with open(open_private(beside, flags), "wb", buffering=1 << 20) as file:
                write(file)
                file.flush()
                checkpoint("written")
                sync(file.fileno())
            checkpoint("synced")
            os.replace(beside, path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
        checkpoint("renamed")
        sync_folder(path.parent)
        checkpoint("folder synced")


def sync(fd: int) -> None:
    """Bring a file's content to the disk. Linux can leave out the time stamps, macOS cannot."""
    getattr(os, "fdatasync", os.fsync)(fd)


def sync_folder(path: Path) -> None:
    """Bring names that came or went in a folder to the disk."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def remove(path: Path) -> None:
    """Remove a file; one that is gone already is fine."""
    with translated(path, "remove"):
        path.unlink(missing_ok=True)


def files_in(folder: Path, suffix: str) -> list[Path]:
    """Finished files of a folder that end in `suffix`, by name; none when there is no folder."""
    with translated(folder, "read"):
        if not folder.is_dir():
            return []
        return sorted(
            path
            for path in folder.iterdir()
            if path.name.endswith(suffix) and not path.name.startswith(".")
        )

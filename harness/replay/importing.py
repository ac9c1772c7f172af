"""Write entries as a harness log: plain, `.gz` or `.zst`, as the file's name says.

The log is written beside its place, synced, and moved there: at any moment there is the whole log,
or what was there before. A process that dies leaves at most a file whose name ends in `.partial`.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Protocol

import zstandard

from harness.errors import LogError, StoreFullError
from harness.exchange import Recorded
from harness.readers.harness_log import encode

SUFFIXES = (".jsonl", ".jsonl.gz", ".jsonl.zst")


def write_log(entries: Iterable[Recorded], path: Path) -> int:
    """Write all entries, in the order they come.

    Returns:
        How many were written.

    Raises:
        LogError: The name has none of the suffixes, or its folder cannot be written to.
        StoreFullError: There is no room for it.
    """
    if not path.name.endswith(SUFFIXES):
        raise LogError(f"{path}: a harness log is named {', '.join(SUFFIXES)}. Name it so")
    beside = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        file = beside.open("wb")
    except OSError as exc:
        raise LogError(
            f"{path}: cannot be written: {exc.strerror}. Name a folder that can"
        ) from exc
    try:
        with file:
            n_written = _write(entries, file, path.suffix)
        beside.replace(path)
        _sync_folder(path.parent)
    except OSError as exc:
        raise StoreFullError(f"{path}: cannot be written: {exc.strerror}") from exc
    finally:
        beside.unlink(missing_ok=True)
    return n_written


def _write(entries: Iterable[Recorded], file: IO[bytes], suffix: str) -> int:
    n_written = 0
    with _compressed(file, suffix) as out:
        for entry in entries:
            out.write(encode(entry))
            n_written += 1
    file.flush()
    os.fsync(file.fileno())
    return n_written


class _Writable(Protocol):
    def write(self, data: bytes, /) -> int: ...


@contextmanager
def _compressed(file: IO[bytes], suffix: str) -> Iterator[_Writable]:
    match suffix:
        case ".gz":
            # No name and no time in it: the same log gives the same file.
            with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as out:
                yield out
        case ".zst":
            with zstandard.ZstdCompressor(level=3).stream_writer(file, closefd=False) as out:
                yield out
        case _:
            yield file


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

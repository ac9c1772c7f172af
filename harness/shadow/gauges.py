"""Counters in shared memory: one process writes a page of them, anybody on the machine reads it.

A page is a file that is mapped into memory. Writing to it costs no system call, nothing that reads
it can hold the writer up, and it stays when the writer is killed: what it had counted still counts.

Cells are unsigned, 64 bits, and each is written whole. What one event changes together stands
between `begin` and `end`: the sequence number is odd in between, so that a reader notices that it
looked in the middle and looks again. A writer that was stopped or killed in the middle leaves it
odd for good; a reader then takes what stands there, in which the one event may be half told.
"""

from __future__ import annotations

import mmap
import os
import struct
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from harness.errors import HarnessError

_MAGIC = b"harness1"
_HEADER = struct.Struct("<8sQQQQ")  # magic, sequence, cells in use, cells in all, bytes of names
_SEQUENCE, _IN_USE, _CAPACITY, _NAMES = 1, 2, 3, 4
_SPARE_NAME_BYTES = 96
_TRIES_AT_ONCE = 20
_TRIES = 120
_BETWEEN_TRIES_S = 0.0005


class PageError(HarnessError):
    """A page of counters cannot be read or has no room."""


class Page:
    """A page of named counters.

    Attributes:
        names: What the cells are called, in their order.
        cells: The counters; the writer does `page.cells[i] += 1`.
        n_half_told: Snapshots of this reader that may show an event by halves.
    """

    __slots__ = ("_capacity", "_header", "_index", "_map", "cells", "n_half_told", "names", "path")

    def __init__(self, path: Path, mapped: mmap.mmap) -> None:
        whole = memoryview(mapped)
        self.path = path
        self.n_half_told = 0
        self._map = mapped
        self._header = whole[: _HEADER.size].cast("Q")
        self._capacity = self._header[_CAPACITY]
        self.cells = whole[_HEADER.size : _HEADER.size + 8 * self._capacity].cast("Q")
        self.names: tuple[str, ...] = ()
        self._index: dict[str, int] = {}
        self._learn_names()

    @classmethod
    def create(cls, path: Path, names: Sequence[str], *, spare: int = 0) -> Self:
        """A new page, all zero, in the place of one that may have been there.

        Args:
            spare: How many more cells `add` may name later.

        Raises:
            PageError: When two names are the same or the file cannot be made.
        """
        if len(set(names)) != len(names):
            raise PageError(f"{path}: a page cannot have two counters of one name")
        text = "".join(f"{name}\n" for name in names).encode()
        room = bytes(8 * (len(names) + spare)) + text + bytes(_SPARE_NAME_BYTES * spare)
        header = _HEADER.pack(_MAGIC, 0, len(names), len(names) + spare, len(text))
        beside = path.with_name(f"{path.name}.{os.getpid()}.new")
        try:
            beside.write_bytes(header + room)
            beside.chmod(0o600)
            page = cls(path, _mapped(beside, mmap.ACCESS_WRITE))
            beside.replace(path)
        except OSError as error:
            raise PageError(f"{path}: cannot be made: {error.strerror}") from error
        return page

    @classmethod
    def open(cls, path: Path) -> Self:
        """A page that somebody else writes, to be read.

        Raises:
            PageError: When there is none, or the file is something else.
        """
        try:
            mapped = _mapped(path, mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise PageError(f"{path}: cannot be read: {error}") from error
        if len(mapped) < _HEADER.size or mapped[: len(_MAGIC)] != _MAGIC:
            raise PageError(f"{path}: is no page of counters of this version")
        return cls(path, mapped)

    @classmethod
    def adopt(cls, path: Path) -> Self:
        """A page whose writer is gone for good, to write down what became of what it counted.

        Raises:
            PageError: There is none.
        """
        cls.open(path).close()
        return cls(path, _mapped(path, mmap.ACCESS_WRITE))

    def index(self, name: str) -> int:
        """Which cell has this name.

        Raises:
            KeyError: When none has.
        """
        return self._index[name]

    def add(self, name: str) -> int:
        """Name one more cell, out of the spare ones; the cell of that name if there is one.

        Raises:
            PageError: When no cell or no room for a name is left.
        """
        if name in self._index:
            return self._index[name]
        text = f"{name}\n".encode()
        at = len(self.names)
        start = _HEADER.size + 8 * self._capacity + self._header[_NAMES]
        if at >= self._capacity or start + len(text) > len(self._map):
            raise PageError(f"{self.path}: has no room for a counter {name!r}")
        self.begin()
        self._map[start : start + len(text)] = text
        self._header[_NAMES] += len(text)
        self._header[_IN_USE] += 1
        self.end()
        self.names = (*self.names, name)
        self._index[name] = at
        return at

    def begin(self) -> None:
        """What follows belongs together, until `end`."""
        self._header[_SEQUENCE] += 1

    def end(self) -> None:
        self._header[_SEQUENCE] += 1

    def snapshot(self) -> dict[str, int]:
        """All counters at one moment.

        Takes a few hundredths of a second at most: see the module docstring for a writer that
        stands still in the middle.
        """
        for attempt in range(_TRIES):
            before = self._header[_SEQUENCE]
            copied = self.cells[: self._header[_IN_USE]].tobytes()
            if before % 2 == 0 and before == self._header[_SEQUENCE]:
                break
            if attempt >= _TRIES_AT_ONCE:
                time.sleep(_BETWEEN_TRIES_S)  # the writer lost its core in the middle
        else:
            self.n_half_told += 1
        values = memoryview(copied).cast("Q").tolist()
        if len(values) > len(self.names):
            self._learn_names()
        return dict(zip(self.names, values, strict=False))

    def close(self) -> None:
        """Give the memory back; the file stays."""
        self.cells.release()
        self._header.release()
        self._map.close()

    def _learn_names(self) -> None:
        start = _HEADER.size + 8 * self._capacity
        text = bytes(self._map[start : start + self._header[_NAMES]]).decode()
        self.names = tuple(text.splitlines())[: self._header[_IN_USE]]
        self._index = {name: at for at, name in enumerate(self.names)}


def _mapped(path: Path, access: int) -> mmap.mmap:
    flags = os.O_RDWR if access == mmap.ACCESS_WRITE else os.O_RDONLY
    fd = os.open(path, flags | os.O_CLOEXEC)
    try:
        return mmap.mmap(fd, 0, access=access)
    finally:
        os.close(fd)

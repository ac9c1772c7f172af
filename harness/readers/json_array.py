"""The objects of one array inside a JSON document, one at a time, from a stream.

Theory of operation
===================

A HAR file is one JSON document and may be larger than memory, so it is not decoded: it is scanned
for where the objects in `log.entries` begin and end, and each is decoded alone. Scanning knows only
strings, braces and brackets; whether an element is JSON is seen when it is decoded.

A quote or a brace that is missing turns everything after it inside out. So the scanner learns with
which keys the elements of this file begin. When one turns out to be unreadable (`damaged`), too
long or never ending, scanning goes on at the next such beginning after the unreadable one's own.
Inside a string the quotes of embedded JSON are escaped, so a log within a log is not mistaken for
one. Each new beginning may be followed to the end of the stream for nothing, so after a few of them
an element ends where the next one seems to begin, which takes one pass however much is damaged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from harness.readers.pieces import MAX_ENTRY_BYTES

_QUOTE, _OPEN, _CLOSE, _END = b'"{}]'

# Possessive (`*+`), so that a string of megabytes is one step and takes no memory.
_TO_BRACE = re.compile(rb'(?:[^"{}]++|"(?:[^"\\]++|\\.)*+")*+', re.DOTALL)
_TO_MARK = re.compile(rb'[^"{}\[\]:]*+')
_REST_OF_STRING = re.compile(rb"(?:[^\"\\]++|\\.)*+", re.DOTALL)
_TO_ELEMENT = re.compile(rb"[\s,]*+")
_BEGINNING = re.compile(rb'\{\s{0,100}"([^"\\]{1,100})"\s{0,100}:')
_MAX_BEGINNING_BYTES = 320

_MAX_FIRST_KEYS = 16

_MAX_NEW_BEGINNINGS = 4


class Damage(Enum):
    """What stands where an element should."""

    NO_ARRAY = "no such array"
    NO_ELEMENT = "something else than an object"
    TOO_LONG = "an object beyond the limit"
    CUT_OFF = "an object that does not end"


@dataclass(slots=True)
class JsonArray:
    """Iterate to get the elements: their bytes, or what is wrong in their place.

    Args:
        chunks: The document, in pieces of any size.
        path: The outer object's key, and the array's key in the object under it.
        first_keys: Keys with which elements are known to begin.
    """

    chunks: Iterator[bytes]
    path: tuple[bytes, bytes]
    first_keys: set[bytes] = field(default_factory=set)
    max_bytes: int = MAX_ENTRY_BYTES
    _held: bytearray = field(default_factory=bytearray, init=False)
    _start: int = field(default=0, init=False)
    _at: int = field(default=0, init=False)
    _n_new_beginnings: int = field(default=0, init=False)

    def __iter__(self) -> Iterator[bytes | Damage]:
        if self._seek():
            yield from self._elements()
        else:
            yield Damage.NO_ARRAY
        for _ in self.chunks:
            pass  # whoever counts or digests the stream gets all of it

    def good(self) -> None:
        """Say that the last element is a good one: others begin like it."""
        match = _BEGINNING.match(self._held, self._start)
        if match is not None and len(self.first_keys) < _MAX_FIRST_KEYS:
            self.first_keys.add(match[1])

    def damaged(self) -> bool:
        """Say that the last element is unreadable; whether there is a beginning inside it."""
        begin = self._beginning(self._start + 1, self._at)
        if begin is None:
            return False
        self._n_new_beginnings += 1
        self._at = begin
        return True

    def _elements(self) -> Iterator[bytes | Damage]:
        while (first := self._first_byte()) is not None and first != _END:
            self._start = self._at
            if first != _OPEN:
                yield Damage.NO_ELEMENT
                found = self._find()
            elif (damage := self._scan_element()) is None:
                yield bytes(self._held[self._start : self._at]).rstrip(b", \t\r\n")
                found = True
            else:
                yield damage
                self._at = len(self._held)
                found = self.damaged() or (damage is Damage.TOO_LONG and self._find())
            if not found:
                return

    def _first_byte(self) -> int | None:
        """The first byte that is no white space and no comma; None at the end of the stream."""
        while True:
            space = _TO_ELEMENT.match(self._held, self._at)
            assert space is not None  # it matches the empty text
            self._at = space.end()
            if self._at < len(self._held):
                self._drop()
                return self._held[0]
            if not self._more():
                return None

    def _scan_element(self) -> Damage | None:
        """Move to the end of the element that begins here."""
        if self._n_new_beginnings < _MAX_NEW_BEGINNINGS:
            return self._scan_object()
        searched = self._start + 1
        while (begin := self._beginning(searched, len(self._held))) is None:
            if len(self._held) - self._start > self.max_bytes:
                return Damage.TOO_LONG
            searched = max(searched, len(self._held) - _MAX_BEGINNING_BYTES)
            if not self._more():
                return self._scan_object()  # the last one
        self._at = begin
        return None

    def _scan_object(self) -> Damage | None:
        """Move to the end of the object that begins here."""
        depth = 0
        while True:
            match = _TO_BRACE.match(self._held, self._at)
            assert match is not None
            self._at = match.end()
            if self._at == len(self._held):
                if len(self._held) - self._start > self.max_bytes:
                    return Damage.TOO_LONG
                if not self._more():
                    return Damage.CUT_OFF
                continue
            mark = self._held[self._at]
            self._at += 1
            if mark == _QUOTE:
                if (damage := self._to_end_of_string()) is not None:
                    return damage
            else:
                depth += 1 if mark == _OPEN else -1
                if depth == 0:
                    too_long = self._at - self._start > self.max_bytes
                    return Damage.TOO_LONG if too_long else None

    def _to_end_of_string(self) -> Damage | None:
        while True:
            match = _REST_OF_STRING.match(self._held, self._at)
            assert match is not None
            self._at = match.end()
            if self._held[self._at : self._at + 1] == b'"':
                self._at += 1
                return None
            if len(self._held) - self._start > self.max_bytes:
                return Damage.TOO_LONG
            if not self._more():
                return Damage.CUT_OFF

    def _beginning(self, start: int, end: int) -> int | None:
        """Where an element seems to begin."""
        for match in _BEGINNING.finditer(self._held, start, end):
            if match[1] in self.first_keys:
                return match.start()
        return None

    def _find(self) -> bool:
        """Move to the next beginning, dropping what is before it; False at the end."""
        while (begin := self._beginning(self._at, len(self._held))) is None:
            self._at = max(self._at, len(self._held) - _MAX_BEGINNING_BYTES)
            self._drop()
            if not self._more():
                return False
        self._at = begin
        return True

    def _seek(self) -> bool:
        """Move behind the bracket that opens the array at `path`; False when there is none."""
        depth = 0
        kinds = [0, 0, 0]
        keys = [b"", b"", b""]
        text = b""
        while True:
            match = _TO_MARK.match(self._held, self._at)
            assert match is not None
            self._at = match.end()
            if self._at == len(self._held):
                self._drop()
                if not self._more():
                    return False
                continue
            mark = self._held[self._at : self._at + 1]
            self._at += 1
            match mark:
                case b'"':
                    text = self._short_string()
                case b":":
                    if depth <= 2:
                        keys[depth] = text
                case b"[" if (
                    depth == 2 and kinds[1:] == [_OPEN, _OPEN] and ((keys[1], keys[2]) == self.path)
                ):
                    return True
                case b"{" | b"[":
                    depth += 1
                    if depth <= 2:
                        kinds[depth], keys[depth] = mark[0], b""
                case _:
                    depth = max(0, depth - 1)

    def _short_string(self) -> bytes:
        """Move behind a string; its text, empty for one that is not all in sight or too long."""
        start = self._at
        while True:
            match = _REST_OF_STRING.match(self._held, self._at)
            assert match is not None
            self._at = match.end()
            if self._held[self._at : self._at + 1] == b'"':
                self._at += 1
                n_bytes = self._at - 1 - start
                return bytes(self._held[start : self._at - 1]) if 0 <= n_bytes <= 100 else b""
            if self._at - start > 100:  # no key of ours: forget it while it goes on
                start -= self._at
                self._drop()
            if not self._more():
                return b""

    def _more(self) -> bool:
        chunk = next(self.chunks, None)
        if chunk is None:
            return False
        self._held += chunk
        return True

    def _drop(self) -> None:
        """Forget what has been passed."""
        del self._held[: self._at]
        self._at = self._start = 0

"""The JSON objects of a file one by one: a line each, spread over lines, or in an array.

An object that is cut off costs itself: the next one begins where a line begins with a brace, which
inside an object happens only where somebody wrote it without indentation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice

import orjson

from harness.readers import json_record
from harness.readers.pieces import BYTE_ORDER_MARK, MAX_ENTRY_BYTES, pieces

_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"')
_KEY = re.compile(rb'"(\w+)"\s*:')
_BETWEEN = b"[], \t\r"  # what stands around the objects of an array, where lines end


def objects(
    chunks: Iterable[bytes], *, max_bytes: int = MAX_ENTRY_BYTES
) -> Iterator[tuple[int, bytes | None]]:
    """Number the objects of a stream, from 1.

    Yields:
        The object's number and its bytes, which need not be JSON; None for one of more than
        `max_bytes`. What is no object is yielded as it is.
    """
    yield from enumerate(_found(chunks, max_bytes), start=1)


def first_keys(head: bytes, *, n_objects: int = 20) -> list[set[str]]:
    """Keys of the objects that a file begins with, to tell whose format it is.

    What cannot be decoded is passed over; of an object too long for the head all keys are taken, at
    whatever depth.
    """
    found = [text for _, text in islice(objects([head]), n_objects) if text is not None]
    decoded = []
    for text in found:
        try:
            decoded.append(set(json_record.decode(text)))
        except ValueError:
            continue
    if not decoded and found:
        decoded.append({key.decode() for key in _KEY.findall(found[-1])})
    return decoded


def _found(chunks: Iterable[bytes], max_bytes: int) -> Iterator[bytes | None]:
    held: list[bytes] = []
    depth = n_bytes = 0
    too_long = False
    for i, line in enumerate(pieces(chunks, b"\n", max_bytes=max_bytes)):
        if held and (line is None or line.startswith(b"{")):
            yield None if too_long else b"\n".join(held)  # it was cut off
            held, depth, n_bytes, too_long = [], 0, 0, False
        if line is None:
            yield None
            continue
        line = line.removeprefix(BYTE_ORDER_MARK) if i == 0 else line
        if not held and not line.strip(_BETWEEN):
            continue
        bare = _STRING.sub(b"", line)
        depth += bare.count(b"{") - bare.count(b"}")
        n_bytes += len(line)
        too_long = too_long or n_bytes > max_bytes
        held = [b""] if too_long else [*held, line] if held else [line]
        if depth <= 0:
            yield from [None] if too_long else _whole(b"\n".join(held))
            held, depth, n_bytes, too_long = [], 0, 0, False
    if held:
        yield None if too_long else b"\n".join(held)


def _whole(text: bytes) -> Iterator[bytes]:
    """One object without what an array has around it; several where a line holds an array."""
    stripped = text.strip()
    if stripped.startswith(b"[{") and stripped.endswith(b"}]"):
        try:
            yield from map(orjson.dumps, orjson.loads(stripped))
        except orjson.JSONDecodeError:
            pass
        else:
            return
    yield stripped.removeprefix(b"[").removesuffix(b"]").strip(b", \t\r\n")

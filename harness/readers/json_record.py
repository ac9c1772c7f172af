"""One JSON object of a log: its members by type, and the exact text of one of them."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import orjson

Record = dict[str, Any]

_NO_NUMBERS = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)
_SPACE = re.compile(r"[ \t\n\r]*")
_KEY = re.compile(rb'"(\w+)"\s*:')


def decode(line: bytes) -> Record:
    """One object.

    Raises:
        ValueError: Not JSON, or not an object. Of a key that stands twice the last counts.
    """
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError as exc:
        raise ValueError(f"not JSON: {exc}") from exc
    if not isinstance(record, dict):
        raise ValueError(f"is {kind(record)}, must be an object")
    return record


def kind(value: object) -> str:
    """What a JSON value is, for a message. A string is not shown: it may be a user's."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return "a string"
        case dict():
            return "an object"
        case list():
            return "an array"
        case _:
            return f"{value!r}"[:40]


def word(value: object) -> str:
    """The same for a value that should be one of few, and of which a string may be shown."""
    return f"{value[:40]!r}" if isinstance(value, str) else kind(value)


def text(record: Record, key: str) -> str:
    """A string that must be there.

    Raises:
        ValueError: It is missing or not a string.
    """
    value = record.get(key)
    if isinstance(value, str):
        return value
    if value is None:
        raise ValueError(f"{key}: is missing")
    raise ValueError(f"{key}: is {kind(value)}, must be a string")


def optional_text(record: Record, key: str) -> str | None:
    """A string; None where it is absent or null."""
    return None if record.get(key) is None else text(record, key)


def name(record: Record, key: str) -> str:
    """An id: a string, or a whole number as its digits; empty where it is absent or null."""
    value = record.get(key)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return optional_text(record, key) or ""


def part(record: Record, key: str) -> Record | None:
    """An object; None where it is absent or null.

    Raises:
        ValueError: It is something else.
    """
    value = record.get(key)
    if value is None or isinstance(value, dict):
        return value
    raise ValueError(f"{key}: is {kind(value)}, must be an object")


def array(record: Record, key: str) -> list[Any]:
    """An array; empty where it is absent or null."""
    value = record.get(key)
    if value is None:
        return []
    if isinstance(value, list):
        return value
    raise ValueError(f"{key}: is {kind(value)}, must be an array")


def number(record: Record, key: str) -> float | None:
    """A number; None where it is absent or null."""
    value = record.get(key)
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise ValueError(f"{key}: is {kind(value)}, must be a number")


def duration_s(record: Record, key: str) -> float | None:
    """Seconds, 0 or more; None where absent or null."""
    value = number(record, key)
    if value is not None and value < 0:
        raise ValueError(f"{key}: is {value}, must be 0 or more")
    return value


def status(record: Record, key: str) -> int:
    """An HTTP status, 100 to 999."""
    value = record.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or not 100 <= value <= 999:
        raise ValueError(f"{key}: is {word(value)}, must be a status such as 200")
    return value


def from_base64(record: Record, key: str) -> bytes:
    """Bytes of a base64 string.

    Raises:
        ValueError: It is not base64.
    """
    try:
        return base64.b64decode(text(record, key), validate=True)
    except ValueError as exc:
        raise ValueError(f"{key}: not base64: {exc}") from exc


def member_text(document: bytes, key: str) -> str | None:
    """The exact JSON text of one member of an object, digits untouched; None where it is absent.

    A decoder turns 18446744073709551616 or 0.10 into the nearest double; a label or a body that is
    sent again must not be turned.

    Args:
        document: An object that `decode` accepted.

    Raises:
        ValueError: Nested too deeply to be taken apart.
    """
    source = document.decode()
    found = None
    at = source.index("{") + 1
    try:
        while True:
            at = _after_space(source, at)
            if source[at] == "}":
                return found
            name, at = _NO_NUMBERS.raw_decode(source, at)
            start = _after_space(source, _after_space(source, at) + 1)
            _, at = _NO_NUMBERS.raw_decode(source, start)
            if name == key:
                found = source[start:at]
            at = _after_space(source, at)
            if source[at] == ",":
                at += 1
    except RecursionError as exc:
        raise ValueError(f"{key}: is nested too deeply") from exc


def _after_space(source: str, at: int) -> int:
    space = _SPACE.match(source, at)
    assert space is not None  # it matches the empty text
    return space.end()


def first_keys(head: bytes, *, n_lines: int = 20) -> list[set[str]]:
    """Keys of the objects that stand first in a file of JSON lines, to tell whose format it is.

    Lines that are no objects are passed over: the first line of a log may well be a damaged one.
    Of a line too long for the head all keys are taken, at whatever depth.
    """
    *complete, last = head.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    found = []
    for line in complete[:n_lines]:
        try:
            found.append(set(decode(line)))
        except ValueError:
            continue
    if not found and last.lstrip().startswith(b"{"):
        found.append({key.decode() for key in _KEY.findall(last)})
    return found

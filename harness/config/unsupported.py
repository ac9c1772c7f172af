"""Keys the format has and this version does not honour.

They are told apart from misspelled ones, and refused: a key that is read and does nothing would let
its author believe in something that is not there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.config.problems import BadValueError, KeyPath

_NOT_YET = "but this version does not do it yet"

_VALUES: tuple[tuple[KeyPath, Any], ...] = ((("cluster",), "client"),)
"""Values of keys we otherwise know."""


def take_out(values: dict[str, Any]) -> Iterator[BadValueError]:
    """Remove what we do not do from the document's values; yield what to say where."""
    for path, value in _VALUES:
        section = _section(values, path)
        if section is not None and section.get(path[-1]) == value:
            del section[path[-1]]
            yield BadValueError(f"{value!r} is known, {_NOT_YET}", "Remove it", key=path)


def _section(values: dict[str, Any], path: KeyPath) -> dict[Any, Any] | None:
    at: Any = values
    for key in path[:-1]:
        at = at.get(key) if isinstance(at, dict) else None
    return at if isinstance(at, dict) else None

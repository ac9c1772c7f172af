"""Members of a JSON value that a config names, whatever they hold."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field

import jsonpath

from harness.dialects.paths import JsonPath
from harness.dialects.redaction.pseudonym import is_pseudonym
from harness.output import MISSING, JsonValue

Replace = Callable[[JsonValue], JsonValue]
"""Gives what stands in the place of one scalar; null stays null."""


@dataclass(frozen=True, slots=True)
class Member:
    """What one JSONPath names; of an object or list every scalar in it.

    Args:
        text: JSONPath of RFC 9535, starting with `$`.

    Raises:
        ValueError: The text is no JSONPath.
    """

    text: str
    _find: JsonPath = field(init=False, repr=False, compare=False)
    _compiled: jsonpath.JSONPath = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_find", JsonPath(self.text))
        compiled = jsonpath.compile(self.text)
        assert isinstance(compiled, jsonpath.JSONPath)  # JsonPath refuses what is several
        object.__setattr__(self, "_compiled", compiled)

    def is_in(self, value: JsonValue) -> bool:
        """Whether it names anything there; cheap for most paths."""
        return self._find(value) is not MISSING

    def replaced(self, value: JsonValue, replace: Replace) -> JsonValue:
        """The value, which is changed in place where it can be."""
        for place in self._places(value):
            if not place:
                value = _leaves_replaced(value, replace)
                continue
            *parents, last = place
            container = value
            for part in parents:
                container = container[part]  # type: ignore[index]  # it was there
            old = container[last]  # type: ignore[index]
            container[last] = _leaves_replaced(old, replace)  # type: ignore[index]
        return value

    def _places(self, value: JsonValue) -> list[tuple[str | int, ...]]:
        if not isinstance(value, dict | list):
            return [()] if self.text == "$" else []
        try:
            return [match.parts for match in self._compiled.finditer(value)]
        except jsonpath.JSONPathError:
            return []  # a filter that does not fit these types, as `JsonPath` has it


def named_by(value: JsonValue) -> str:
    """A scalar as the text that identifies it."""
    return value if isinstance(value, str) else json.dumps(value)


def replacement(value: JsonValue, name: Callable[[str], str]) -> JsonValue:
    """What stands in the place of a scalar; null says that there was nothing, and stays."""
    if value is None or (isinstance(value, str) and is_pseudonym(value)):
        return value
    return name(named_by(value))


def _leaves_replaced(value: JsonValue, replace: Replace) -> JsonValue:
    if isinstance(value, dict):
        return {name: _leaves_replaced(member, replace) for name, member in value.items()}
    if isinstance(value, list):
        return [_leaves_replaced(member, replace) for member in value]
    return replace(value)

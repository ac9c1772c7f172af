"""Whether an answer has the format that was asked for, and whether two answers do alike."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import jsonschema
import orjson
from jsonschema.protocols import Validator
from jsonschema.validators import validator_for
from referencing import Registry

from harness.compare.comparison import SAME, Comparison
from harness.output import JsonValue


@dataclass(frozen=True, slots=True)
class Format:
    """What an answer, or a part of one, has to look like.

    A text has to be JSON where a schema is given, and nothing but JSON: a code fence around it is
    one of the mistakes that this is to find. A part that is JSON already is held against the
    schema as it is.

    Args:
        json_schema: JSON Schema, 2020-12 unless `$schema` says otherwise; `{}` is any JSON.
            References lead to places within it; `format` is not checked.
        pattern: Regular expression that all of a text has to match.

    Raises:
        ValueError: Nothing is demanded, or the schema or the pattern is none.
    """

    json_schema: Mapping[str, Any] | None = None
    pattern: str | None = None
    _validator: Validator | None = field(init=False, repr=False, compare=False)
    _pattern: re.Pattern[str] | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if (self.json_schema is None) is (self.pattern is None):
            raise ValueError("needs one of `json_schema` and `pattern`")
        object.__setattr__(self, "_validator", _validator(self.json_schema))
        object.__setattr__(self, "_pattern", _compiled(self.pattern))

    def problem(self, value: JsonValue) -> str | None:
        """What is wrong with the form of a value, in one line; None when nothing is."""
        if self._pattern is not None:
            if not isinstance(value, str):
                return "is no text"
            if self._pattern.fullmatch(value) is None:
                return "does not match the pattern"
        if self._validator is None:
            return None
        if isinstance(value, str):
            try:
                value = orjson.loads(value)
            except orjson.JSONDecodeError:
                return "is not JSON"
        error = next(iter(self._validator.iter_errors(value)), None)
        return None if error is None else f"{error.json_path}: {_one_line(error.message)}"


@dataclass(frozen=True, slots=True)
class SameFormat:
    """Two answers agree when both have the format that was asked for, or neither has.

    The distance is 0 or 1. What they say is not compared. Arguments are those of `Format`.

    Examples:
        >>> SameFormat(json_schema={})("{}", "Sure! {}").note
        'the challenger is not JSON'
    """

    json_schema: Mapping[str, Any] | None = None
    pattern: str | None = None
    _format: Format = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_format", Format(self.json_schema, self.pattern))

    def __call__(self, champion: JsonValue, challenger: JsonValue) -> Comparison:
        one, other = self._format.problem(champion), self._format.problem(challenger)
        if (one is None) is (other is None):
            return SAME
        note = f"the champion {one}" if other is None else f"the challenger {other}"
        return Comparison(1.0, agree=False, note=note)


def _validator(schema: Mapping[str, Any] | None) -> Validator | None:
    if schema is None:
        return None
    kind = validator_for(dict(schema), default=jsonschema.Draft202012Validator)
    try:
        kind.check_schema(dict(schema))
    except jsonschema.SchemaError as exc:
        raise ValueError(f"is no JSON Schema: {exc.json_path}: {_one_line(exc.message)}") from exc
    for reference in _references(schema):
        if not reference.startswith("#"):
            raise ValueError(f"refers to {reference!r}: only what is within it (`#...`) is read")
    return kind(dict(schema), registry=Registry())


def _references(schema: Any) -> Iterator[str]:
    """What a schema refers to."""
    waiting = [schema]
    for part in waiting:
        if isinstance(part, Mapping):
            if isinstance(reference := part.get("$ref"), str):
                yield reference
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part


def _compiled(pattern: str | None) -> re.Pattern[str] | None:
    if pattern is None:
        return None
    try:
        return re.compile(pattern, re.DOTALL)
    except re.error as exc:
        raise ValueError(f"is no regular expression: {exc}") from exc


def _one_line(text: str) -> str:
    return " ".join(text.split())[:200]

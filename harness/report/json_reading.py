"""A verdict read back from its JSON form.

What was written as null for want of a number (NaN, infinity) stays without one. Fields that a later
harness added are left aside, and those that an earlier one did not know have their defaults.
"""

from __future__ import annotations

import math
import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import StrEnum
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from harness.verdict import Verdict

FORMAT = 1


def verdict_of(record: Mapping[str, Any]) -> Verdict:
    """The verdict that a JSON object says.

    Raises:
        ValueError: It is none, or one of a later form: where, and what is wrong there.
    """
    if record.get("format") != FORMAT:
        raise ValueError(f"$.format: is {record.get('format')!r}, must be {FORMAT}")
    verdict: Verdict = _value(record, Verdict, "$")
    return verdict


def _value(value: Any, hint: Any, at: str) -> Any:
    origin = get_origin(hint)
    if origin in {Union, types.UnionType}:
        return _optional(value, hint, at)
    if origin is tuple:
        _require(value, list, at)
        return tuple(_value(one, get_args(hint)[0], f"{at}[{i}]") for i, one in enumerate(value))
    if origin is Mapping:
        _require(value, dict, at)
        inner = get_args(hint)[1]
        return {key: _value(one, inner, f"{at}.{key}") for key, one in value.items()}
    if is_dataclass(hint):
        _require(value, dict, at)
        return _noun(value, hint, at)
    return _scalar(value, hint, at)


def _optional(value: Any, hint: Any, at: str) -> Any:
    if value is None:
        return None
    (inner,) = (one for one in get_args(hint) if one is not types.NoneType)
    return _value(value, inner, at)


def _noun(value: Mapping[str, Any], noun: Any, at: str) -> Any:
    hints = _hints(noun)
    given = {}
    for field in fields(noun):
        if field.name in value:
            given[field.name] = _value(value[field.name], hints[field.name], f"{at}.{field.name}")
        elif field.default is MISSING and field.default_factory is MISSING:
            raise ValueError(f"{at}.{field.name}: is missing")
    return noun(**given)


@cache
def _hints(noun: Any) -> dict[str, Any]:
    return get_type_hints(noun)


def _scalar(value: Any, hint: Any, at: str) -> Any:
    if hint is float:
        if value is None:
            return math.nan
        _require(value, (int, float), at)
        return float(value)
    if issubclass(hint, StrEnum):
        if value not in set(hint):
            raise ValueError(f"{at}: is {value!r}, must be one of {', '.join(hint)}")
        return hint(value)
    _require(value, hint, at)
    return value


def _require(value: Any, kinds: Any, at: str) -> None:
    names = {dict: "an object", list: "a list", str: "text", int: "a number", bool: "true or false"}
    # True is an int to Python and to nobody else.
    if not isinstance(value, kinds) or (isinstance(value, bool) and kinds is not bool):
        raise ValueError(f"{at}: is {value!r:.60}, must be {names.get(kinds, 'a number')}")

"""The verdict as JSON, the form that scripts and dashboards read.

`docs/verdict.schema.json` describes it. The same verdict always gives the same bytes. JSON has no
infinity and no NaN: both become null. Text is the verdict's own, with control, format and bidi
characters as `\\u` escapes: printing the file is harmless, and parsing it gives the text back.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass

from harness.verdict import Verdict

# Inside a JSON string an escape is the same text, and outside of strings none of these occurs.
_UNPRINTABLE = re.compile(
    "[\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]"
)
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def render(verdict: Verdict) -> str:
    """The whole verdict, indented, with a line end."""
    names = [field.name for field in fields(verdict)]
    return as_json({"format": verdict.format} | {name: getattr(verdict, name) for name in names})


def as_json(record: Mapping[str, object]) -> str:
    """An object of nouns as JSON, its own keys in the order given, with a line end."""
    whole = {key: _plain(value) for key, value in record.items()}
    text = json.dumps(whole, ensure_ascii=False, allow_nan=False, indent=2)
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match.group()):04x}", text) + "\n"


def _plain(value: object) -> object:
    """Dataclasses and tuples as JSON knows them, fields in the order of the noun."""
    match value:
        case bool() | int() | None:
            return value
        case float():
            return value if math.isfinite(value) else None
        case str():
            return _LONE_SURROGATE.sub("\N{REPLACEMENT CHARACTER}", value)
        case Mapping():
            return {str(key): _plain(value[key]) for key in sorted(value)}
        case tuple() | list():
            return [_plain(item) for item in value]
        case _ if is_dataclass(value):
            return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
        case _:
            raise TypeError(f"{type(value).__name__} has no JSON form")

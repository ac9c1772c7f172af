"""How a JSON value and a JSON path are written for a person."""

from __future__ import annotations

import json
import re
from json.encoder import encode_basestring

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MOST_CHARACTERS = 60


def shown(value: object) -> str:
    """A value as JSON on one line, shortened in the middle of nowhere but never long.

    Examples:
        >>> shown({"a": "b"})
        '{"a": "b"}'
    """
    if isinstance(value, str) and len(value) > _MOST_CHARACTERS:
        value = value[:_MOST_CHARACTERS] + "…"
    elif isinstance(value, dict):
        return f"an object of {len(value)}" if len(value) > 3 else _cut(_json(value))
    elif isinstance(value, list):
        return f"a list of {len(value)}" if len(value) > 3 else _cut(_json(value))
    return _json(value)


def _json(value: object) -> str:
    if isinstance(value, str):
        text = encode_basestring(value)
    else:
        text = json.dumps(value, ensure_ascii=False)
    if text.isprintable():
        return text
    # JSON escapes what is below a space; a terminal also obeys C1 codes and changes of direction.
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_CHARACTERS else text[:_MOST_CHARACTERS] + "…"


def step_text(key: str | int) -> str:
    """One step of a JSON path: `.name`, `['odd name']` or `[0]`."""
    if isinstance(key, int):
        return f"[{key}]"
    if _PLAIN_NAME.fullmatch(key):
        return f".{key}"
    escaped = key.replace("\\", "\\\\").replace("'", "\\'")
    return f"['{escaped}']"

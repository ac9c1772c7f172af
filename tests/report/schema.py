"""As much of JSON Schema as docs/verdict.schema.json uses; an unknown keyword is an error."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

KNOWN = {
    "$schema", "$id", "$defs", "$ref", "title", "description", "type", "enum", "const", "required",
    "properties", "additionalProperties", "items", "minimum", "maximum",
}  # fmt: skip

TYPES = {
    "object": dict, "array": list, "string": str, "boolean": bool, "null": type(None),
}  # fmt: skip


def violations(value: Any, schema: dict[str, Any]) -> list[str]:
    """Where `value` departs from `schema`, one line each."""
    return list(_violations(value, schema, schema, "$"))


def _violations(value: Any, part: dict[str, Any], root: dict[str, Any], at: str) -> Iterator[str]:
    assert set(part) <= KNOWN, f"{at}: this checker does not know {set(part) - KNOWN}"
    if "$ref" in part:
        yield from _violations(value, root["$defs"][part["$ref"].rpartition("/")[2]], root, at)
        return
    if "type" in part:
        allowed = part["type"] if isinstance(part["type"], list) else [part["type"]]
        if not any(_is(value, name) for name in allowed):
            yield f"{at}: {value!r} is not {allowed}"
            return
    if value not in part.get("enum", [value]) or value != part.get("const", value):
        yield f"{at}: {value!r} is not allowed"
    if isinstance(value, int | float) and not (
        part.get("minimum", value) <= value <= part.get("maximum", value)
    ):
        yield f"{at}: {value!r} is out of range"
    match value:
        case dict():
            yield from _object(value, part, root, at)
        case list():
            for i, item in enumerate(value):
                yield from _violations(item, part.get("items", {}), root, f"{at}[{i}]")


def _object(value: Any, part: dict[str, Any], root: dict[str, Any], at: str) -> Iterator[str]:
    yield from (f"{at}: {key} is missing" for key in part.get("required", []) if key not in value)
    for key, item in value.items():
        inner = part.get("properties", {}).get(key, part.get("additionalProperties", {}))
        if inner is False:
            yield f"{at}: {key} is unknown"
        else:
            yield from _violations(item, inner, root, f"{at}.{key}")


def _is(value: Any, name: str) -> bool:
    if name == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    if name == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, TYPES[name])

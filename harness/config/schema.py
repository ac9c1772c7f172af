"""Writes what is generated from the models: the JSON Schema and the table of keys.

`python -m harness.config.schema [DIRECTORY]` writes both, into `docs/` unless told otherwise; a
test keeps them in step with the models.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from pydantic_core import PydanticUndefined

from harness.config.amounts import Amount
from harness.config.fields import Key, keys
from harness.config.model import Config
from harness.config.rules import VERBS

SCHEMA = "harness.schema.json"
PAGE = "config.md"

_DURATIONS = (
    "timeout", "ready_timeout", "max_lag", "drain", "head_time", "body_time", "idle",
    "upstream_idle", "window", "rest", "min_duration",
)  # fmt: skip
_SIZES = ("max_body", "link_buffer", "capture_memory", "head", "target")

_TABLE = re.compile(r"(<!-- keys: generated[^\n]*-->\n).*?(<!-- end of keys -->)", re.DOTALL)


def schema() -> str:
    """The JSON Schema of a config, for editors."""
    told = Config.model_json_schema(by_alias=True)
    told = {"$schema": "https://json-schema.org/draft/2020-12/schema", **told}
    told["title"] = "harness.yaml"
    return json.dumps(_without_noise(told), indent=2, ensure_ascii=False) + "\n"


def table() -> str:
    """All keys with default and meaning, as Markdown."""
    rows = [f"| `{key.path}` | {_default(key)} | {_meaning(key)} |" for key in _shown()]
    return "\n".join(["| key | default | meaning |", "|---|---|---|", *rows]) + "\n"


def with_table(page: str) -> str:
    """The reference page with the table as it is now."""
    return _TABLE.sub(lambda match: match[1] + table() + match[2], page)


def _shown() -> list[Key]:
    """Each section once: challengers have the champion's keys, an override the policy's."""
    return [
        key
        for key in keys()
        if not key.path.startswith("challengers[].policy.") and not _is_as_champion(key)
    ]


def _is_as_champion(key: Key) -> bool:
    own = tuple(
        f"challengers[].{name}" for name in ("budget", "sample", "breaker", "rewrite", "policy")
    )
    return key.path.startswith("challengers[].") and not key.path.startswith(own)


def _default(key: Key) -> str:
    field = key.field
    if key.path.rpartition(".")[2] in VERBS:
        return "one of four"
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True, validated_data={})
    if isinstance(value, Amount):
        return f"`{value.value:g}`"
    if value is None or value is PydanticUndefined or value == {} or value == ():
        return "–"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return f"`[{', '.join(str(item) for item in value)}]`"
    if isinstance(value, str | int | float):
        return f"`{_with_unit(field.alias or '', value)}`"
    return "–"


def _with_unit(key: str, value: str | int | float) -> str:
    """A default as the YAML would say it: aliases are the keys whose attribute has a unit."""
    match key:
        case _ if key in _DURATIONS:
            assert isinstance(value, float)
            if value >= 1:
                return f"{value / 3600:g}h" if value % 3600 == 0 else f"{value:g}s"
            return f"{value * 1000:g}ms"
        case _ if key in _SIZES:
            assert isinstance(value, int)
            return f"{value // 1024**2}MiB" if value >= 1024**2 else f"{value // 1024}KiB"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _meaning(key: Key) -> str:
    return (key.field.description or "").replace("|", "\\|")


def _without_noise(value: Any) -> Any:
    """Without what is true of our models and not of the YAML.

    Titles repeat the keys, and an editor shows them instead of the description. A default in the
    attribute's unit is none that could be written in the file.
    """
    if isinstance(value, list):
        return [_without_noise(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {key: _without_noise(item) for key, item in value.items()}
    if kept.get("title") != "harness.yaml" and isinstance(kept.get("title"), str):
        del kept["title"]
    if kept.get("type") == "string" and not isinstance(kept.get("default", ""), str):
        del kept["default"]
    if isinstance(kept.get("default"), dict):
        del kept["default"]
    return kept


def main(directory: Path) -> None:
    """Write schema and table."""
    (directory / SCHEMA).write_text(schema())
    page = directory / PAGE
    page.write_text(with_table(page.read_text()))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs"))

"""`losses.json`: for each challenger, where its requests went."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from harness.errors import StoreError
from harness.pair import Conservation, LossReason
from harness.store import disk
from harness.store.layout import LOSSES


def write_losses(run: Path, conservation: Mapping[str, Conservation]) -> None:
    """Write the counts of every challenger, or replace them, in one step."""
    record = {name: _record(counts) for name, counts in conservation.items()}
    content = orjson.dumps(record, option=orjson.OPT_INDENT_2)
    disk.write_whole(run / LOSSES, lambda file: _write(file, content))


def read_losses(run: Path) -> dict[str, Conservation]:
    """The counts of every challenger; none when nobody counted, as in a run that crashed.

    Raises:
        StoreError: When the file is damaged.
    """
    path = run / LOSSES
    if not path.is_file():
        return {}
    with disk.translated(path, "read"):
        content = path.read_bytes()
    try:
        return {name: _conservation(one) for name, one in orjson.loads(content).items()}
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError) as exc:
        raise StoreError(
            f"{path}: is damaged ({type(exc).__name__}: {exc}). "
            f"Remove it to go on without the counts"
        ) from exc


def _record(counts: Conservation) -> dict[str, Any]:
    return {
        "received": counts.received,
        "paired": counts.paired,
        "losses": {reason.value: n for reason, n in counts.losses.items()},
        "pending": counts.pending,
        "holds": counts.holds,
    }


def _conservation(record: Mapping[str, Any]) -> Conservation:
    losses = {LossReason(reason): int(n) for reason, n in record["losses"].items()}
    return Conservation(
        int(record["received"]), int(record["paired"]), losses, int(record["pending"])
    )


def _write(file: Any, content: bytes) -> None:
    file.write(content)
    file.write(b"\n")

"""What the looks at a run have left behind for the next one, kept with the run.

A rule that may be judged at any time freezes its tuning at its burn-in, and an alarm once raised
stays raised. The tuning follows from the pairs in the order they came; it is kept all the same, so
that pairs that come late change nothing. What an earlier look saw cannot be found out again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from harness.errors import StoreError
from harness.store import disk
from harness.store.layout import LOOKS


def looks_name(policy_digest: str, run_ids: Sequence[str]) -> str:
    """The name looks at these runs, by this policy, are kept under; the runs in any order."""
    if len(run_ids) == 1:
        return policy_digest
    pooled = "\n".join([policy_digest, *sorted(run_ids)])
    return hashlib.sha256(pooled.encode()).hexdigest()[:16]


def write_looks(run: Path, name: str, challengers: dict[str, list[dict[str, Any]]]) -> None:
    """Keep what the looks have left, per challenger and rule; what there was is replaced.

    Raises:
        StoreError: It may not be written.
    """
    path = _path(run, name)
    disk.make_folder(path.parent)
    content = orjson.dumps(
        {"format": 1, "challengers": challengers}, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS
    )
    disk.write_whole(path, lambda file: _write(file, content))


def read_looks(run: Path, name: str) -> dict[str, list[dict[str, Any]]]:
    """What was kept; empty at the first look.

    Raises:
        StoreError: The file is damaged.
    """
    path = _path(run, name)
    if not path.is_file():
        return {}
    with disk.translated(path, "read"):
        content = path.read_bytes()
    try:
        challengers: dict[str, list[dict[str, Any]]] = orjson.loads(content)["challengers"]
    except (orjson.JSONDecodeError, KeyError, TypeError) as exc:
        raise StoreError(
            f"{path}: is damaged ({exc}). Remove it: alarms of earlier looks are then forgotten"
        ) from exc
    return challengers


def _path(run: Path, name: str) -> Path:
    return run / LOOKS / f"{name}.json"


def _write(file: Any, content: bytes) -> None:
    file.write(content)

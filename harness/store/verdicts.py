"""Verdicts kept with the run they are about, one for each policy."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson

from harness.errors import StoreError
from harness.store import disk
from harness.store.layout import JOURNAL, LOSSES, MANIFEST, VERDICTS, Kind

_DIGEST = re.compile(r"[A-Za-z0-9_-]{1,64}")


def write_verdict(run: Path, policy_digest: str, content: bytes) -> Path:
    """Keep a verdict; an earlier one by the same policy is replaced.

    Args:
        content: The verdict's JSON form.
    """
    path = _path(run, policy_digest)
    disk.make_folder(path.parent)
    disk.write_whole(path, lambda file: _write(file, content))
    return path


def read_verdict(run: Path, policy_digest: str) -> dict[str, Any] | None:
    """The verdict by this policy as its JSON form says it; None when there is none.

    Raises:
        StoreError: When the file is damaged.
    """
    path = _path(run, policy_digest)
    return _read(path) if path.is_file() else None


def current_verdict(run: Path, policy_digest: str) -> dict[str, Any] | None:
    """The verdict by this policy where it is younger than everything it could be about.

    Raises:
        StoreError: When the file is damaged.
    """
    path = _path(run, policy_digest)
    if not path.is_file():
        return None
    about = [run / MANIFEST, run / LOSSES, *(run / JOURNAL).glob("*")]
    about += (path for kind in Kind for path in (run / kind.folder).glob("*/*.parquet"))
    written_ns = path.stat().st_mtime_ns
    is_old = any(one.exists() and one.stat().st_mtime_ns > written_ns for one in about)
    return None if is_old else _read(path)


def latest_verdict(run: Path) -> dict[str, Any] | None:
    """The verdict that was written last; None when there is none."""
    paths = verdict_paths(run)
    return _read(max(paths, key=lambda path: path.stat().st_mtime_ns)) if paths else None


def verdict_paths(run: Path) -> list[Path]:
    return disk.files_in(run / VERDICTS, ".json")


def without_examples(run: Path, request_ids: set[str]) -> int:
    """Take the examples of some requests out of every verdict; the numbers stay.

    Returns:
        How many examples were taken out.
    """
    n_removed = 0
    for path in verdict_paths(run):
        verdict = _read(path)
        n_here = 0
        for one in verdict.get("challengers", ()):
            examples = one.get("disagreements", [])
            kept = [example for example in examples if example["request_id"] not in request_ids]
            n_here += len(examples) - len(kept)
            one["disagreements"] = kept
        if n_here:
            content = orjson.dumps(verdict, option=orjson.OPT_INDENT_2)
            write_verdict(run, path.stem, content)
            n_removed += n_here
    return n_removed


def _path(run: Path, policy_digest: str) -> Path:
    if not _DIGEST.fullmatch(policy_digest):
        raise ValueError(f"policy digest is {policy_digest!r}, must be 1 to 64 letters and digits")
    return run / VERDICTS / f"{policy_digest}.json"


def _read(path: Path) -> dict[str, Any]:
    with disk.translated(path, "read"):
        content = path.read_bytes()
    try:
        verdict = orjson.loads(content)
    except orjson.JSONDecodeError as exc:
        raise StoreError(f"{path}: is damaged ({exc}). Remove it and judge the run again") from exc
    if not isinstance(verdict, dict):
        raise StoreError(f"{path}: is not a verdict. Remove it and judge the run again")
    return verdict


def _write(file: Any, content: bytes) -> None:
    file.write(content)

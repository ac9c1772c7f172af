"""How long runs are kept. Whole runs go, oldest first; nothing else in the folder is touched."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from harness.store import disk
from harness.store.catalogue import RunSummary, runs_in
from harness.store.layout import MANIFEST

_DOOMED = ".pruning-"
"""Prefix of a run that is being deleted: from the first moment it is no run any more."""


def overdue(
    runs: Sequence[RunSummary],
    *,
    max_bytes: int | None = None,
    max_age_s: float | None = None,
    now: datetime,
    keep: Path | None = None,
) -> tuple[RunSummary, ...]:
    """The runs that have to go, oldest first.

    A run that somebody is writing to stays, and so does one whose `run.json` cannot be read: we do
    not know what it is. Both count towards the size.

    Args:
        max_bytes: What all runs may take together; None for no limit.
        max_age_s: Since a run was started; None for no limit.
        keep: A run that stays in any case: the one just made.
    """
    left = sum(run.n_bytes for run in runs)
    going = []
    for run in sorted(_deletable(runs), key=lambda run: (run.started_at, run.path.name)):
        assert run.started_at is not None
        is_old = max_age_s is not None and (now - run.started_at).total_seconds() > max_age_s
        is_too_much = max_bytes is not None and left > max_bytes
        if (is_old or is_too_much) and run.path != keep:
            going.append(run)
            left -= run.n_bytes
    return tuple(going)


def prune(
    folder: Path,
    *,
    max_bytes: int | None = None,
    max_age_s: float | None = None,
    now: datetime,
    keep: Path | None = None,
) -> tuple[RunSummary, ...]:
    """Delete the runs of a folder that have to go; see `overdue`, which says so beforehand.

    Returns:
        What was deleted, oldest first.

    Raises:
        StoreError: When something may not be deleted.
    """
    going = overdue(runs_in(folder), max_bytes=max_bytes, max_age_s=max_age_s, now=now, keep=keep)
    for run in going:
        delete(run.path)
    _finish_what_was_begun(folder)
    return going


def delete(run: Path) -> None:
    """Delete a run. A crash in between leaves no half run: it is renamed first."""
    doomed = run.with_name(_DOOMED + run.name)
    with disk.translated(run, "delete"):
        run.rename(doomed)
        shutil.rmtree(doomed)


def _deletable(runs: Sequence[RunSummary]) -> list[RunSummary]:
    return [run for run in runs if run.manifest is not None and not run.is_locked]


def _finish_what_was_begun(folder: Path) -> None:
    if not folder.is_dir():
        return
    for path in folder.glob(f"{_DOOMED}*"):
        if not path.is_symlink() and (path / MANIFEST).is_file():
            with disk.translated(path, "delete"):
                shutil.rmtree(path)

"""What a crash left, put in order before anybody writes on."""

from __future__ import annotations

from pathlib import Path

from harness.store import disk
from harness.store.layout import JOURNAL, Series, journals_of, parts_of
from harness.store.sealing import Checkpoint, no_checkpoint, remove_journals, seal


def recover(run: Path, checkpoint: Checkpoint = no_checkpoint) -> int:
    """Seal every journal up to its last whole batch. The caller holds the run's lock.

    It can be killed itself and done again.

    Returns:
        How many rows were recovered.
    """
    _remove_unfinished(run)
    n_rows = 0
    for series, number in journals_of(run):
        if _is_sealed(run, series, number):
            remove_journals(run, series, number)
        else:
            n_rows += seal(run, series, number, checkpoint)
    _remove_values_without_pairs(run)
    return n_rows


def _is_sealed(run: Path, series: Series, number: int) -> bool:
    return number in parts_of(run, series)


def _remove_unfinished(run: Path) -> None:
    """Files that were being written beside their place when the crash came."""
    for path in run.rglob(f"{disk.BESIDE}*"):
        disk.remove(path)


def _remove_values_without_pairs(run: Path) -> None:
    """Values whose pairs had not reached the disk."""
    for path in disk.files_in(run / JOURNAL, ".values"):
        disk.remove(path)

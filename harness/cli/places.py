"""Where runs are."""

from __future__ import annotations

from pathlib import Path

from harness.store.naming import run_folder
from harness.store.reader import StoredRun

RUNS = Path("runs")
"""Where runs go unless somebody says otherwise: below the current directory."""


def stored_run(given: str, runs: Path) -> StoredRun:
    """The run that a user names by path or id.

    Raises:
        UsageError: The name can be neither.
        StoreError: There is no run, or none we can read.
    """
    return StoredRun.open(run_folder(given, runs))

"""Where runs are."""

from __future__ import annotations

from pathlib import Path

from harness.errors import UsageError
from harness.store.naming import run_folder
from harness.store.reader import StoredRun

RUNS = Path("runs")
"""Where runs go unless somebody says otherwise: below the current directory."""


def stored_run(given: str, runs: Path) -> StoredRun:
    """The run that a user names by path or id.

    Raises:
        UsageError: The name can be neither, or there is nothing there.
        StoreError: What is there is no run, or none we can read.
    """
    folder = run_folder(given, runs)
    if not folder.exists():
        raise UsageError(f"{folder}: no such run. `harness runs` lists those in {runs}/")
    return StoredRun.open(folder)

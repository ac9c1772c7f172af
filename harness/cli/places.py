"""Where runs are."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from pathlib import Path

from harness.cli.elsewhere import brought
from harness.errors import UsageError
from harness.run import RunId
from harness.store.naming import new_run_id, run_folder, run_id_of
from harness.store.reader import StoredRun
from harness.store.remote import is_uri

RUNS = Path("runs")
"""Where runs go unless somebody says otherwise: below the current directory."""


def stored_run(given: str, runs: Path) -> StoredRun:
    """The run that a user names by path, id or URI; from a URI a copy is made.

    Raises:
        UsageError: The name can be none of these, or there is nothing there.
        StoreError: What is there is no run, or none we can read.
    """
    if is_uri(given):
        return StoredRun.open(brought(given, runs))
    folder = run_folder(given, runs)
    if not folder.exists():
        raise UsageError(f"{folder}: no such run. `harness runs` lists those in {runs}/")
    return StoredRun.open(folder)


def run_id_for(folder: Path) -> RunId:
    """The folder's name where it can be an id; otherwise one of its own."""
    try:
        return run_id_of(folder.name)
    except UsageError:
        return new_run_id(folder.name, at=datetime.now(UTC), salt=secrets.token_hex(3))

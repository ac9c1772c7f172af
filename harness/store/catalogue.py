"""The runs in a folder."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from harness.errors import StoreError
from harness.store import disk
from harness.store.layout import MANIFEST
from harness.store.lock import is_locked
from harness.store.manifest import Manifest, read_manifest
from harness.store.reader import StoredRun
from harness.store.verdicts import latest_verdict


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One line of a list of runs.

    Attributes:
        manifest: None when `run.json` cannot be read.
        n_pairs: Over all challengers, without repeats; without challengers, the requests that were
            recorded. None when they cannot be counted.
        n_bytes: What the folder takes.
        decision: Of the verdict written last; None before there is one.
        is_locked: Whether somebody is writing to it now.
        problem: Why something is None that should not be, in one sentence; empty when all is well.
    """

    path: Path
    manifest: Manifest | None
    n_pairs: int | None
    n_bytes: int
    decision: str | None
    is_locked: bool
    problem: str = ""

    @property
    def started_at(self) -> datetime | None:
        return self.manifest.started_at if self.manifest else None


def runs_in(folder: Path) -> tuple[RunSummary, ...]:
    """Every run in a folder, oldest first; those that cannot be read come last.

    What is no run (no `run.json`, a link, a file) is not listed.
    """
    if not folder.is_dir():
        return ()
    with disk.translated(folder, "list"):
        paths = [path for path in folder.iterdir() if _is_run(path)]
    return tuple(sorted(map(_summary, paths), key=_age))


def latest_matching(folder: Path, *, config_digest: str, log_digest: str) -> Path | None:
    """The run started last with this config and log, which `--resume` goes on with."""
    matching = [
        run
        for run in _readable(folder)
        if (run[1].config_digest, run[1].log_digest) == (config_digest, log_digest)
    ]
    return max(matching, key=lambda run: run[1].started_at)[0] if matching else None


def of_config(folder: Path, config_digest: str) -> tuple[Path, ...]:
    """The runs in a folder that were made with one config, oldest first."""
    found = [run for run in _readable(folder) if run[1].config_digest == config_digest]
    return tuple(path for path, _ in sorted(found, key=lambda run: (run[1].started_at, run[0])))


def _readable(folder: Path) -> list[tuple[Path, Manifest]]:
    found = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if _is_run(path):
            try:
                found.append((path, read_manifest(path)))
            except StoreError:
                continue  # a run that cannot be read matches nothing; `harness runs` shows it
    return found


def _is_run(path: Path) -> bool:
    return not path.is_symlink() and not path.name.startswith(".") and (path / MANIFEST).is_file()


def _summary(path: Path) -> RunSummary:
    manifest = n_pairs = decision = None
    problem = ""
    try:
        manifest = read_manifest(path)
        run = StoredRun.open(path)
        n_pairs = sum(run.n_pairs(name) for name in run.challengers)
        n_pairs += run.n_pairs(run.observed) if run.observed else 0
        verdict = latest_verdict(path)
        decision = verdict.get("decision") if verdict else None
    except StoreError as exc:
        problem = str(exc)
    return RunSummary(path, manifest, n_pairs, _n_bytes(path), decision, is_locked(path), problem)


def _age(run: RunSummary) -> tuple[bool, float, str]:
    started = run.started_at
    return started is None, started.timestamp() if started else 0.0, run.path.name


def _n_bytes(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())

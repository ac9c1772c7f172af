"""`run.json`: what a run is, written before anything else in its folder."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import orjson

from harness.errors import StoreError, StoreTooNewError
from harness.exchange import DeploymentName
from harness.run import FORMAT, Deployment, Role, RunId
from harness.store import disk
from harness.store.layout import MANIFEST
from harness.store.privacy import KeepBodies


class Pacing(StrEnum):
    """Who decided when a request was sent. It decides what latency means in a rule."""

    OPEN = "open"  # a schedule: waiting counts
    CLOSED = "closed"  # a fixed number in flight
    NONE = "none"  # live users, or an import


class Status(StrEnum):
    """What became of a run."""

    RUNNING = "running"  # or its process is gone: nobody wrote down an end
    FINISHED = "finished"
    INTERRUPTED = "interrupted"


class ChampionAnswers(StrEnum):
    """Where the champion's side comes from."""

    LIVE = "live"
    RECORDED = "recorded"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a run is.

    Attributes:
        name: Of the config, for lists.
        config: As run, secrets masked.
        config_digest: What `--resume` compares, with `log_digest`; the latter is empty when there
            is no log.
        segments: Names of the configured segments: members of the column `segments`.
        baseline: What the config says under `baseline`.
        versions: Of the harness and the libraries.
        n_erased: Pairs taken out on a user's demand since the run was written.
        n_entries: Entries of the log that could be read; 0 without a log.
        n_rejected: Entries that could not.
        n_repeated_ids: Entries whose id stands more than once in the log; each of them was asked.
        first_rejected: Where the first of those stands and why, for a person.
        imported_from: The logs that the pairs were read from; one has the answers of both sides,
            of several each has those of one deployment, the champion's first. Empty where
            deployments were asked.
        prices: Where prices by model came from, and of which day they were.
    """

    run_id: RunId
    name: str
    config: Mapping[str, Any]
    config_digest: str
    log_digest: str
    deployments: tuple[Deployment, ...]
    started_at: datetime
    seed: int
    finished_at: datetime | None = None
    status: Status = Status.RUNNING
    pacing: Pacing = Pacing.OPEN
    champion_answers: ChampionAnswers = ChampionAnswers.LIVE
    baseline: str = "same"
    segments: tuple[str, ...] = ()
    keep_bodies: KeepBodies = KeepBodies.ALL
    versions: Mapping[str, str] = field(default_factory=dict)
    n_erased: int = 0
    n_entries: int = 0
    n_rejected: int = 0
    first_rejected: str = ""
    n_repeated_ids: int = 0
    imported_from: tuple[str, ...] = ()
    prices: tuple[str, ...] = ()
    format: int = FORMAT

    @property
    def is_live(self) -> bool:
        """Whether live users decided when requests came; else a log was replayed or imported."""
        return self.pacing is Pacing.NONE and not self.imported_from

    def named(self, role: Role) -> tuple[DeploymentName, ...]:
        """The deployments that have this role, in the order of the config."""
        return tuple(one.name for one in self.deployments if one.role is role)


def write_manifest(run: Path, manifest: Manifest) -> None:
    """Write `run.json`, or replace it, in one step."""
    content = orjson.dumps(
        manifest, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS
    )
    disk.write_whole(run / MANIFEST, lambda file: _write(file, content))


def read_manifest(run: Path) -> Manifest:
    """Read `run.json`.

    Raises:
        StoreTooNewError: When a later harness wrote it.
        StoreError: When the folder is not a run, or the file is damaged.
    """
    path = run / MANIFEST
    if not path.is_file():
        raise StoreError(
            f"{run}: is not a run: there is no {MANIFEST} in it. "
            "Name a folder that `harness replay` wrote"
        )
    with disk.translated(path, "read"):
        content = path.read_bytes()
    try:
        return manifest_of(orjson.loads(content), str(run))
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError) as exc:
        raise StoreError(
            f"{path}: is damaged ({type(exc).__name__}: {exc}). Restore it from a copy of the run"
        ) from exc


def manifest_of(record: dict[str, Any], where: str) -> Manifest:
    """A manifest from the JSON object of a `run.json`. Fields we do not know are left aside."""
    if record["format"] > FORMAT:
        raise StoreTooNewError(where, record["format"], FORMAT)
    known = {one.name for one in dataclasses.fields(Manifest)}
    given = {name: value for name, value in record.items() if name in known}
    finished = given.get("finished_at")
    return Manifest(
        **given
        | {
            "deployments": tuple(
                Deployment(**one | {"role": Role(one["role"])}) for one in given["deployments"]
            ),
            "started_at": datetime.fromisoformat(given["started_at"]),
            "finished_at": datetime.fromisoformat(finished) if finished else None,
            "status": Status(given["status"]),
            "pacing": Pacing(given["pacing"]),
            "champion_answers": ChampionAnswers(given["champion_answers"]),
            "keep_bodies": KeepBodies(given["keep_bodies"]),
            "segments": tuple(given["segments"]),
            "imported_from": tuple(given.get("imported_from", ())),
            "prices": tuple(given.get("prices", ())),
        }
    )


def _write(file: Any, content: bytes) -> None:
    file.write(content)
    file.write(b"\n")

"""Runs that are kept elsewhere, under a URI: worked on in a copy here."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from harness.errors import StoreError, StoreFullError, UsageError
from harness.store import remote
from harness.store.layout import MANIFEST

_COPIES = ".elsewhere"  # hidden: a copy is not one of the runs of its folder
_DIGEST_CHARACTERS = 16


def copy_of(uri: str, runs: Path) -> Path:
    """Where the copy of a run is, whether or not there is one yet."""
    name = PurePosixPath(urlsplit(uri).path.rstrip("/")).name
    if not name:
        raise UsageError(
            f"{remote.shown(uri)}: names no folder. Add the run's: s3://bucket/runs/ID"
        )
    digest = hashlib.sha256(uri.rstrip("/").encode()).hexdigest()[:_DIGEST_CHARACTERS]
    return runs / _COPIES / digest / name


def brought(uri: str, runs: Path) -> Path:
    """Bring a run here, or what is new of it, and say where it is.

    Raises:
        UsageError: No file system is known for the URI.
        StoreError: There is no run, or it cannot be read.
    """
    copy = copy_of(uri, runs)
    remote.fetch(uri, copy.parent)
    print(f"harness: {remote.shown(uri)}: read from a copy, {copy}", file=sys.stderr)
    return copy


def begun(uri: str, runs: Path, *, resume: bool) -> Path:
    """The folder here in which a run is written that is to be kept under a URI.

    What an upload that failed has left here is gone on with, too.

    Raises:
        UsageError: Without `resume`, something of the run is there or here already.
        StoreError: With it, there is nothing to go on with.
    """
    copy, there = copy_of(uri, runs), remote.is_run(uri)
    if resume:
        return brought(uri, runs) if there or not (copy / MANIFEST).exists() else copy
    if there or copy.exists():
        where = remote.shown(uri) if there else copy
        raise UsageError(
            f"{where}: is there already. Resume the run in it with --resume, or name another"
        )
    return copy


def sent(folder: Path, uri: str) -> None:
    """Put a run where it is to be kept, and say so.

    Raises:
        StoreFullError: It cannot be written there. It is whole here.
    """
    try:
        remote.send(folder, uri)
    except StoreError as exc:
        raise StoreFullError(
            f"{exc}. The run is whole in {folder}; send it with the same command and --resume"
        ) from exc
    print(f"harness: stored in {remote.shown(uri)}", file=sys.stderr)

"""Values computed from pairs, kept beside them: one value part for each part of pairs.

They are derived. A value part that is missing, damaged, or of a part that had another number of
pairs is computed again, one part at a time. Only where bodies were not kept can that not be done;
there the writer has computed them (see `harness.store.portion.Measure`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from harness.errors import StoreError
from harness.store import disk
from harness.store.arrow import arrow_of, frame_of
from harness.store.journal import journal_batches, journal_schema
from harness.store.layout import (
    VALUES,
    Series,
    series_of,
    value_journal_path,
    value_part_path,
)
from harness.store.parts import part_rows, part_schema, write_part
from harness.store.privacy import KeepBodies
from harness.store.reader import Sealed, StoredRun, Unsealed
from harness.store.sealing import DIGEST, N_PAIRS, with_n_pairs

Build = Callable[[pl.DataFrame], pl.DataFrame]
"""Pair rows to value rows, with the same columns every time, also for no rows."""

_DIGEST = re.compile(r"[A-Za-z0-9_-]{1,64}")


def values(run: StoredRun, of: str | Series, digest: str, build: Build) -> pl.LazyFrame:
    """The values of a challenger's pairs (or of repeats), computed now where they are not there.

    Args:
        digest: Of everything that `build` depends on. Values of another digest stay.

    Raises:
        StoreError: When a part of pairs is damaged; or when values are missing and the bodies that
            they would be computed from were not kept.
        StoreFullError: When there is no room for them.
    """
    series = series_of(of)
    for part in missing(run, series, digest):
        build_part(run, series, digest, part, build)
    paths = [
        value_part_path(run.path, series, part.number, digest) for part in _sealed(run, series)
    ]
    frames = [
        _of_journal(run, series, digest, portion, build).lazy()
        for portion in run.portions(series)
        if isinstance(portion, Unsealed)
    ]
    if paths:
        frames.insert(0, pl.scan_parquet(paths, glob=False, hive_partitioning=False))
    if not frames:
        frames = [build(run.scan(series).collect()).lazy()]
    return pl.concat(frames)


def missing(run: StoredRun, of: str | Series, digest: str) -> list[Sealed]:
    """The parts whose values have to be computed, for whoever wants to spread that work."""
    if not _DIGEST.fullmatch(digest):
        raise ValueError(f"digest is {digest!r}, must be 1 to 64 letters and digits")
    series = series_of(of)
    return [
        part
        for part in _sealed(run, series)
        if not _is_fresh(value_part_path(run.path, series, part.number, digest), part.n_rows)
    ]


def build_part(run: StoredRun, of: str | Series, digest: str, part: Sealed, build: Build) -> None:
    """Compute and write the values of one part. Doing it twice, or at once with others, is fine.

    Raises:
        StoreError: As for `values`.
    """
    _require_bodies(run, digest)
    table = arrow_of(build(part.read()))
    path = value_part_path(run.path, series_of(of), part.number, digest)
    disk.make_folder(path.parent)
    write_part(path, with_n_pairs(table.schema, part.n_rows), table.to_batches())


def digests(run: Path) -> tuple[str, ...]:
    """Of which values there are any."""
    folder = run / VALUES
    return tuple(sorted(path.name for path in folder.iterdir())) if folder.is_dir() else ()


def _sealed(run: StoredRun, series: Series) -> list[Sealed]:
    return [part for part in run.portions(series) if isinstance(part, Sealed)]


def _is_fresh(path: Path, n_pairs: int) -> bool:
    if not path.exists():
        return False
    try:
        part_rows(path)
        metadata = part_schema(path).metadata or {}
    except StoreError:
        return False
    return metadata.get(N_PAIRS) == str(n_pairs).encode()


def _of_journal(
    run: StoredRun, series: Series, digest: str, portion: Unsealed, build: Build
) -> pl.DataFrame:
    """Values of rows that are not sealed: computed each time, or as they were journalled."""
    if run.manifest.keep_bodies is KeepBodies.ALL:
        return build(portion.read())
    path = value_journal_path(run.path, series, portion.number)
    schema = journal_schema(path) if path.exists() else None
    if schema is None or (schema.metadata or {}).get(DIGEST) != digest.encode():
        _require_bodies(run, digest)
    known = portion.rows["request_id"]
    batches = [
        batch.filter(pc.is_in(batch.column("request_id"), value_set=known))
        for batch in journal_batches(path)
    ]
    return frame_of(pa.Table.from_batches(batches, schema))


def _require_bodies(run: StoredRun, digest: str) -> None:
    kept = run.manifest.keep_bodies
    if kept is not KeepBodies.ALL:
        there = ", ".join(digests(run.path)) or "none"
        raise StoreError(
            f"{run.path}: has no values {digest} (there: {there}) and they cannot be computed: the "
            f"run was written with keep_bodies: {kept.value}. Evaluate with the dialect, output "
            f"and compare of the run's own config"
        )

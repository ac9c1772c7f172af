"""Take one user's rows out of a run, on demand.

What goes: the rows of the cluster in every part of pairs and repeats (journals are sealed first),
in values, annotations and feedback, and the examples of those requests in verdicts. What stays:
counts and estimates that the rows went into, and how many went, in `run.json`.

Pairs are rewritten last, because they tell which requests were the cluster's: after a crash in
between, doing it again finishes it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from harness.store.layout import VALUES, Kind, Series, parts_of, series_in, value_part_path
from harness.store.lock import Lock
from harness.store.manifest import read_manifest, write_manifest
from harness.store.parts import part_batches, part_rows, part_schema, read_part, write_part
from harness.store.recovery import recover
from harness.store.sealing import with_n_pairs
from harness.store.values import digests
from harness.store.verdicts import without_examples

_KEYS = ("request_id", "external_id", "cluster_id")
"""Columns by which a table may know a request."""

Part = tuple[Series, int]


def erase_cluster(run: Path, cluster_id: str) -> int:
    """Erase one cluster: a user, a session, a conversation.

    Returns:
        How many pairs and repeats were erased; 0 when the run had none of it.

    Raises:
        StoreError: When somebody is writing to the run, or a part is damaged.
        StoreFullError: When there is no room to write a part anew. Nothing is lost; do it again.
    """
    lock = Lock(run)
    try:
        recover(run)
        going = _rows_of_cluster(run, cluster_id)
        n_erased: int = sum(rows.num_rows for rows in going.values())
        if n_erased:
            _erase(run, going)
            manifest = read_manifest(run)
            n_in_all = manifest.n_erased + n_erased
            write_manifest(run, dataclasses.replace(manifest, n_erased=n_in_all))
        return n_erased
    finally:
        lock.release()


def _rows_of_cluster(run: Path, cluster_id: str) -> dict[Part, pa.Table]:
    """The keys of the rows that go, for each part that has any."""
    found = {}
    for series in series_in(run):
        for number, path in parts_of(run, series).items():
            keys = read_part(path, _KEYS)
            rows = keys.filter(pc.equal(keys["cluster_id"], cluster_id))
            if rows.num_rows:
                found[series, number] = rows
    return found


def _erase(run: Path, going: Mapping[Part, pa.Table]) -> None:
    keys = pa.concat_tables(going.values())
    without_examples(run, set(keys["request_id"].to_pylist()))
    without = _without(keys, _KEYS)
    for path in _other_parts(run):
        if any(batch.num_rows > without(batch).num_rows for batch in part_batches(path)):
            _rewrite(path, part_schema(path), without)
    for (series, number), rows in going.items():
        left = part_rows(parts_of(run, series)[number]) - rows.num_rows
        for digest in digests(run):
            path = value_part_path(run, series, number, digest)
            if path.exists():
                _rewrite(path, with_n_pairs(part_schema(path), left), _without(keys, _KEYS[:1]))
    # By cluster alone: an external id is the client's choice, and another user may have had it.
    by_cluster = _without(keys, ("cluster_id",))
    for series, number in going:
        path = parts_of(run, series)[number]
        _rewrite(path, part_schema(path), by_cluster)


def _without(keys: pa.Table, columns: Sequence[str]) -> Callable[[pa.RecordBatch], pa.RecordBatch]:
    """Leaves out the rows of a batch that have one of the keys, in the columns it has."""

    def without(batch: pa.RecordBatch) -> pa.RecordBatch:
        for name in columns:
            if name in batch.schema.names:
                gone = keys[name].drop_null().cast(batch.schema.field(name).type)
                batch = batch.filter(pc.invert(pc.is_in(batch.column(name), value_set=gone)))
        return batch

    return without


def _other_parts(run: Path) -> Iterator[Path]:
    """Annotations and feedback: parts that are neither pairs and repeats nor values."""
    seen_to = {VALUES, *(kind.folder for kind in Kind)}
    for path in sorted(run.rglob("part-*.parquet")):
        if path.relative_to(run).parts[0] not in seen_to:
            yield path


def _rewrite(
    path: Path, schema: pa.Schema, without: Callable[[pa.RecordBatch], pa.RecordBatch]
) -> None:
    """Write a part anew. The old one can be read until the new one takes its place."""
    write_part(path, schema, map(without, part_batches(path)))

"""From a journal to a part, so that a crash at any step neither loses nor doubles a row.

    1. the part is written beside its place and synced
    2. it is renamed: from here on the portion is sealed
    3. its folder is synced
    4. the journal is removed

Journal and part carry the same number. Who finds a journal whose part exists knows that step 2 was
reached and only removes the journal; who finds one without seals it. A part holds all of its
journal: rows that come later go to the next number.

Where bodies are not kept, what is computed from them cannot be computed again. It is then
journalled and sealed beside the pairs, before them, so that no pair is ever without its values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from harness.store import disk
from harness.store.journal import journal_batches, journal_schema
from harness.store.layout import (
    Series,
    journal_path,
    part_path,
    value_journal_path,
    value_part_path,
)
from harness.store.parts import part_rows, write_part

DIGEST = b"harness.digest"
"""Key of a value journal's metadata: of what its values were computed."""

N_PAIRS = b"harness.n_pairs"
"""Key of a value part's metadata: how many pairs the part had that it was computed from."""

Checkpoint = Callable[[str], None]
"""Told the name of every step that is done, in order."""


def no_checkpoint(step: str) -> None:
    """Nobody wants to know."""


def seal(run: Path, series: Series, number: int, checkpoint: Checkpoint = no_checkpoint) -> int:
    """Turn a synced journal into a part and remove it.

    Returns:
        How many rows were sealed.

    Raises:
        StoreFullError: When there is no room; the journal is as it was.
    """
    journal = journal_path(run, series, number)
    schema = journal_schema(journal)
    n_rows = 0
    if schema is not None and any(batch.num_rows for batch in journal_batches(journal)):
        if value_journal_path(run, series, number).exists():
            _seal_values(run, series, number)
        path = part_path(run, series, number)
        disk.make_folder(path.parent)
        write_part(path, schema, journal_batches(journal), checkpoint=checkpoint)
        n_rows = part_rows(path)
    remove_journals(run, series, number)
    checkpoint("journal removed")
    return n_rows


def remove_journals(run: Path, series: Series, number: int) -> None:
    """Remove a portion's journals; that of the pairs last, because recovery looks for it."""
    disk.remove(value_journal_path(run, series, number))
    disk.remove(journal_path(run, series, number))


def _seal_values(run: Path, series: Series, number: int) -> None:
    """Seal the values of those pairs that are in the pairs' journal."""
    ids = [
        batch.column("request_id") for batch in journal_batches(journal_path(run, series, number))
    ]
    journal = value_journal_path(run, series, number)
    schema = journal_schema(journal)
    if schema is None:
        return
    digest = schema.metadata[DIGEST].decode()
    path = value_part_path(run, series, number, digest)
    disk.make_folder(path.parent)
    known = pa.chunked_array(ids, pa.string())
    write_part(path, with_n_pairs(schema, len(known)), _rows_of(known, journal))


def with_n_pairs(schema: pa.Schema, n_pairs: int) -> pa.Schema:
    """The schema of a value part that was computed from so many pairs."""
    return schema.with_metadata({**(schema.metadata or {}), N_PAIRS: str(n_pairs).encode()})


def _rows_of(known: pa.ChunkedArray, journal: Path) -> Iterator[pa.RecordBatch]:
    for batch in journal_batches(journal):
        yield batch.filter(pc.is_in(batch.column("request_id"), value_set=known))

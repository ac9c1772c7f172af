"""Sealed rows: Parquet files that appear whole and are never changed.

zstd level 1 throughout: nearly all the time goes into compressing bodies, and level 3 takes a third
more of it for 3 % less room (`make bench`). Dictionaries only where few values occur: on a column
of ids they cost a third of the writing speed and save nothing. Row groups are bounded in rows,
because small ones cost a third of the speed too, and in bytes, because a group is what a reader
holds in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from harness.errors import StoreError
from harness.store import disk
from harness.store.schema import SEGMENTS, columns

ROWS_PER_GROUP = 20_000
BYTES_PER_GROUP = 64 << 20

_LEVEL = 1
_HEADER_COLUMNS = ("request_headers", "champion_headers", "challenger_headers")
_PAIR_COLUMNS = frozenset(column.name for column in columns())
_REPEATING = frozenset(column.name for column in columns() if column.repeats)
_RANGED = [column.name for column in columns() if column.ranged]


def write_part(
    path: Path,
    schema: pa.Schema,
    batches: Iterable[pa.RecordBatch],
    *,
    checkpoint: Callable[[str], None] = lambda step: None,
) -> None:
    """Write a Parquet file in one step.

    Raises:
        StoreFullError: When there is no room; there is no part then.
    """

    def write(file: BinaryIO) -> None:
        with _writer(file, schema) as writer:
            for group in _groups(batches):
                writer.write_table(pa.Table.from_batches(group, schema), ROWS_PER_GROUP)

    disk.write_whole(path, write, checkpoint=checkpoint)


def part_rows(path: Path) -> int:
    """How many rows a part has, from its footer.

    Raises:
        StoreError: When the file is damaged or no Parquet.
    """
    with _readable(path):
        return int(pq.read_metadata(path).num_rows)


def read_part(path: Path, wanted: Sequence[str] | None = None) -> pa.Table:
    """Rows of a part, with the check sums of every page verified.

    Args:
        wanted: Columns; None for all.

    Raises:
        StoreError: When the file is damaged.
    """
    with _readable(path):
        file = pq.ParquetFile(path, page_checksum_verification=True)
        with file:
            return file.read(None if wanted is None else list(wanted))


def part_batches(path: Path) -> Iterator[pa.RecordBatch]:
    """All rows of a part, in order, one row group in memory at a time."""
    with _readable(path):
        file = pq.ParquetFile(path, page_checksum_verification=True)
    with file:
        for group in range(file.num_row_groups):
            with _readable(path):
                batches = file.read_row_group(group).to_batches()
            yield from batches


def part_schema(path: Path) -> pa.Schema:
    with _readable(path):
        return pq.read_schema(path)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn what pyarrow says about a broken file into a `StoreError` that names the file."""
    try:
        yield
    except (PermissionError, FileNotFoundError, IsADirectoryError) as exc:
        raise StoreError(f"{path}: cannot be read: {exc.strerror}") from exc
    except (pa.ArrowException, OSError) as exc:
        said = (str(exc).splitlines() or [type(exc).__name__])[0]
        raise StoreError(
            f"{path}: is damaged ({said}). Restore this file from a copy of the run, "
            f"or move it away to go on without its rows"
        ) from exc


def _writer(file: BinaryIO, schema: pa.Schema) -> pq.ParquetWriter:
    return pq.ParquetWriter(
        file,
        schema,
        compression="zstd",
        compression_level=_LEVEL,
        use_dictionary=_dictionaries(schema),
        write_statistics=[name for name in _RANGED if name in schema.names],
        write_page_checksum=True,
    )


def _dictionaries(schema: pa.Schema) -> list[str]:
    """Parquet paths of the columns with few different values, of pairs or of values."""
    paths = [
        field.name
        for field in schema
        if field.name in _REPEATING or (field.name not in _PAIR_COLUMNS and _is_text(field.type))
    ]
    for name in _HEADER_COLUMNS:
        if name in schema.names:
            paths += [f"{name}.list.element.name", f"{name}.list.element.value"]
    if SEGMENTS in schema.names:
        members = schema.field(SEGMENTS).type
        paths += [f"{SEGMENTS}.{member.name}" for member in members]
    return paths


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _groups(batches: Iterable[pa.RecordBatch]) -> Iterator[list[pa.RecordBatch]]:
    """Batches gathered until a row group is full."""
    group: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        group.append(batch)
        rows += batch.num_rows
        size += batch.nbytes
        if rows >= ROWS_PER_GROUP or size >= BYTES_PER_GROUP:
            yield group
            group, rows, size = [], 0, 0
    if group:
        yield group

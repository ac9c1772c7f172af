"""What somebody said about stored pairs, beside them: one table for each who was asked.

A table is written whole, in the place of the one before: who asks again remembers what was said
(`harness.annotate.memory`) and asks for the rest alone.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from harness.store import disk
from harness.store.arrow import arrow_of, frame_of
from harness.store.parts import read_part, write_part

ANNOTATIONS = "annotations"
MEMORY = ".asked"
"""Folder beside the runs for what was asked before."""


def write_annotation(run: Path, name: str, rows: pl.DataFrame) -> None:
    """Keep what somebody said.

    Args:
        rows: With `request_id` and `challenger`, by which pairs are known.

    Raises:
        StoreFullError: There is no room.
    """
    path = _path(run, name)
    disk.make_folder(path.parent)
    table = arrow_of(rows)
    write_part(path, table.schema, table.to_batches())


def annotation(run: Path, name: str) -> pl.DataFrame | None:
    """What somebody said; None where nobody was asked.

    Raises:
        StoreError: It is damaged.
    """
    path = _path(run, name)
    return frame_of(read_part(path)) if path.exists() else None


def _path(run: Path, name: str) -> Path:
    return run / ANNOTATIONS / name / "part-000001.parquet"

"""Feedback beside the pairs of a run: parts that are added and never changed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from harness.feedback import Feedback
from harness.store import disk
from harness.store.arrow import arrow_of, frame_of
from harness.store.lock import Lock
from harness.store.parts import read_part, write_part

FEEDBACK = "feedback"

_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "request_id": pl.String,
    "kind": pl.String,
    "value": pl.String,
    "reason": pl.String,
    "at": pl.Datetime("ns", "UTC"),
}


def add_feedback(run: Path, said: Sequence[tuple[str, Feedback]]) -> None:
    """Keep what was said about requests of a run.

    Args:
        said: Our id of the request, and the feedback.

    Raises:
        StoreError: Somebody else is writing to the run.
        StoreFullError: There is no room.
    """
    if not said:
        return
    rows = [(ours, one.kind.value, one.value, one.reason, one.at_ns) for ours, one in said]
    frame = pl.DataFrame(rows, schema=_SCHEMA, orient="row")
    lock = Lock(run)
    try:
        folder = run / FEEDBACK
        disk.make_folder(folder)
        number = 1 + len(disk.files_in(folder, ".parquet"))
        table = arrow_of(frame)
        write_part(folder / f"part-{number:06d}.parquet", table.schema, table.to_batches())
    finally:
        lock.release()


def feedback(run: Path) -> pl.DataFrame:
    """All that was said about a run's requests, in the order in which it was added.

    Raises:
        StoreError: A part is damaged.
    """
    parts = [frame_of(read_part(path)) for path in disk.files_in(run / FEEDBACK, ".parquet")]
    return pl.concat(parts) if parts else pl.DataFrame(schema=_SCHEMA)

"""polars frames and Arrow tables are the same memory; these say which side of it is meant."""

from __future__ import annotations

import polars as pl
import pyarrow as pa


def frame_of(rows: pa.Table | pa.RecordBatch) -> pl.DataFrame:
    """Arrow rows as a frame."""
    frame = pl.from_arrow(rows)
    assert isinstance(frame, pl.DataFrame)
    return frame


def arrow_of(frame: pl.DataFrame) -> pa.Table:
    """A frame as the store writes it: in types that every reader of Parquet and Arrow knows."""
    return frame.to_arrow(compat_level=pl.CompatLevel.oldest())

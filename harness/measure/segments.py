"""Parts of the traffic: which rows of the value table belong to which segment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

# A report with more rows is not read, and every further one is a further chance of a false alarm.
MOST_VALUES = 20


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """Rows that share one value of one segment.

    Attributes:
        name: `source=mobile`; `source=(other)` for all values beyond the most frequent ones.
        rows: Which rows of the table, in its order.
    """

    name: str
    rows: NDArray[np.bool_]


def segments(
    values: pl.DataFrame | pl.LazyFrame, *, most_values: int = MOST_VALUES
) -> Iterator[Segment]:
    """All segments of a value table, of each configured one the most frequent values first.

    Rows without a value are in no segment.

    Args:
        most_values: How many values of one segment stand by themselves.
    """
    lazy = values.lazy()
    schema = lazy.collect_schema()
    if not isinstance(struct := schema.get("segments"), pl.Struct):
        return
    for field in struct.fields:
        column = lazy.select(pl.col("segments").struct.field(field.name)).collect().to_series()
        counts = (
            column.drop_nulls().value_counts().sort("count", field.name, descending=[True, False])
        )
        ranked = counts[field.name].to_list()
        for value in ranked[:most_values]:
            yield Segment(f"{field.name}={value}", _rows(column == value))
        if len(ranked) > most_values:
            others = column.is_not_null() & ~column.is_in(ranked[:most_values])
            yield Segment(f"{field.name}=(other)", _rows(others))


def _rows(mask: pl.Series) -> NDArray[np.bool_]:
    return mask.fill_null(value=False).to_numpy()

"""Parts of the traffic: which rows of the value table belong to which segment."""

from __future__ import annotations

from collections.abc import Collection, Iterator
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
    values: pl.DataFrame | pl.LazyFrame,
    *,
    most_values: int = MOST_VALUES,
    always: Collection[str] = (),
) -> Iterator[Segment]:
    """All segments of a value table, of each configured one the most frequent values first.

    Rows without a value are in no segment.

    Args:
        most_values: How many values of one segment stand by themselves.
        always: Names that stand by themselves however rare they are, also without a row.
    """
    lazy = values.lazy()
    struct = lazy.collect_schema().get("segments")
    fields = [field.name for field in struct.fields] if isinstance(struct, pl.Struct) else []
    for name in fields:
        column = lazy.select(pl.col("segments").struct.field(name)).collect().to_series()
        yield from _of_one(column, most_values, _values_of(name, always))
    unknown = sorted(name for name in always if name.partition("=")[0] not in fields)
    if unknown:
        n_rows = lazy.select(pl.len()).collect().item()
        yield from (Segment(name, np.zeros(n_rows, dtype=np.bool_)) for name in unknown)


def _of_one(column: pl.Series, most_values: int, named: Collection[str]) -> Iterator[Segment]:
    name = column.name
    counts = column.drop_nulls().value_counts().sort("count", name, descending=[True, False])
    ranked = counts[name].to_list()
    alone = ranked[:most_values] + sorted(set(named) - set(ranked[:most_values]))
    for value in alone:
        yield Segment(f"{name}={value}", _rows(column == value))
    if not set(ranked) <= set(alone):
        others = column.is_not_null() & ~column.is_in(alone)
        yield Segment(f"{name}=(other)", _rows(others))


def _values_of(name: str, always: Collection[str]) -> list[str]:
    return [one.partition("=")[2] for one in always if one.partition("=")[0] == name]


def _rows(mask: pl.Series) -> NDArray[np.bool_]:
    return mask.fill_null(value=False).to_numpy()

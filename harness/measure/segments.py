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


@dataclass(frozen=True, slots=True)
class Partition:
    """What a configured segment parts the rows into.

    Attributes:
        name: Of the segment, `source`.
        alone: Values that stand by themselves, in the order in which they are shown.
        has_others: Whether there are further values, which stand together.
        is_known: Whether the table has such a segment; one that was only named has no rows.
    """

    name: str
    alone: tuple[str, ...]
    has_others: bool = False
    is_known: bool = True

    @property
    def labels(self) -> tuple[str, ...]:
        """`source=mobile` and so on, by code."""
        values = (*self.alone, "(other)") if self.has_others else self.alone
        return tuple(f"{self.name}={value}" for value in values)

    @property
    def code(self) -> pl.Expr:
        """Of each row its position in `labels`; null for a row that is in none."""
        if not self.is_known:
            return pl.lit(None, pl.Int16)
        column = pl.col("segments").struct.field(self.name)
        known = column.cast(pl.Enum(self.alone), strict=False).to_physical().cast(pl.Int16)
        if not self.has_others:
            return known
        return pl.coalesce(known, pl.when(column.is_not_null()).then(len(self.alone)))


def partitions(
    values: pl.DataFrame | pl.LazyFrame,
    *,
    most_values: int = MOST_VALUES,
    always: Collection[str] = (),
) -> tuple[Partition, ...]:
    """What the segments of a value table part it into, the most frequent values first.

    Args:
        most_values: How many values of one segment stand by themselves.
        always: Names that stand by themselves however rare they are, also without a row.
    """
    lazy = values.lazy()
    struct = lazy.collect_schema().get("segments")
    fields = [field.name for field in struct.fields] if isinstance(struct, pl.Struct) else []
    found = [_of_one(lazy, name, most_values, _values_of(name, always)) for name in fields]
    unknown: dict[str, list[str]] = {}
    for name in sorted(always):
        segment, _, value = name.partition("=")
        if segment not in fields:
            unknown.setdefault(segment, []).append(value)
    return (
        *found,
        *(Partition(name, tuple(named), is_known=False) for name, named in unknown.items()),
    )


def segments(
    values: pl.DataFrame | pl.LazyFrame,
    *,
    most_values: int = MOST_VALUES,
    always: Collection[str] = (),
) -> Iterator[Segment]:
    """All segments of a value table with their rows; arguments as for `partitions`.

    Rows without a value are in no segment.
    """
    lazy = values.lazy()
    n_rows = lazy.select(pl.len()).collect().item()
    for partition in partitions(lazy, most_values=most_values, always=always):
        if not partition.is_known:
            empty = np.zeros(n_rows, dtype=np.bool_)
            yield from (Segment(label, empty) for label in partition.labels)
            continue
        codes = lazy.select(partition.code.fill_null(-1)).collect().to_series().to_numpy()
        yield from (Segment(label, codes == i) for i, label in enumerate(partition.labels))


def _of_one(values: pl.LazyFrame, name: str, most_values: int, named: Collection[str]) -> Partition:
    column = values.select(pl.col("segments").struct.field(name)).drop_nulls()
    counts = column.group_by(name).len().sort("len", name, descending=[True, False]).collect()
    ranked = counts[name].to_list()
    alone = ranked[:most_values] + sorted(set(named) - set(ranked[:most_values]))
    return Partition(name, tuple(alone), has_others=not set(ranked) <= set(alone))


def _values_of(name: str, always: Collection[str]) -> list[str]:
    return [one.partition("=")[2] for one in always if one.partition("=")[0] == name]

"""The order statistics of a value table's columns, within every part of the traffic at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harness.cells import IN_PIECES_FROM, code_column
from harness.measure.segments import Partition
from harness.stats.clusters import Booleans, Floats
from harness.stats.rank_window import N_BINS, RankWindow, Span, bins

_ROWS_AT_ONCE = 1_000_000


@dataclass(frozen=True, slots=True)
class Ranked:
    """A column of which a quantile is wanted.

    Attributes:
        values: Null for rows that do not count; no NaN.
        p: Which quantile, in (0, 1).
    """

    values: pl.Expr
    p: float


@dataclass(frozen=True, slots=True)
class Place:
    """The whole traffic, or the rows with one label of one partition."""

    partition: int | None = None
    code: int = 0


WHOLE = Place()

Windows = Mapping[tuple[str, Place], RankWindow]
"""By column and place; a place without a value has none."""


def rank_windows(
    values: pl.LazyFrame,
    partitions: Sequence[Partition],
    columns: Mapping[str, Ranked],
    *,
    n_rows: int,
) -> Windows:
    """Find the values around the quantiles of some columns, in two passes over the table.

    Args:
        values: `n_rows` with the codes of the partitions (`harness.cells.coded`).
    """
    places = [
        WHOLE,
        *(
            Place(i, code)
            for i, partition in enumerate(partitions)
            for code in range(len(partition.labels))
        ),
    ]
    if not columns:
        return {}
    wanted = values.select(
        *(column.values.alias(name) for name, column in columns.items()),
        *(code_column(i) for i in range(len(partitions))),
    )
    if n_rows < IN_PIECES_FROM:
        wanted = wanted.collect().lazy()
    table = _Table(wanted, tuple(partitions), columns)
    spans = {
        key: Span.around(columns[key[0]].p, counts)
        for key, counts in table.counted(places).items()
        if counts.any()
    }
    found = table.kept(spans)
    return {
        (name, place): RankWindow(
            span.n, span.n_before, np.sort(found[name, place]), partial(table.between, name, place)
        )
        for (name, place), span in spans.items()
    }


@dataclass(frozen=True, slots=True)
class _Table:
    """The wanted columns, read in pieces as often as it takes."""

    values: pl.LazyFrame
    partitions: tuple[Partition, ...]
    columns: Mapping[str, Ranked]

    def counted(self, places: Sequence[Place]) -> dict[tuple[str, Place], NDArray[np.intp]]:
        """How many values are in each bin."""
        counts = {
            (name, place): np.zeros(N_BINS, dtype=np.intp)
            for name in self.columns
            for place in places
        }
        for piece in self._pieces():
            for name in self.columns:
                present, found = piece.binned(name)
                counts[name, WHOLE] += np.bincount(found, minlength=N_BINS)
                for i, partition in enumerate(self.partitions):
                    of_part = piece.codes[i][present]
                    n_labels = len(partition.labels)
                    inside = of_part >= 0
                    both = np.bincount(
                        of_part[inside] * N_BINS + found[inside], minlength=n_labels * N_BINS
                    )
                    for code in range(n_labels):
                        counts[name, Place(i, code)] += both[code * N_BINS : (code + 1) * N_BINS]
        return counts

    def kept(self, spans: Mapping[tuple[str, Place], Span]) -> dict[tuple[str, Place], Floats]:
        """The values in each span."""
        kept: dict[tuple[str, Place], list[Floats]] = {key: [] for key in spans}
        for piece in self._pieces():
            for name in self.columns:
                own = {place: span for (of, place), span in spans.items() if of == name}
                if own:
                    for place, values in piece.within(name, own).items():
                        kept[name, place].append(values)
        return {key: np.concatenate(pieces) for key, pieces in kept.items()}

    def between(self, name: str, place: Place, low: float, high: float) -> Floats:
        """All values of a column in a place, from `low` to `high`."""
        found = []
        for piece in self._pieces():
            column = piece.values[name]
            held = (column >= low) & (column <= high)
            if place.partition is not None:
                held &= piece.codes[place.partition] == place.code
            found.append(column[held])
        return np.concatenate(found)

    def _pieces(self) -> Iterator[_Piece]:
        for batch in self.values.collect_batches(chunk_size=_ROWS_AT_ONCE):
            yield _Piece(
                {name: _floats(batch[name]) for name in self.columns},
                tuple(
                    batch[code_column(i)].to_numpy().astype(np.intp)
                    for i in range(len(self.partitions))
                ),
            )


@dataclass(frozen=True, slots=True, eq=False)
class _Piece:
    """Some rows: each column's values, NaN for none, and the code in each partition."""

    values: Mapping[str, Floats]
    codes: tuple[NDArray[np.intp], ...]

    def binned(self, name: str) -> tuple[Booleans, NDArray[np.intp]]:
        """Which rows have a value, and the bins of those."""
        column = self.values[name]
        present = ~np.isnan(column)
        return present, bins(column[present])

    def within(self, name: str, spans: Mapping[Place, Span]) -> dict[Place, Floats]:
        """The values in the span of each place."""
        present, found = self.binned(name)
        widest = Span(
            0, min(one.first for one in spans.values()), max(one.last for one in spans.values()), 0
        )
        # Few rows are near a quantile anywhere: the places then look at those alone.
        near = widest.holds(found)
        column, found = self.values[name][present][near], found[near]
        codes = tuple(code[present][near] for code in self.codes)
        return {
            place: column[
                span.holds(found)
                if place.partition is None
                else span.holds(found) & (codes[place.partition] == place.code)
            ]
            for place, span in spans.items()
        }


def _floats(column: pl.Series) -> Floats:
    return np.asarray(column.cast(pl.Float64).fill_null(float("nan")).to_numpy())

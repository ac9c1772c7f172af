"""What estimators need to know of a value table, added up by cluster and part of the traffic.

Three passes, each over all rules and all parts of the traffic at once, whatever the number of rows:

    order     the values around every quantile                    (`harness.ranks`)
    sums      totals and counts of each cell, the point of every estimate among them
    moments   squares and cubes of the influence on means, which need the points first

Rows are read in pieces, and sums over pieces add up, so that neither the order of rows nor how they
are cut into parts changes an answer: counts are the same to the last bit, sums to about 1e-15.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harness.cells import Cells, Filled, PartCells, code_column, coded, collect
from harness.measure.segments import Partition
from harness.ranks import WHOLE, Place, Ranked, rank_windows
from harness.stats.clusters import Floats
from harness.stats.mean import Moments, Weighing
from harness.stats.paired_sums import PairedSums, Range, SingleSums
from harness.stats.proportion import ShareSums
from harness.stats.quantile import QuantileSums, SideCounts
from harness.stats.quantile_bound import LimitCounts
from harness.stats.rate import EventSums

SIDES = ("champion", "challenger")


@dataclass(frozen=True, slots=True)
class Share:
    """Values are 1 and 0."""


@dataclass(frozen=True, slots=True)
class Average:
    """Values are numbers, and their mean is wanted."""


@dataclass(frozen=True, slots=True)
class Order:
    """A quantile is wanted.

    Attributes:
        worst: What a failed exchange counts as, infinite one way or the other.
        limit: What one side alone is held against.
    """

    p: float
    worst: float = math.inf
    limit: float = math.nan


@dataclass(frozen=True, slots=True)
class Need:
    """What one estimate is made of.

    Attributes:
        values: Of both sides, champion's first, or of one; null for none.
    """

    values: tuple[pl.Expr, ...]
    kind: Share | Average | Order


@dataclass(frozen=True, slots=True)
class Weighed:
    """A mean whose influence is wanted: of which need, where, and what for."""

    need: int
    place: Place
    use: str = ""


BothSums: TypeAlias = ShareSums | PairedSums | QuantileSums
OneSums: TypeAlias = EventSums | SingleSums | LimitCounts


class Sums:
    """Of some needs, by their positions, within the whole and each part of the traffic."""

    def __init__(
        self, values: pl.LazyFrame, partitions: Sequence[Partition], needs: Sequence[Need]
    ) -> None:
        self._partitions = tuple(partitions)
        self._needs = tuple(needs)
        table = coded(values, partitions)
        named = {
            _value(i, side): _typed(expr, need.kind)
            for i, need in enumerate(needs)
            for side, expr in enumerate(need.values)
        }
        codes = [code_column(i) for i in range(len(partitions))]
        self._table = table.select(
            "cluster_id", *codes, *(expr.alias(name) for name, expr in named.items())
        )
        self._n_rows = values.select(pl.len()).collect().item()
        self._windows = rank_windows(table, partitions, self._ranked(named), n_rows=self._n_rows)
        cell_sums: dict[str, pl.Expr] = {"rows": pl.len()}
        group_sums: dict[str, pl.Expr] = {}
        for i, need in enumerate(needs):
            cell_sums |= self._of_cells(i, need)
            group_sums |= self._of_groups(i, need)
        self.cells = Cells.of(self._table, partitions, cell_sums, n_rows=self._n_rows)
        self._groups = _Groups.of(self._table, codes, group_sums, n_rows=self._n_rows)

    @property
    def parts(self) -> list[PartCells]:
        """The whole traffic, then each value of each segment."""
        return [self.cells.whole(), *self.cells.parts()]

    def of_both(self, i: int, part: PartCells) -> BothSums:
        """What need `i` has in a part, where it compares two sides."""
        filled = self._filled(i, part)
        match self._needs[i].kind:
            case Share():
                return ShareSums(
                    filled.sizes,
                    filled.n_left_out,
                    filled.totals(self.cells.sums[f"{i}.yes"]),
                    filled.totals(self.cells.sums[f"{i}.rise"]),
                    filled.totals(self.cells.sums[f"{i}.differing"]),
                )
            case Average():
                return self._paired(i, part, filled)
            case Order():
                return QuantileSums(
                    filled.sizes,
                    filled.n_left_out,
                    self._side(i, 0, part, filled),
                    self._side(i, 1, part, filled),
                    self._count(f"{i}.both", part),
                )

    def of_one(self, i: int, part: PartCells) -> OneSums:
        """What need `i` has in a part, where it is about one side or the pairs."""
        filled = self._filled(i, part)
        match self._needs[i].kind:
            case Share():
                events = filled.totals(self.cells.sums[f"{i}.events"])
                return EventSums(filled.sizes, filled.n_left_out, events)
            case Average():
                finite = self._total(f"{i}.infinite", part) == 0
                return SingleSums(
                    filled.sizes,
                    filled.n_left_out,
                    self._finite_totals(f"{i}.sum", filled, finite),
                    self._range(i, 0, part, finite),
                    finite,
                )
            case Order():
                return LimitCounts(
                    filled.sizes,
                    filled.n_left_out,
                    self._side(i, 0, part, filled),
                    round(self._total(f"{i}.at most", part)),
                    round(self._total(f"{i}.under", part)),
                )

    def clusters_of(self, i: int, part: PartCells) -> NDArray[np.intp]:
        """The clusters of what `of_both` gives for a part, in a numbering common to all parts."""
        return self._filled(i, part).codes

    def moments(self, weighings: Mapping[Weighed, Weighing | float]) -> dict[Weighed, Moments]:
        """Squares and cubes of the influence on means.

        Args:
            weighings: What gives each pair its influence: of both sides, or the mean of one.
        """
        if not weighings:
            return {}
        together: dict[str, list[Weighed]] = {}
        for key in weighings:
            together.setdefault(_moment(key), []).append(key)
        sums: dict[str, pl.Expr] = {}
        for name, keys in together.items():
            influence = self._influence(keys[0], {key.place: weighings[key] for key in keys})
            sums[f"{name} squares"] = (influence * influence).sum()
            sums[f"{name} cubes"] = (influence * influence * influence).sum()
        codes = [code_column(i) for i in range(len(self._partitions))]
        groups = _Groups.of(self._table, codes, sums, n_rows=self._n_rows)
        return {
            key: Moments(
                groups.total(f"{_moment(key)} squares", key.place),
                groups.total(f"{_moment(key)} cubes", key.place),
            )
            for key in weighings
        }

    def _influence(self, key: Weighed, weighings: Mapping[Place, Weighing | float]) -> pl.Expr:
        """The influence of each pair; in a partition, on the estimate of its own part."""

        def number(of: Mapping[Place, float]) -> pl.Expr:
            return _by_code(key.place.partition, {place.code: one for place, one in of.items()})

        n_sides = len(self._needs[key.need].values)
        values = [pl.col(_value(key.need, side)) for side in range(n_sides)]
        pairs = {place: one for place, one in weighings.items() if isinstance(one, Weighing)}
        if not pairs:
            levels = {p: one for p, one in weighings.items() if not isinstance(one, Weighing)}
            return values[0] - number(levels)
        champion, challenger = (
            value / number({place: getattr(one, f"{side}_unit") for place, one in pairs.items()})
            for side, value in zip(SIDES, values, strict=True)
        )
        sign = next(iter(pairs.values())).sign
        centres = number({place: one.centre for place, one in pairs.items()})
        return sign * (challenger - champion) - centres

    def _ranked(self, named: Mapping[str, pl.Expr]) -> dict[str, Ranked]:
        """The columns whose order is wanted: of complete pairs alone."""
        ranked = {}
        for i, need in enumerate(self._needs):
            if isinstance(need.kind, Order):
                sides = [named[_value(i, side)] for side in range(len(need.values))]
                complete = pl.all_horizontal(*(side.is_not_null() for side in sides))
                for side, expr in enumerate(sides):
                    ranked[_value(i, side)] = Ranked(pl.when(complete).then(expr), need.kind.p)
        return ranked

    def _of_cells(self, i: int, need: Need) -> dict[str, pl.Expr]:
        """What is added up for each cell."""
        values = [pl.col(_value(i, side)) for side in range(len(need.values))]
        complete = pl.all_horizontal(*(value.is_not_null() for value in values))
        found = {f"{i}.n": complete.sum()}
        match need.kind, values:
            case Share(), [champion, challenger]:
                found[f"{i}.yes"] = pl.when(complete).then(champion).sum().cast(pl.Int32)
                found[f"{i}.rise"] = (challenger - champion).sum().cast(pl.Int32)
                found[f"{i}.differing"] = (challenger != champion).sum()
            case Share(), [events]:
                found[f"{i}.events"] = events.sum().cast(pl.Int32)
            case Average(), [champion, challenger]:
                found[f"{i}.champion"] = pl.when(complete).then(champion).sum()
                found[f"{i}.challenger"] = pl.when(complete).then(challenger).sum()
                found[f"{i}.difference"] = (challenger - champion).sum()
            case Average(), [value]:
                found[f"{i}.sum"] = value.sum()
            case Order(worst=worst), _:
                for side, value in enumerate(values):
                    name = _value(i, side)
                    found[f"{name}.failed"] = (complete & (value == worst)).sum()
                    for partition in self._where():
                        below = complete & (value <= self._quantile(name, partition))
                        found[f"{name}.below {partition}"] = below.sum()
        return found

    def _of_groups(self, i: int, need: Need) -> dict[str, pl.Expr]:
        """What is added up, or the extreme of, for each combination of segments alone."""
        values = [pl.col(_value(i, side)) for side in range(len(need.values))]
        complete = pl.all_horizontal(*(value.is_not_null() for value in values))
        found = {
            f"{_value(i, side)}.n": value.is_not_null().sum() for side, value in enumerate(values)
        }
        match need.kind:
            case Share():
                pass
            case Average():
                infinite = pl.any_horizontal(*(value.is_infinite() for value in values))
                found[f"{i}.infinite"] = (complete & infinite).sum()
                if len(values) == 2:
                    found[f"{i}.different"] = (values[0] != values[1]).sum()
                for side, value in enumerate(values):
                    kept = pl.when(complete).then(value)
                    found[f"{_value(i, side)}.low"] = kept.min()
                    found[f"{_value(i, side)}.high"] = kept.max()
            case Order(limit=limit):
                found |= self._order_counts(i, values, complete, limit)
        return found

    def _order_counts(
        self, i: int, values: Sequence[pl.Expr], complete: pl.Expr, limit: float
    ) -> dict[str, pl.Expr]:
        found = {}
        for partition in self._where():
            below = []
            for side, value in enumerate(values):
                quantile = self._quantile(_value(i, side), partition)
                found[f"{_value(i, side)}.equal {partition}"] = (
                    complete & (value == quantile)
                ).sum()
                below.append(value <= quantile)
            found[f"{i}.both {partition}"] = (complete & pl.all_horizontal(*below)).sum()
        if len(values) == 1:
            found[f"{i}.at most"] = (values[0] <= limit).sum()
            found[f"{i}.under"] = (values[0] < limit).sum()
        return found

    def _quantile(self, name: str, partition: int | None) -> pl.Expr:
        """The quantile of the part that a row is in."""
        quantiles = {
            place.code: window.quantile(self._p(name))
            for (of, place), window in self._windows.items()
            if of == name and place.partition == partition
        }
        return _by_code(partition, quantiles)

    def _p(self, name: str) -> float:
        kind = self._needs[int(name.partition(".")[0])].kind
        assert isinstance(kind, Order)
        return kind.p

    def _where(self) -> list[int | None]:
        return [None, *range(len(self._partitions))]

    def _filled(self, i: int, part: PartCells) -> Filled:
        return Filled.of(part, self.cells.sums[f"{i}.n"], part.total(self.cells.sums["rows"]))

    def _paired(self, i: int, part: PartCells, filled: Filled) -> PairedSums:
        finite = self._total(f"{i}.infinite", part) == 0
        return PairedSums(
            clusters=filled.sizes,
            n_left_out=filled.n_left_out,
            champion=self._finite_totals(f"{i}.champion", filled, finite),
            challenger=self._finite_totals(f"{i}.challenger", filled, finite),
            difference=self._finite_totals(f"{i}.difference", filled, finite),
            champion_range=self._range(i, 0, part, finite),
            challenger_range=self._range(i, 1, part, finite),
            n_different=round(self._total(f"{i}.different", part)),
            is_finite=finite,
        )

    def _finite_totals(self, name: str, filled: Filled, finite: bool) -> Floats:
        if not finite:
            return np.zeros(filled.sizes.n_clusters)
        return filled.totals(self.cells.sums[name])

    def _range(self, i: int, side: int, part: PartCells, finite: bool) -> Range:
        if not finite:
            return Range(0.0, 0.0)
        place, name = place_of(part), _value(i, side)
        return Range(
            self._groups.extreme(f"{name}.low", place, np.min),
            self._groups.extreme(f"{name}.high", place, np.max),
        )

    def _side(self, i: int, side: int, part: PartCells, filled: Filled) -> SideCounts:
        name, kind = _value(i, side), self._needs[i].kind
        assert isinstance(kind, Order)
        window = self._windows.get((name, place_of(part)))
        return SideCounts(
            p=kind.p,
            order=window if window is not None else _NO_ORDER,
            value=window.quantile(kind.p) if window is not None else math.nan,
            below=filled.totals(self.cells.sums[f"{name}.below {part.partition}"]),
            failed=filled.totals(self.cells.sums[f"{name}.failed"]),
            n_equal=self._count(f"{name}.equal", part),
        )

    def _count(self, name: str, part: PartCells) -> int:
        return round(self._total(f"{name} {part.partition}", part))

    def _total(self, name: str, part: PartCells) -> float:
        return self._groups.total(name, place_of(part))


def place_of(part: PartCells) -> Place:
    """Where a part is."""
    return WHOLE if part.partition is None else Place(part.partition, part.code)


class _NoOrder:
    """Of a part without a value; its clusters are too few to be asked about."""

    def quantile(self, p: float) -> float:
        raise AssertionError(f"no value, so no quantile {p}")


_NO_ORDER = _NoOrder()


@dataclass(frozen=True, slots=True, eq=False)
class _Groups:
    """Sums and extremes by combination of segments: few rows, whatever the number of clusters."""

    codes: Mapping[str, NDArray[np.generic]]
    columns: Mapping[str, Floats]

    @classmethod
    def of(
        cls,
        table: pl.LazyFrame,
        codes: Sequence[str],
        sums: Mapping[str, pl.Expr],
        *,
        n_rows: int,
    ) -> _Groups:
        exprs = [expr.cast(pl.Float64).alias(name) for name, expr in sums.items()]
        if not codes:
            frame = collect(table.select(exprs), n_rows=n_rows)
        else:
            # In an order of their own, so that a sum over them is the same each time.
            frame = collect(table.group_by(codes).agg(exprs), n_rows=n_rows).sort(codes)
        return cls(
            {code: frame[code].to_numpy() for code in codes},
            {name: frame[name].fill_null(math.nan).to_numpy() for name in sums},
        )

    def total(self, name: str, place: Place) -> float:
        """A sum over the rows of a place."""
        return float(self._column(name, place).sum())

    def extreme(self, name: str, place: Place, of: Callable[[Floats], float]) -> float:
        """The extreme of a place; 0 without a value."""
        column = self._column(name, place)
        known = column[~np.isnan(column)]
        return float(of(known)) if known.size else 0.0

    def _column(self, name: str, place: Place) -> Floats:
        column = self.columns[name]
        if place.partition is None:
            return column
        return np.asarray(column[self.codes[code_column(place.partition)] == place.code])


def _value(i: int, side: int) -> str:
    return f"{i}.{side}"


def _typed(expr: pl.Expr, kind: Share | Average | Order) -> pl.Expr:
    if isinstance(kind, Share):
        return expr.cast(pl.Int8)
    return expr.cast(pl.Float64).fill_nan(None)


def _moment(key: Weighed) -> str:
    """What one pass can add up side by side: parts of a partition have no row in common."""
    return f"{key.need} {key.place.partition} {key.use}"


def _by_code(partition: int | None, numbers: Mapping[int, float]) -> pl.Expr:
    """A number for each row: one for all, or one by its code in a partition; null for others."""
    if partition is None:
        return pl.lit(numbers[0] if numbers else None, pl.Float64)
    if not numbers:
        return pl.lit(None, pl.Float64)
    return pl.col(code_column(partition)).replace_strict(
        list(numbers), list(numbers.values()), default=None, return_dtype=pl.Float64
    )

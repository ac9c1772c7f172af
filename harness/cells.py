"""A value table added up by cluster and by part of the traffic.

A *cell* is the rows of one cluster that are in the same value of every segment; a part of the
traffic is some of the cells, and the whole is all of them. Everything an estimate needs of its
pairs is a sum over them, so that rows are read once, in pieces, by all cores, and only cells are
kept: as many as there are clusters, where users stay in their segment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harness.measure.segments import Partition
from harness.stats.clusters import Clusters, ClusterSizes, Codes, Floats

IN_PIECES_FROM = 1_000_000
"""Rows from which a table is read in pieces; below, one piece gives the same digits every time."""

_CLUSTER = "cluster_id"
_FIRST_ROW = "first_row"


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """The cells of a table, and sums over the rows of each.

    Attributes:
        clusters: The cluster of each cell.
        codes: By partition, the label each cell is in; -1 for none.
        sums: By name; one number a cell.
    """

    partitions: tuple[Partition, ...]
    clusters: Clusters
    codes: tuple[Codes, ...]
    sums: Mapping[str, NDArray[np.generic]]

    @classmethod
    def of(
        cls,
        values: pl.LazyFrame,
        partitions: Sequence[Partition],
        sums: Mapping[str, pl.Expr],
        *,
        n_rows: int,
    ) -> Cells:
        """Add up a table of `n_rows`.

        Args:
            values: With the codes of the partitions (`coded`).
            sums: Aggregations; each must be the sum over rows of something.
        """
        keys = [code_column(i) for i in range(len(partitions))]
        frame = collect(
            values.with_row_index(_FIRST_ROW)
            .group_by(_CLUSTER, *keys)
            .agg(pl.col(_FIRST_ROW).min(), *(sum_.alias(name) for name, sum_ in sums.items())),
            n_rows=n_rows,
        ).sort(_FIRST_ROW)
        return cls(
            tuple(partitions),
            _clusters(frame),
            tuple(frame[key].to_numpy().astype(np.intp) for key in keys),
            {name: frame[name].to_numpy() for name in sums},
        )

    def whole(self) -> PartCells:
        """All of the traffic."""
        every = np.arange(self.clusters.codes.size)
        return PartCells("", None, 0, every, self.clusters.codes, np.arange(self.n_clusters))

    def parts(self) -> list[PartCells]:
        """Each value of each segment."""
        return [
            self._part(label, i, code)
            for i, partition in enumerate(self.partitions)
            for code, label in enumerate(partition.labels)
        ]

    def rest(self, part: PartCells) -> PartCells:
        """What is in no value of a part's segment."""
        assert part.partition is not None
        return self._part("", part.partition, -1)

    @property
    def n_clusters(self) -> int:
        return self.clusters.n_clusters

    def _part(self, label: str, partition: int, code: int) -> PartCells:
        cells = np.flatnonzero(self.codes[partition] == code)
        clusters, local = np.unique(self.clusters.codes[cells], return_inverse=True)
        return PartCells(label, partition, code, cells, local, clusters)


@dataclass(frozen=True, slots=True, eq=False)
class PartCells:
    """The cells of one part of the traffic.

    Attributes:
        name: `source=mobile`; empty for the whole.
        partition: Which segment it is a value of; None for the whole.
        code: Its position among that segment's labels.
        cells: Positions in the table of cells.
        local: Of each of these, its cluster in the part's own numbering.
        clusters: The part's clusters in the numbering of all.
    """

    name: str
    partition: int | None
    code: int
    cells: Codes
    local: Codes
    clusters: Codes

    def totals(self, column: NDArray[np.generic]) -> Floats:
        """A sum over cells as one over the part's clusters."""
        own = column if self.cells.size == column.size else column[self.cells]
        totals = np.bincount(self.local, own, minlength=self.clusters.size)
        return np.asarray(totals, dtype=np.float64)

    def total(self, column: NDArray[np.generic]) -> float:
        """A sum over cells as one over all of the part."""
        return float(column[self.cells].sum(dtype=np.float64))


@dataclass(frozen=True, slots=True, eq=False)
class Filled:
    """The clusters of a part that have a complete pair, and sums over them.

    Attributes:
        part: Clusters of the part, `keep` of them have pairs.
        sizes: Complete pairs of those.
    """

    part: PartCells
    keep: NDArray[np.bool_]
    sizes: ClusterSizes
    n_left_out: int
    codes: Codes = field(init=False)

    @classmethod
    def of(cls, part: PartCells, n_complete: NDArray[np.generic], n_rows: float) -> Filled:
        """The clusters with pairs, by the number of complete ones in each cell."""
        sizes = part.totals(n_complete)
        keep = sizes > 0
        return cls(part, keep, ClusterSizes(sizes[keep]), round(n_rows - float(sizes.sum())))

    def __post_init__(self) -> None:
        object.__setattr__(self, "codes", self.part.clusters[self.keep])

    def totals(self, column: NDArray[np.generic]) -> Floats:
        """A sum over cells as one over the clusters that have pairs."""
        return self.part.totals(column)[self.keep]


def coded(values: pl.LazyFrame, partitions: Sequence[Partition]) -> pl.LazyFrame:
    """A table with the label each row is in, by partition; found once, as text is slow to read."""
    if not partitions:
        return values
    codes = values.with_columns(
        one.code.fill_null(-1).alias(code_column(i)) for i, one in enumerate(partitions)
    ).select(code_column(i) for i in range(len(partitions)))
    return pl.concat([values, codes.collect().lazy()], how="horizontal")


def code_column(partition: int) -> str:
    """The column with the codes of a partition; -1 stands for none."""
    return f"part {partition}"


def collect(frame: pl.LazyFrame, *, n_rows: int = IN_PIECES_FROM) -> pl.DataFrame:
    """Compute; in pieces, in no more memory than the result needs, where a table is long."""
    return frame.collect(engine="streaming" if n_rows >= IN_PIECES_FROM else "in-memory")


def _clusters(frame: pl.DataFrame) -> Clusters:
    """Numbered by their first rows, so that sums do not hang on the order of a hash."""
    first = frame.select(pl.col(_FIRST_ROW).min().over(_CLUSTER)).to_series().to_numpy()
    return Clusters.of(first.astype(np.intp))

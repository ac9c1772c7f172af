"""Rows of a value table that are asked about together: all of them, or those of one segment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harness.gate.policy import Policy
from harness.looking import looking_at, part_of
from harness.measure.segments import Segment
from harness.stats.clusters import Clusters, Floats
from harness.stats.sequential import Looking


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """The rows of one segment, as indices, and their clusters: found once for all rules.

    Attributes:
        name: `source=mobile`; empty for the whole table.
        looking: The same rows in the order they came; None where one look was planned.
    """

    name: str
    rows: NDArray[np.intp]
    clusters: Clusters
    looking: Looking | None

    @classmethod
    def whole(cls, values: pl.LazyFrame, clusters: Clusters, policy: Policy) -> Part:
        """Every row of a value table."""
        looking = looking_at(values, clusters, policy) if policy.sequential else None
        return cls("", np.arange(clusters.n_pairs), clusters, looking)

    def of(self, values: Floats) -> Floats:
        """Its values. Rows are distinct, so that as many as there are values are all of them."""
        return values if self.rows.size == values.size else values.take(self.rows)

    def where(self, segment: Segment) -> Part:
        """One segment of the whole table."""
        rows = np.flatnonzero(segment.rows)
        looking = None if self.looking is None else part_of(self.looking, segment.rows)
        return Part(segment.name, rows, self.clusters.where(segment.rows), looking)


def clusters_of(values: pl.LazyFrame) -> Clusters:
    """The cluster of each row of a value table, whatever text names it.

    In the order of their first rows: polars' own codes hang on what else the process has seen, and
    sums taken in another order differ in their last digits.
    """
    names = values.select(pl.col("cluster_id").cast(pl.Categorical)).collect().to_series()
    codes = names.to_physical().to_numpy()
    first_row = np.empty(int(codes.max(initial=0)) + 1, dtype=np.intp)
    first_row[codes[::-1]] = np.arange(codes.size - 1, -1, -1)  # of equal codes the last one stays
    return Clusters.of(first_row[codes])

"""Pairs added up: what the mean of a quantity needs to know of them, cluster by cluster.

Sums of several parts of a table add up to the sums of the whole, so that nothing here needs to see
all pairs at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.stats.clusters import Floats, Grouped
from harness.stats.paired import Paired, Single


@dataclass(frozen=True, slots=True)
class Range:
    """The smallest and the largest of some finite values; 0 and 0 of none."""

    low: float
    high: float

    @classmethod
    def of(cls, values: Floats) -> Range:
        return cls(float(values.min()), float(values.max())) if values.size else cls(0.0, 0.0)

    @property
    def reach(self) -> float:
        """The largest absolute value."""
        return max(self.high, -self.low)


@dataclass(frozen=True, slots=True, eq=False)
class PairedSums:
    """Complete pairs of two sides, added up by cluster.

    Attributes:
        clusters: Those with a complete pair.
        champion: Sum of its values in each cluster; `challenger` likewise.
        difference: Sum of challenger minus champion, taken pair by pair.
        n_different: Pairs whose two values are not the same.
        is_finite: Whether no value is infinite; the sums say nothing otherwise.
    """

    clusters: Grouped
    n_left_out: int
    champion: Floats
    challenger: Floats
    difference: Floats
    champion_range: Range
    challenger_range: Range
    n_different: int
    is_finite: bool

    @classmethod
    def of(cls, pairs: Paired) -> PairedSums:
        """Add up pairs that are all at hand."""
        finite = bool(np.isfinite(pairs.champion).all() and np.isfinite(pairs.challenger).all())
        left, right, clusters = pairs.champion, pairs.challenger, pairs.clusters
        if not finite:
            left = right = np.zeros(clusters.n_pairs)
        return cls(
            clusters=clusters,
            n_left_out=pairs.n_left_out,
            champion=clusters.totals(left),
            challenger=clusters.totals(right),
            difference=clusters.totals(right - left),
            champion_range=Range.of(left),
            challenger_range=Range.of(right),
            n_different=int(np.count_nonzero(left != right)),
            is_finite=finite,
        )

    @property
    def champion_mean(self) -> float:
        return float(self.champion.sum()) / self.clusters.n_pairs

    @property
    def challenger_mean(self) -> float:
        return float(self.challenger.sum()) / self.clusters.n_pairs

    @property
    def mean_difference(self) -> float:
        return float(self.difference.sum()) / self.clusters.n_pairs


@dataclass(frozen=True, slots=True, eq=False)
class SingleSums:
    """One value per pair, added up by cluster; see `PairedSums`."""

    clusters: Grouped
    n_left_out: int
    totals: Floats
    range: Range
    is_finite: bool

    @classmethod
    def of(cls, pairs: Single) -> SingleSums:
        """Add up values that are all at hand."""
        finite = bool(np.isfinite(pairs.values).all())
        values = pairs.values if finite else np.zeros(pairs.clusters.n_pairs)
        return cls(
            clusters=pairs.clusters,
            n_left_out=pairs.n_left_out,
            totals=pairs.clusters.totals(values),
            range=Range.of(values),
            is_finite=finite,
        )

    @property
    def mean(self) -> float:
        return float(self.totals.sum()) / self.clusters.n_pairs

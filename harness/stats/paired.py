"""The pairs that have a value on both sides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from harness.stats.clusters import Booleans, Clusters, Floats


@dataclass(frozen=True, slots=True, eq=False)
class Paired:
    """Values of both sides, and the clusters they belong to.

    Attributes:
        n_left_out: Pairs without a value on one side or both.
    """

    champion: Floats
    challenger: Floats
    clusters: Clusters
    n_left_out: int

    @classmethod
    def complete(cls, champion: ArrayLike, challenger: ArrayLike, clusters: Clusters) -> Paired:
        """Leave out the pairs with NaN on a side, and count them."""
        left, right = _aligned(champion, clusters), _aligned(challenger, clusters)
        keep = ~(np.isnan(left) | np.isnan(right))
        n_left_out = int(keep.size - np.count_nonzero(keep))
        return cls(_kept(left, keep), _kept(right, keep), clusters.where(keep), n_left_out)


@dataclass(frozen=True, slots=True, eq=False)
class Single:
    """One value per pair, and the clusters they belong to; `n_left_out` pairs had none."""

    values: Floats
    clusters: Clusters
    n_left_out: int

    @classmethod
    def complete(cls, values: ArrayLike, clusters: Clusters) -> Single:
        """Leave out NaN, and count it."""
        given = _aligned(values, clusters)
        keep = ~np.isnan(given)
        n_left_out = int(keep.size - np.count_nonzero(keep))
        return cls(_kept(given, keep), clusters.where(keep), n_left_out)


def _aligned(values: ArrayLike, clusters: Clusters) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    if array.shape != clusters.codes.shape:
        raise ValueError(f"{array.shape} values for {clusters.codes.shape} cluster codes")
    return array


def _kept(values: Floats, keep: Booleans) -> Floats:
    return values if keep.all() else values[keep]

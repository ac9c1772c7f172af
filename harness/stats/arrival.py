"""The order in which pairs came, so that every look is a longer beginning of the same story.

What an always-valid rule freezes at its burn-in must not depend on when somebody first looked, or a
run judged again would give another verdict. So the burn-in is looked for at fixed points of the run
itself: when the 50th cluster arrives, the 55th, the 61st and so on, each a tenth further.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.stats.clusters import Booleans, Clusters, Codes

# Fewer clusters are no ground for a normal bound that is looked at again and again.
FIRST_CHECKPOINT = 50
_STEP = 1.1


@dataclass(frozen=True, slots=True, eq=False)
class Arrival:
    """Pairs in the order they came.

    Attributes:
        order: Index of each pair in its table, first come first.
        clusters: In that order; numbered as they first appear.
        checkpoints: Pairs there were when the 50th, 55th, ... cluster had just arrived.

    Examples:
        >>> arrival = Arrival.of([2, 0, 1], [7, 7, 3])
        >>> arrival.clusters.codes.tolist()
        [0, 1, 1]
    """

    order: Codes
    clusters: Clusters
    checkpoints: tuple[int, ...]

    @classmethod
    def of(cls, order: ArrayLike, codes: ArrayLike) -> Arrival:
        """From the order of the table's rows, and the cluster codes in the table's own order."""
        rows = np.asarray(order, dtype=np.intp)
        named = Clusters.of(np.asarray(codes)[rows] if rows.size else np.empty(0, dtype=np.intp))
        first = np.empty(named.n_clusters, dtype=np.intp)
        # The last write stays, so writing backwards leaves the first appearance.
        first[named.codes[::-1]] = np.arange(rows.size)[::-1]
        arrived = np.argsort(first)
        rank = np.empty_like(arrived)
        rank[arrived] = np.arange(arrived.size)
        seen = first[arrived]
        return cls(
            order=rows,
            clusters=Clusters(rank[named.codes], named.sizes[arrived]),
            checkpoints=tuple(int(seen[k - 1]) + 1 for k in _schedule(arrived.size)),
        )

    @property
    def n_pairs(self) -> int:
        return self.clusters.n_pairs

    def first(self, n_pairs: int) -> Clusters:
        """The clusters of the first pairs, as they were known then."""
        if n_pairs == self.n_pairs:
            return self.clusters
        codes = self.clusters.codes[:n_pairs]
        return Clusters(codes, np.bincount(codes).astype(np.float64))

    def where(self, keep: Booleans) -> Arrival:
        """The arrival of the pairs kept, `keep` in the order of arrival; `order` is still that of
        the table."""
        kept = self.clusters.codes[keep]
        return replace(Arrival.of(np.arange(kept.size), kept), order=self.order[keep])

    def matured(self, at_ns: NDArray[np.int64], window_s: float) -> Booleans:
        """Which pairs count when every cluster counts once, for what it did in its first window.

        A cluster counts from `window_s` after its first pair on; waiting for the end of a visit
        instead would favour short ones.

        Args:
            at_ns: When each pair came, in the order of arrival.
        """
        if at_ns.size == 0:
            return np.empty(0, dtype=np.bool_)
        first = np.empty(self.clusters.n_clusters, dtype=np.int64)
        first[self.clusters.codes[::-1]] = at_ns[::-1]
        ends = first[self.clusters.codes] + round(window_s * 1e9)
        return np.asarray((ends <= at_ns[-1]) & (at_ns < ends))


def next_checkpoint(n_clusters: int) -> int:
    """The first point of the schedule beyond so many clusters."""
    point = FIRST_CHECKPOINT
    while point <= n_clusters:
        point = math.ceil(point * _STEP)
    return point


def _schedule(n_clusters: int) -> list[int]:
    points, point = [], FIRST_CHECKPOINT
    while point <= n_clusters:
        points.append(point)
        point = math.ceil(point * _STEP)
    return points

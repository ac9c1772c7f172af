"""The values at given ranks of a long column, without sorting all of it."""

from __future__ import annotations

import math

import numpy as np

from harness.stats.clusters import Floats

# Half-width of the sorted window around the first rank, in standard errors of independent pairs.
# A Woodruff interval of pairs with a design effect up to (20 / 2)^2 = 100 stays inside.
_WINDOW_SE = 20


class OrderStatistics:
    """Order statistics near one quantile; a rank outside the window costs a partition of its own.

    Args:
        values: The column, NaN-free; infinities are allowed.
        p: The quantile looked at, in (0, 1).

    Examples:
        >>> column = OrderStatistics(np.array([3.0, 1.0, 2.0, 4.0]), p=0.5)
        >>> column.quantile(0.5), column.quantile(0.51)
        (2.0, 3.0)
    """

    __slots__ = ("_first", "_values", "_window")

    def __init__(self, values: Floats, p: float) -> None:
        reach = math.ceil(_WINDOW_SE * math.sqrt(values.size * p * (1 - p))) + 10
        centre = _rank(p, values.size)
        low, high = max(0, centre - reach), min(values.size - 1, centre + reach)
        parted = np.partition(values, (low, high))
        self._first = low
        self._window = np.sort(parted[low : high + 1])
        self._values = values

    def quantile(self, p: float) -> float:
        """The smallest value with at least a share `p` of all values up to it; `p` is clipped."""
        rank = _rank(p, self._values.size)
        place = rank - self._first
        if 0 <= place < self._window.size:
            return float(self._window[place])
        return float(np.partition(self._values, rank)[rank])


def _rank(p: float, size: int) -> int:
    # n p = 9.000000000000002 is meant to be 9.
    return min(size - 1, max(0, math.ceil(p * size - 1e-9 * max(1.0, p * size)) - 1))

"""The values around one rank of a column that comes in pieces.

Two passes over the column find them exactly, whatever its length and however it is cut. The first
counts values by the leading bits of their binary form, whose order is that of the values. The
second keeps those that share their leading bits with a wanted rank.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.stats.clusters import Floats

N_BINS = 1 << 16
_SHIFT = np.uint64(64 - 16)
_FIRST_NEGATIVE = N_BINS // 2

# Half-width of the window around the rank, in standard errors of independent pairs. A Woodruff
# interval of pairs with a design effect up to (20 / 2)^2 = 100 stays inside.
_WINDOW_SE = 20

Refetch = Callable[[float, float], Floats]
"""All values of the column from the first number to the second, for a rank outside the window."""


def bins(values: Floats) -> NDArray[np.intp]:
    """The bin of each value, 0 to `N_BINS - 1`; a larger value is in no smaller bin. No NaN.

    Examples:
        >>> found = bins(np.array([-np.inf, -1.0, 0.0, 1e-300, 2.0, np.inf]))
        >>> bool((np.diff(found) > 0).all())
        True
    """
    # A sum with 0 turns a negative zero into the other one, with which it is equal.
    bits = (values + 0.0).view(np.uint64)
    leading = (bits >> _SHIFT).view(np.intp)
    if not leading.size or int(leading.max()) < _FIRST_NEGATIVE:
        return np.asarray(leading + _FIRST_NEGATIVE)
    # Of negative numbers the larger bits are the smaller value, and all are below the others.
    return np.where(leading < _FIRST_NEGATIVE, leading + _FIRST_NEGATIVE, N_BINS - 1 - leading)


@dataclass(frozen=True, slots=True)
class Span:
    """The bins that hold the ranks around a quantile.

    Attributes:
        n: Values in the column.
        n_before: Values in the bins before `first`.
    """

    n: int
    first: int
    last: int
    n_before: int

    @classmethod
    def around(cls, p: float, counts: NDArray[np.intp]) -> Span:
        """Of the quantile `p`, from the number of values in each bin.

        Raises:
            ValueError: There are no values.
        """
        n = int(counts.sum())
        if n == 0:
            raise ValueError("no values, so no quantile")
        reach = math.ceil(_WINDOW_SE * math.sqrt(n * p * (1 - p))) + 10
        centre = rank_of(p, n)
        up_to = np.cumsum(counts)
        first = int(np.searchsorted(up_to, max(0, centre - reach), side="right"))
        last = int(np.searchsorted(up_to, min(n - 1, centre + reach), side="right"))
        return cls(n, first, last, int(up_to[first - 1]) if first else 0)

    def holds(self, found: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Which of these bins are in the span."""
        return (found >= self.first) & (found <= self.last)


@dataclass(frozen=True, slots=True, eq=False)
class RankWindow:
    """Order statistics around one quantile; a rank outside the window costs another look.

    Args:
        n: Values in the column.
        n_before: How many of them are below the window.
        window: Its values, in order.

    Examples:
        >>> column = RankWindow.whole(np.array([3.0, 1.0, 2.0, 4.0]))
        >>> column.quantile(0.5), column.quantile(0.51)
        (2.0, 3.0)
    """

    n: int
    n_before: int
    window: Floats
    refetch: Refetch

    @classmethod
    def whole(cls, values: Floats) -> RankWindow:
        """All of a column that is at hand."""
        return cls(values.size, 0, np.sort(values), _nothing_outside)

    def quantile(self, p: float) -> float:
        """The smallest value with at least a share `p` of all values up to it; `p` is clipped."""
        place = rank_of(p, self.n) - self.n_before
        if 0 <= place < self.window.size:
            return float(self.window[place])
        if place < 0:
            below = np.sort(self.refetch(-math.inf, float(self.window[0])))
            return float(below[place + self.n_before])
        above = np.sort(self.refetch(float(self.window[-1]), math.inf))
        # Counted from the end, so that values equal to the window's last do not matter.
        return float(above[place + self.n_before - self.n])


def rank_of(p: float, size: int) -> int:
    """The position, from 0, of the quantile `p` among so many values in order."""
    # n p = 9.000000000000002 is meant to be 9.
    return min(size - 1, max(0, math.ceil(p * size - 1e-9 * max(1.0, p * size)) - 1))


def _nothing_outside(low: float, high: float) -> Floats:
    raise AssertionError(f"the window is the whole column, nothing from {low} to {high} is missing")

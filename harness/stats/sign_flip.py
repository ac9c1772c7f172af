"""The cluster sign-flip test: what if each cluster could as well have gone the other way?

Under the null value `c` the totals `U_k = D_k - c m_k` scatter evenly around zero, so flipping the
sign of any of them gives data as likely as ours. The studentised statistic divides by
`sqrt(sum(U_k^2))`, which no flip changes; so flipping the set `S` raises the sum exactly when
`sum_S D_k / sum_S m_k <= c`. The whole test is therefore a list of subset means, computed once:

    P(c or more) = share of subsets, the empty one included, whose mean is at least c

and its confidence bounds are order statistics of the same list, so the interval and the p-value
never contradict each other.

Of very many clusters only the largest are flipped one by one. The others are flipped in groups: a
group scatters as evenly around zero as its clusters do, and the time does not grow with the users.

References:
    Chung & Romano (2013), Annals of Statistics 41:484.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from harness.stats.clusters import Floats

# All subsets are listed up to here; beyond it subsets are drawn.
MAX_ENUMERATED = 20_000
N_DRAWS = 9_999

# More clusters than this are put together into so many parts to flip.
MAX_FLIPPED = 1_000

# Subset means this close, relative to the largest, are equal: sums of decimals differ in the last
# bits by the order of addition, and a tie must count on both sides.
_TIE = 1e-12

# Draws are made in blocks of this many clusters times draws, to keep memory flat.
_CELLS_AT_ONCE = 4_000_000


def n_subsets(n_clusters: int) -> int:
    """How many subsets are looked at, the empty one included: all of them, or a draw."""
    return N_DRAWS + 1 if _is_drawn(n_clusters) else int(2**n_clusters)


def _is_drawn(n_clusters: int) -> bool:
    return n_clusters > math.log2(MAX_ENUMERATED)


@dataclass(frozen=True, slots=True, eq=False)
class SignFlip:
    """The subset means of one data set, sorted, without the empty subset.

    Attributes:
        exact: Whether all subsets were listed.
    """

    _for_upper: Floats
    _for_lower: Floats
    exact: bool

    @classmethod
    def of(cls, totals: Floats, sizes: Floats, *, seed: int = 0) -> SignFlip:
        """List or draw the subsets.

        Args:
            totals: `D_k`, the total of each cluster (not centred).
            sizes: `m_k`, what each total is divided by.
            seed: Of the draws; unused where all subsets are listed.
        """
        exact = not _is_drawn(sizes.size)
        # The draws must not depend on the order of the clusters, nor on which side is which.
        leaning = totals * np.sign(totals.sum())
        order = np.lexsort((leaning, sizes, np.abs(totals)))
        parts = _few(np.column_stack((totals[order], sizes[order])))
        sums = _all_subset_sums(parts) if exact else _drawn_subset_sums(parts, seed)
        # A drawn subset may be empty: it leaves the data as they are, a tie on both sides.
        empty = sums[:, 1] == 0
        means = sums[:, 0] / np.where(empty, 1.0, sums[:, 1])
        slack = _TIE * float(np.abs(means).max())
        upper = np.sort(np.where(empty, math.inf, means + slack))
        lower = np.sort(np.where(empty, -math.inf, means - slack))
        return cls(upper, lower, exact)

    @property
    def n_subsets(self) -> int:
        """How many subsets the p-values count, the empty one included."""
        return int(self._for_upper.size) + 1

    def p_at_least(self, null: float) -> float:
        """One-sided p-value of "the mean is `null` or more"; small means surely below."""
        n_less = int(np.searchsorted(self._for_upper, null, side="left"))
        return (self.n_subsets - n_less) / self.n_subsets

    def p_at_most(self, null: float) -> float:
        """One-sided p-value of "the mean is `null` or less"; small means surely above."""
        n_up_to = int(np.searchsorted(self._for_lower, null, side="right"))
        return (1 + n_up_to) / self.n_subsets

    def p_two_sided(self, null: float) -> float:
        return min(1.0, 2 * min(self.p_at_least(null), self.p_at_most(null)))

    def upper(self, alpha: float) -> float:
        """The bound `b` with `p_at_least(c) < alpha` for every `c > b`; inf where none has it."""
        rank = math.ceil(alpha * self.n_subsets - 1 - 1e-9)
        return float(self._for_upper[-rank]) if rank >= 1 else math.inf

    def lower(self, alpha: float) -> float:
        """The bound `b` with `p_at_most(c) < alpha` for every `c < b`; -inf where none has it."""
        rank = math.ceil(alpha * self.n_subsets - 1 - 1e-9)
        return float(self._for_lower[rank - 1]) if rank >= 1 else -math.inf


def _few(parts: Floats) -> Floats:
    """The parts to flip: the clusters, or the larger ones and groups of the others."""
    if len(parts) <= MAX_FLIPPED:
        return parts
    n_groups = MAX_FLIPPED // 2
    by_size = parts[np.argsort(parts[:, 1], kind="stable")]
    small, large = by_size[: n_groups - MAX_FLIPPED], by_size[n_groups - MAX_FLIPPED :]
    group = np.arange(len(small)) % n_groups
    sums = [np.bincount(group, small[:, column]) for column in (0, 1)]
    return np.concatenate((np.column_stack(sums), large))


def _all_subset_sums(parts: Floats) -> Floats:
    sums = np.zeros((1, 2))
    for part in parts:
        sums = np.concatenate((sums, sums + part))
    return sums[1:]


def _drawn_subset_sums(parts: Floats, seed: int) -> Floats:
    rng = np.random.default_rng(seed)
    rows = max(1, _CELLS_AT_ONCE // len(parts))
    blocks = [
        (rng.random((min(rows, N_DRAWS - start), len(parts))) < 0.5) @ parts
        for start in range(0, N_DRAWS, rows)
    ]
    return np.concatenate(blocks)

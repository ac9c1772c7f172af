"""Ranks of paired differences: companions of a mean that no outlier can move.

They answer another question than a gate does (is the *typical* difference zero?) and take pairs as
independent, so they are reported and never decide.

References:
    Hollander & Wolfe (1973), Nonparametric Statistical Methods. Pratt (1959), Journal of the
    American Statistical Association 54:655, for zeros.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import Literal

import numpy as np
from scipy import stats

from harness.stats.clusters import Floats
from harness.stats.interval import Interval

# Walsh averages are n (n + 1) / 2 numbers: 4.5 million at this many pairs.
MAX_PAIRS = 3_000

# Up to here, and without ties or zeros, the distribution of ranks is counted, not approximated.
_MAX_EXACT = 50


class Zeros(Enum):
    """What becomes of pairs that do not differ."""

    PRATT = "pratt"  # ranked, then left out: the default, because agreement is common here
    WILCOX = "wilcox"  # left out before ranking, as R does
    SPLIT = "zsplit"  # ranked, half of them counted on each side


@dataclass(frozen=True, slots=True)
class SignedRank:
    """Wilcoxon's signed-rank test.

    Attributes:
        positive: Sum of the ranks of positive differences (V in R).
        statistic: The smaller of the sums of positive and of negative ranks.
        p_value: Two-sided.
    """

    positive: float
    statistic: float
    p_value: float


def signed_rank(
    differences: Floats,
    *,
    zeros: Zeros = Zeros.PRATT,
    correction: bool = False,
    exact: bool = False,
) -> SignedRank:
    """Test whether differences scatter evenly around zero.

    Args:
        correction: Correct the normal approximation for the steps of the ranks.
        exact: Count the distribution of the ranks; for few pairs without ties.
    """
    if not differences.any():
        return SignedRank(0.0, 0.0, 1.0)
    method: Literal["exact", "approx"] = "exact" if exact else "approx"
    upper = stats.wilcoxon(
        differences,
        zero_method=zeros.value,
        correction=correction,
        method=method,
        alternative="greater",
    )
    two_sided = stats.wilcoxon(
        differences, zero_method=zeros.value, correction=correction, method=method
    )
    return SignedRank(float(upper.statistic), float(two_sided.statistic), float(two_sided.pvalue))


@dataclass(frozen=True, slots=True)
class HodgesLehmann:
    """The pseudo-median: the middle of all averages of two differences.

    Attributes:
        interval: Two-sided, by inverting the signed-rank test.
    """

    estimate: float
    interval: Interval


def hodges_lehmann(differences: Floats, *, confidence: float) -> HodgesLehmann:
    """Estimate the typical difference; at most 3 000 pairs.

    Raises:
        ValueError: With none or with too many pairs; draw some first.

    Examples:
        >>> found = hodges_lehmann(np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), confidence=0.9)
        >>> found.estimate, found.interval
        (3.5, Interval(low=2.0, high=5.0))
    """
    n = differences.size
    if not 0 < n <= MAX_PAIRS:
        raise ValueError(f"{n} pairs, the pseudo-median takes 1 to {MAX_PAIRS}")
    rows, columns = np.triu_indices(n)
    walsh = np.sort((differences[rows] + differences[columns]) / 2)
    rank = _bound_rank(n, (1 - confidence) / 2)
    return HodgesLehmann(
        float(np.median(walsh)), Interval(float(walsh[rank - 1]), float(walsh[-rank]))
    )


def _bound_rank(n: int, tail: float) -> int:
    """Which Walsh average bounds the interval, counted from the end, at least the first."""
    if n <= _MAX_EXACT:
        cumulative = np.cumsum(_rank_sum_counts(n)) / 2.0**n
        return max(1, int(np.searchsorted(cumulative, tail)))
    mean, variance = n * (n + 1) / 4, n * (n + 1) * (2 * n + 1) / 24
    return max(1, math.floor(mean + float(stats.norm.ppf(tail)) * math.sqrt(variance)))


def _rank_sum_counts(n: int) -> Floats:
    """How many sets of ranks 1 to `n` have each sum, from 0 on."""
    counts = np.zeros(n * (n + 1) // 2 + 1)
    counts[0] = 1
    for rank in range(1, n + 1):
        counts[rank:] = counts[rank:] + counts[: counts.size - rank]
    return counts

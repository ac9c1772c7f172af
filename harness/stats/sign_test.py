"""Counting who was better, pair by pair, and what ranks alone say about a quantile."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

from harness.stats.clusters import Floats
from harness.stats.interval import Interval


@dataclass(frozen=True, slots=True)
class SignTest:
    """Positive against negative differences, pairs taken as independent; zeros are counted apart.

    Examples:
        >>> test = sign_test(np.array([0.2, 0.1, -0.3, 0.0]))
        >>> test.n_positive, test.n_negative, test.n_zero, test.p_value
        (2, 1, 1, 1.0)
    """

    n_positive: int
    n_negative: int
    n_zero: int

    @property
    def p_value(self) -> float:
        """Two-sided; 1 without any difference."""
        return self._p("two-sided")

    @property
    def p_greater(self) -> float:
        """One-sided, of "positive is no more likely than negative"."""
        return self._p("greater")

    def exact_interval(self, confidence: float) -> Interval:
        """Two-sided interval of the share of positive among those that differ."""
        return self._interval(confidence, "exact")

    def wilson_interval(self, confidence: float) -> Interval:
        """The same, shorter, and right on average rather than always."""
        return self._interval(confidence, "wilson")

    def _p(self, alternative: Literal["two-sided", "greater"]) -> float:
        n = self.n_positive + self.n_negative
        if n == 0:
            return 1.0
        return float(stats.binomtest(self.n_positive, n, alternative=alternative).pvalue)

    def _interval(self, confidence: float, method: Literal["exact", "wilson"]) -> Interval:
        n = self.n_positive + self.n_negative
        if n == 0:
            return Interval(0.0, 1.0)
        found = stats.binomtest(self.n_positive, n).proportion_ci(confidence, method=method)
        return Interval(float(found.low), float(found.high))


def sign_test(differences: Floats) -> SignTest:
    """Count the signs of paired differences."""
    positive = int(np.count_nonzero(differences > 0))
    negative = int(np.count_nonzero(differences < 0))
    return SignTest(positive, negative, differences.size - positive - negative)


def order_statistic_interval(values: Floats, *, p: float, confidence: float) -> Interval:
    """Two-sided interval of one side's quantile from two of its values, pairs independent.

    No assumption on the distribution. An end is infinite where too few values lie beyond.

    References:
        Conover (1999), Practical Nonparametric Statistics, 3.2.
    """
    ordered, tail = np.sort(values), (1 - confidence) / 2
    below = stats.binom(values.size, p)
    # The largest rank with P(fewer values below the quantile) at most the tail, and its mirror.
    low = int(below.ppf(tail))
    low -= bool(below.cdf(low - 1) > tail)
    high = int(below.ppf(1 - tail)) + 1
    return Interval(
        float(ordered[low - 1]) if low >= 1 else -math.inf,
        float(ordered[high - 1]) if high <= values.size else math.inf,
    )

"""The difference of two paired medians, for a few hundred pairs at most.

References:
    Bonett & Price (2020), Statistical Methods in Medical Research 29:3 (paired medians); Price &
    Bonett (2002), Computational Statistics & Data Analysis 37:375 (standard error of a median).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from harness.stats.clusters import Booleans, Floats
from harness.stats.interval import Interval


@dataclass(frozen=True, slots=True)
class MedianDifference:
    """Second median taken from the first, with a two-sided interval.

    Attributes:
        covariance: Of the two sample medians.
    """

    first: float
    second: float
    difference: float
    se: float
    se_first: float
    se_second: float
    covariance: float
    interval: Interval


def median_difference(first: Floats, second: Floats, *, confidence: float) -> MedianDifference:
    """Compare the medians of paired values, pairs taken as independent."""
    n = first.size
    m_first, m_second = float(np.median(first)), float(np.median(second))
    se_first, se_second = _median_se(first), _median_se(second)
    covariance = _concordance(first < m_first, second < m_second, n) * se_first * se_second
    se = math.sqrt(se_first**2 + se_second**2 - 2 * covariance)
    reach = float(stats.norm.ppf(0.5 + confidence / 2)) * se
    difference = m_first - m_second
    return MedianDifference(
        m_first,
        m_second,
        difference,
        se,
        se_first,
        se_second,
        covariance,
        Interval(difference - reach, difference + reach),
    )


def _median_se(values: Floats) -> float:
    """From the width between two order statistics placed symmetrically around the median."""
    ordered, n = np.sort(values), values.size
    rank = max(1, round(n / 2 - math.sqrt(n)))
    z = float(stats.norm.isf(stats.binom.cdf(rank - 1, n, 0.5)))
    return float(ordered[n - rank] - ordered[rank - 1]) / (2 * z)


def _concordance(first_below: Booleans, second_below: Booleans, n: int) -> float:
    """Correlation of two medians: 4 P(both below) - 1, with a quarter added to the count."""
    both = int(np.count_nonzero(first_below & second_below)) + 0.25
    return 4 * both / (n + 1 if n % 2 == 0 else n) - 1

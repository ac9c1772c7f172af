"""How much data a rule needs.

References:
    Connor (1987), Biometrics 43:207, for McNemar's test.
"""

from __future__ import annotations

import math

from scipy import stats

from harness.stats.sufficiency import MIN_CLUSTERS
from harness.verdict import Estimate

POWER = 0.8


def clusters_needed(estimate: Estimate, *, power: float = POWER) -> int | None:
    """How many clusters in all would likely bring the upper bound below the null.

    Assumes the harm and its spread stay what they are now. The p-value tells how many standard
    errors the harm is below the null, whatever the method, and that number grows with the square
    root of the clusters.

    Returns:
        The number, at least eight; None where the harm seen is at or above the null, and more of
        the same would not help.
    """
    reached = _standard_errors(estimate.p_value, estimate.df)
    if reached <= 0:
        return None
    wanted = stats.norm.ppf(estimate.confidence) + stats.norm.ppf(power)
    needed = math.ceil(estimate.n_clusters * (float(wanted) / reached) ** 2)
    return max(MIN_CLUSTERS, needed)


def _standard_errors(p_value: float, df: float | None) -> float:
    if df is None:
        return float(stats.norm.isf(p_value))
    return float(stats.t.isf(p_value, df))

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

LARGEST_GROWTH = 100.0
"""An estimate this close to its null needs a hundred times the data at hand; the honest advice is
then another margin, not a number of clusters."""


def clusters_needed(estimate: Estimate, *, power: float = POWER) -> int | None:
    """How many clusters in all would likely settle a rule, one way or the other.

    Assumes the harm and its spread stay what they are now. The p-value tells how many standard
    errors the harm is from the null, whatever the method, and that number grows with the square
    root of the clusters. A harm below the null would settle as a pass, one above it as a fail.

    Returns:
        The number, at least eight; None where the harm seen is at the null, or so close to it that
        no realistic amount of data would do.
    """
    p_value = min(estimate.p_value, estimate.p_harm)
    reached = _standard_errors(p_value, estimate.df)
    wanted = float(stats.norm.ppf(estimate.confidence) + stats.norm.ppf(power))
    if not reached > 0 or (wanted / reached) ** 2 > LARGEST_GROWTH:
        return None
    return max(MIN_CLUSTERS, math.ceil(estimate.n_clusters * (wanted / reached) ** 2))


def _standard_errors(p_value: float, df: float | None) -> float:
    if df is None:
        return float(stats.norm.isf(p_value))
    return float(stats.t.isf(p_value, df))

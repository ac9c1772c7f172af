"""How many more clusters an open rule would need."""

from __future__ import annotations

import math
from statistics import NormalDist

POWER = 0.8

# An estimate this close to its bound needs a hundred times the data at hand; the honest advice is
# then another margin, not a number of clusters.
LARGEST_GROWTH = 100.0


def clusters_missing(
    harm: float, harm_low: float, harm_high: float, bound: float, *, n_clusters: int, error: float
) -> int | None:
    """Clusters to add so that a rule is settled with 80 % power, were the harm as it looks now.

    Normal approximation: with K clusters the bound of the harm lies `z(error)` standard errors
    away, and the standard error shrinks with the root of K. A harm below the bound would settle as
    a pass, one above it as a fail.

    Args:
        bound: What the harm is held against, in the unit of the harm.
        n_clusters: Clusters behind the interval.
        error: One-sided error of the interval, 0.05 for 95 % confidence.

    Returns:
        One or more; None when the harm is at the bound, or the interval has no width.
    """
    gap = abs(bound - harm)
    half_width = harm_high - harm if harm <= bound else harm - harm_low
    if not (0 < gap < math.inf and 0 < half_width < math.inf):
        return None
    z_error = NormalDist().inv_cdf(1 - error)
    z_power = NormalDist().inv_cdf(POWER)
    shrinkage = (z_error + z_power) / z_error * half_width / gap
    if shrinkage > math.sqrt(LARGEST_GROWTH):
        return None
    return max(math.ceil(n_clusters * (shrinkage**2 - 1)), 1)

"""What pairs without a value could be hiding.

The champion's side of a pair is known even where the challenger's is missing, so we can look
whether the missing ones are of another kind; and however bad they are, they cannot move a mean by
more than their share of its range.

References:
    Manski (2003), Partial Identification of Probability Distributions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from harness.stats.clustered import cr2
from harness.stats.clusters import Booleans, Clusters, Floats
from harness.stats.interval import Interval

# Integrity checks run on every verdict; a false alarm must be rare.
ALPHA = 0.001

# A difference this small, in standard deviations, is of no account however certain.
MIN_STANDARDISED = 0.1


@dataclass(frozen=True, slots=True)
class MissingDifference:
    """How incomplete pairs differ from complete ones on something known for both.

    Attributes:
        difference: Mean over incomplete pairs minus mean over complete ones.
        standardised: The same over the standard deviation of all.
        p_value: Two-sided.
        flagged: Whether the difference is both sure and large.
    """

    difference: float
    standardised: float
    p_value: float
    flagged: bool


def missing_difference(
    values: Floats, complete: Booleans, clusters: Clusters
) -> MissingDifference | None:
    """Compare incomplete with complete pairs, for instance by the champion's latency.

    Args:
        values: Known for every pair.
        complete: Which pairs have everything.

    Returns:
        The comparison; None where one of the groups is empty or there are fewer than two clusters.
    """
    n_complete = int(np.count_nonzero(complete))
    n_missing = complete.size - n_complete
    if n_complete == 0 or n_missing == 0 or clusters.n_clusters < 2:
        return None
    known, missing = float(values[complete].mean()), float(values[~complete].mean())
    influence = np.where(
        complete,
        (known - values) * (complete.size / n_complete),
        (values - missing) * (complete.size / n_missing),
    )
    moment = cr2(missing - known, clusters.totals(influence), clusters.sizes)
    spread = float(values.std(ddof=1))
    standardised = (missing - known) / spread if spread else 0.0
    p_value = (
        2 * float(stats.t.sf(abs(moment.estimate) / moment.se, moment.df)) if moment.se else 1.0
    )
    flagged = p_value < ALPHA and abs(standardised) > MIN_STANDARDISED
    return MissingDifference(missing - known, standardised, p_value, flagged)


def manski_bounds(value: float, *, missing_share: float, worst: Interval) -> Interval:
    """Where a mean could lie had the missing pairs been seen.

    Args:
        value: The mean (or a bound of it) over the pairs that were seen.
        missing_share: Share of all pairs that were not.
        worst: The least and the greatest value a pair can have.

    Examples:
        >>> manski_bounds(0.0, missing_share=0.02, worst=Interval(-1.0, 1.0))
        Interval(low=-0.02, high=0.02)
    """
    seen = (1 - missing_share) * value
    return Interval(seen + missing_share * worst.low, seen + missing_share * worst.high)


def tipping_point(harm_high: float, *, missing_share: float, null: float) -> float:
    """The mean harm among missing pairs at which the bound over all pairs reaches `null`.

    Infinite when nothing is missing: then nothing could tip it.
    """
    if missing_share == 0:
        return math.inf
    return (null - (1 - missing_share) * harm_high) / missing_share

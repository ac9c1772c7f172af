"""What a canary changed: its users before and after, against the other users before and after.

What changes for everyone at the time (a holiday, another release) cancels, as long as both groups
would have moved alike. Each unit's measurements are averaged before and after first, so that a long
series of correlated values does not pass for many.

Whether both groups move alike is looked at where nothing has happened yet: the same estimate, as if
the start had been in the middle of the time before (`placebo`). And what shadow traffic foretold is
held against what the canary shows: the rest is what comes of users seeing the answers, or of load
(`live_only`).

References:
    Bertrand, Duflo & Mullainathan (2004), Quarterly Journal of Economics 119:249.
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from harness.stats.clustered import Clustered, cr2
from harness.stats.clusters import Booleans, Clusters, Floats


def difference_in_differences(
    values: Floats, units: Clusters, *, treated: Booleans, after: Booleans
) -> Clustered:
    """Estimate (treated after - treated before) - (others after - others before).

    Args:
        values: One per measurement.
        units: The user of each measurement.
        treated: Whether the measurement's user was in the canary.
        after: Whether it was taken after the start.

    Returns:
        The estimate with its CR2 variance over users.

    Raises:
        ValueError: When one of the four groups is empty.
    """
    return cr2(*did_influence(values, units, treated=treated, after=after), units.sizes)


def did_influence(
    values: Floats, units: Clusters, *, treated: Booleans, after: Booleans
) -> tuple[float, Floats]:
    """The estimate and the influence total of every unit."""
    estimate, influence = 0.0, np.zeros_like(values)
    for in_group, sign in (
        (treated & after, 1),
        (treated & ~after, -1),
        (~treated & after, -1),
        (~treated & ~after, 1),
    ):
        if not in_group.any():
            raise ValueError("a group of the four (canary or not, before or after) is empty")
        mean = float(values[in_group].mean())
        estimate += sign * mean
        influence[in_group] = sign * (values[in_group] - mean) * values.size / in_group.sum()
    return estimate, units.totals(influence)


def placebo(
    values: Floats, units: Clusters, *, treated: Booleans, at: Floats, start: float
) -> Clustered:
    """The estimate for the time before `start`, as if the start had been in its middle.

    Args:
        at: When each measurement was taken, in the unit of `start`.

    Returns:
        Far from zero (`two_sided_p`), the groups did not move alike before either, and the
        difference in differences means nothing.
    """
    before = at < start
    middle = float(np.median(at[before])) if before.any() else start
    return difference_in_differences(
        values[before],
        units.where(before),
        treated=treated[before],
        after=at[before] >= middle,
    )


def live_only(shadow: Clustered, canary: Clustered) -> Clustered:
    """What the canary shows beyond what shadow pairs foretold, of other users.

    Degrees of freedom are Welch and Satterthwaite's for two variances.
    """
    variance = shadow.variance + canary.variance
    spread = shadow.variance**2 / shadow.df + canary.variance**2 / canary.df
    return Clustered(
        estimate=canary.estimate - shadow.estimate,
        variance=variance,
        df=variance**2 / spread if spread > 0 else min(shadow.df, canary.df),
        n_clusters=shadow.n_clusters + canary.n_clusters,
        largest_share=max(shadow.largest_share, canary.largest_share),
    )


def two_sided_p(moment: Clustered) -> float:
    """Of "it is zero", by the t distribution; 1 where nothing varies."""
    if moment.variance == 0:
        return 1.0
    return float(2 * stats.t.sf(abs(moment.estimate) / moment.se, moment.df))

"""What a canary changed: its users before and after, against the other users before and after.

What changes for everyone at the time (a holiday, another release) cancels, as long as both groups
would have moved alike. Each unit's measurements are averaged before and after first, so that a long
series of correlated values does not pass for many.

References:
    Bertrand, Duflo & Mullainathan (2004), Quarterly Journal of Economics 119:249.
"""

from __future__ import annotations

import numpy as np

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

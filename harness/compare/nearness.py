"""Agreement by a largest distance: what comparators with `within` have in common."""

from __future__ import annotations

import math

from harness.compare.comparison import SAME, Comparison

# Distances are computed in floats: 1 - 0.9 is not 0.1, and nobody means that by `within: 0.1`.
_ROUNDING = 1e-9


def checked_within(within: float) -> None:
    """Refuse a `within` that is no distance.

    Raises:
        ValueError: It is negative or not finite.
    """
    if not (math.isfinite(within) and within >= 0):
        raise ValueError(f"within is {within:g}, must be 0 or more")


def within_reach(distance: float, within: float, note: str = "") -> Comparison:
    """Compare by distance alone.

    Args:
        note: What to say instead of the distance, where they do not agree.
    """
    if distance == 0:
        return SAME
    if distance <= within + _ROUNDING:
        return Comparison(distance, agree=True)
    return Comparison(
        distance, agree=False, note=note or f"{distance:.4g} apart, allowed {within:.4g}"
    )

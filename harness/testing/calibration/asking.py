"""The arguments every estimator takes, with dull names."""

from __future__ import annotations

from typing import TypedDict

from harness.metric import Better

ALPHA = 0.05


class Asked(TypedDict):
    """What `mean_harm` and its neighbours want to know."""

    better: Better
    null: float
    confidence: float
    metric: str
    unit: str


def about(null: float, *, better: Better = Better.LOWER, confidence: float = 1 - ALPHA) -> Asked:
    """Ask whether the harm is surely below `null`."""
    return Asked(better=better, null=null, confidence=confidence, metric="m", unit="u")

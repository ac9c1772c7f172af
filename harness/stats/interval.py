"""An interval, low end first."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Interval:
    """The values from `low` to `high`; its confidence is the caller's."""

    low: float
    high: float

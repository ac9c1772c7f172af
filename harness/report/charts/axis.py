"""Where a number lies on a drawing, and which round numbers stand beside it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from harness.quantity import Scale, say


@dataclass(frozen=True, slots=True)
class Axis:
    """From numbers to pixels.

    Attributes:
        low: The number at `start`, `high` that at `end`; beyond them everything lies at the edge.
        is_logarithmic: Whether equal ratios are equally far apart; both numbers are then above 0.
    """

    low: float
    high: float
    start: float
    end: float
    is_logarithmic: bool = False

    def __call__(self, value: float) -> float:
        low, high = self._place(self.low), self._place(self.high)
        inside = min(self.high, max(self.low, value))
        share = (self._place(inside) - low) / (high - low) if high > low else 0.5
        return self.start + share * (self.end - self.start)

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high

    def _place(self, value: float) -> float:
        return math.log(value) if self.is_logarithmic else value


def round_numbers(low: float, high: float, *, most: int = 7) -> list[float]:
    """Round numbers from `low` to `high`, `most` of them or a few less.

    Examples:
        >>> round_numbers(-0.3, 1.1)
        [-0.2, 0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    if not high > low:
        return [low]
    step = 10.0 ** math.floor(math.log10((high - low) / 5))
    step *= next(factor for factor in (1, 2, 5, 10, 20) if (high - low) / (step * factor) <= most)
    first = math.ceil(low / step)
    return [round(step * i, 10) for i in range(first, math.floor(high / step) + 1)]


def round_ratios(low: float, high: float, *, most: int = 7) -> list[float]:
    """Round numbers at about equal ratios: 1, 2 and 5 times powers of ten, or the powers alone."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    found: list[float] = []
    for factors in ((1, 2, 5), (1, 3), (1,)):
        found = [f * 10.0**k for k in powers for f in factors if low <= f * 10.0**k <= high]
        if len(found) <= most:
            return found
    return found[:: math.ceil(len(found) / most)]


def level_ticks(axis: Axis, unit: str, *, most: int = 7) -> list[tuple[float, str]]:
    """Pixels and what is written there, for levels of a unit."""
    numbers = round_ratios if axis.is_logarithmic else round_numbers
    return [(axis(value), say(value, unit)) for value in numbers(axis.low, axis.high, most=most)]


def scaled_ticks(axis: Axis, scale: Scale, *, most: int = 7) -> list[tuple[float, str]]:
    """The same in one unit of which the numbers are written, round as they are shown."""
    shown = round_numbers(axis.low * scale.factor, axis.high * scale.factor, most=most)
    return [(axis(value / scale.factor), _plain(value)) for value in shown]


def _plain(value: float) -> str:
    size = f"{abs(value):,.10f}".rstrip("0").rstrip(".")
    return f"\N{MINUS SIGN}{size}" if value < 0 and size != "0" else size

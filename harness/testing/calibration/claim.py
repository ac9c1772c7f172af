"""What a simulated rate is held against, and how far chance may carry it from there.

A rate seen in `n_runs` runs scatters by its Monte Carlo error, `sqrt(rate (1 - rate) / n_runs)`;
three of them are allowed everywhere. Coverage is allowed a point more because most intervals are
asymptotic, power three points because planning formulas are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

_ERRORS = 3
_COVERAGE_SLACK = 0.01
_POWER_SLACK = 0.03


def monte_carlo_error(rate: float, n_runs: int) -> float:
    """Standard error of a rate seen in so many runs.

    Examples:
        >>> round(monte_carlo_error(0.05, 2000), 4)
        0.0049
    """
    return math.sqrt(rate * (1 - rate) / n_runs)


@dataclass(frozen=True, slots=True)
class AtMost:
    """An error that is promised to be no more frequent than `rate`."""

    rate: float

    def holds(self, seen: float, n_runs: int) -> bool:
        return seen <= self._limit(n_runs)

    def says(self, n_runs: int) -> str:
        return f"≤ {self._limit(n_runs):.2%}"

    def _limit(self, n_runs: int) -> float:
        return self.rate + _ERRORS * monte_carlo_error(self.rate, n_runs)


@dataclass(frozen=True, slots=True)
class Covers:
    """An interval that is promised to hold the truth in `rate` of runs; more is no breach."""

    rate: float

    def holds(self, seen: float, n_runs: int) -> bool:
        return seen >= self._limit(n_runs)

    def says(self, n_runs: int) -> str:
        return f"≥ {self._limit(n_runs):.1%}"

    def _limit(self, n_runs: int) -> float:
        return self.rate - _ERRORS * monte_carlo_error(self.rate, n_runs) - _COVERAGE_SLACK


@dataclass(frozen=True, slots=True)
class Near:
    """A power that a formula predicts."""

    rate: float

    def holds(self, seen: float, n_runs: int) -> bool:
        return abs(seen - self.rate) <= self._reach(n_runs)

    def says(self, n_runs: int) -> str:
        return f"{self.rate:.1%} ± {100 * self._reach(n_runs):.1f}"

    def _reach(self, n_runs: int) -> float:
        return _ERRORS * monte_carlo_error(self.rate, n_runs) + _POWER_SLACK


@dataclass(frozen=True, slots=True)
class AtLeast:
    """A power that was planned; more is no breach."""

    rate: float

    def holds(self, seen: float, n_runs: int) -> bool:
        return seen >= self._limit(n_runs)

    def says(self, n_runs: int) -> str:
        return f"≥ {self._limit(n_runs):.1%}"

    def _limit(self, n_runs: int) -> float:
        return self.rate - _ERRORS * monte_carlo_error(self.rate, n_runs) - _POWER_SLACK


@dataclass(frozen=True, slots=True)
class WithinRounding:
    """A difference that must not exceed what rounding explains, in no run."""

    tolerance: float

    def holds(self, seen: float, n_runs: int) -> bool:
        del n_runs
        return seen <= self.tolerance

    def says(self, n_runs: int) -> str:
        del n_runs
        return f"≤ {self.tolerance:g}"


@dataclass(frozen=True, slots=True)
class Unclaimed:
    """Shown beside what we promise something about: a peer, or a method with a known limit.

    Attributes:
        why: What the reader should make of the row, a few words.
    """

    why: str

    def holds(self, seen: float, n_runs: int) -> bool:
        del seen, n_runs
        return True

    def says(self, n_runs: int) -> str:
        del n_runs
        return self.why


Claim = AtMost | Covers | Near | AtLeast | WithinRounding | Unclaimed

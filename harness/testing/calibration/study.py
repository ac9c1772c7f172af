"""What a study is, what it finds, and how much work it may be."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from harness.testing.calibration.claim import Claim, Unclaimed, monte_carlo_error
from harness.testing.calibration.figure import Chart

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Row:
    """One procedure in one scenario: what was seen, and what was promised.

    Attributes:
        seen: A share of runs in 0 to 1, or a plain number where `is_share` is false.
        n_runs: Runs that count; for coverage those that gave an interval.
        seed: Of the scenario's generator, from its name: nobody picks one.
        note: For instance how many runs were refused.
    """

    scenario: str
    procedure: str
    seen: float
    n_runs: int
    claim: Claim
    seed: int
    note: str = ""
    is_share: bool = True

    @property
    def is_breached(self) -> bool:
        return not self.claim.holds(self.seen, self.n_runs)

    @property
    def is_claimed(self) -> bool:
        return not isinstance(self.claim, Unclaimed)

    @property
    def error(self) -> float | None:
        """Monte Carlo error of `seen`; None for what is no share."""
        return monte_carlo_error(self.seen, self.n_runs) if self.is_share else None


@dataclass(frozen=True, slots=True)
class Findings:
    """What a study found."""

    rows: Sequence[Row]
    charts: Sequence[Chart] = ()


@dataclass(frozen=True, slots=True)
class Effort:
    """How much of the full work to do.

    Attributes:
        runs_share: Runs of a scenario over those of the full work.
        every: Of a list of scenarios, take one in so many.
    """

    runs_share: float = 1.0
    every: int = 1

    def runs(self, full: int) -> int:
        """Runs of one scenario."""
        return math.ceil(full * self.runs_share)

    def some(self, scenarios: Sequence[T]) -> list[T]:
        """The scenarios to look at."""
        return list(scenarios[:: self.every])


FULL = Effort()
SMOKE = Effort(runs_share=0.1, every=6)


@dataclass(frozen=True, slots=True)
class Study:
    """One question about the statistics.

    Attributes:
        asks: The question and how it is put, a paragraph of the page.
    """

    name: str
    title: str
    asks: str
    run: Callable[[Effort], Findings]


def seed_of(scenario: str) -> int:
    """The seed that goes with a scenario's name."""
    return zlib.crc32(scenario.encode())


def dice(scenario: str) -> np.random.Generator:
    """The generator of a scenario; all its runs draw from it, one after the other."""
    return np.random.default_rng(seed_of(scenario))

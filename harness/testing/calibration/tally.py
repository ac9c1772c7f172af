"""Counting what an estimator said, run after run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from harness.testing.calibration.claim import Claim
from harness.testing.calibration.study import Row, dice, seed_of
from harness.verdict import Estimate, Unavailable

Answer = Estimate | Unavailable
Ask = Callable[[np.random.Generator], Answer]


@dataclass(frozen=True, slots=True)
class Tally:
    """How often an estimator passed, failed, or refused to answer.

    Attributes:
        n_passed: Runs whose whole interval is below the null.
        n_failed: Runs whose whole interval is above it.
    """

    n_runs: int
    n_passed: int
    n_failed: int
    n_refused: int

    @property
    def note(self) -> str:
        return f"refused {self.n_refused / self.n_runs:.0%}" if self.n_refused else ""


def tally(answers: Sequence[Answer]) -> Tally:
    """Count; a refusal neither passes nor fails."""
    known = [one for one in answers if isinstance(one, Estimate)]
    return Tally(
        n_runs=len(answers),
        n_passed=sum(one.harm_high < one.null for one in known),
        n_failed=sum(one.harm_low > one.null for one in known),
        n_refused=len(answers) - len(known),
    )


def asked(scenario: str, ask: Ask, n_runs: int) -> list[Answer]:
    """Ask about so many draws of a scenario."""
    rng = dice(scenario)
    return [ask(rng) for _ in range(n_runs)]


def row(scenario: str, procedure: str, hits: int, n_runs: int, claim: Claim, note: str = "") -> Row:
    """A row about a share of runs."""
    return Row(scenario, procedure, hits / n_runs, n_runs, claim, seed_of(scenario), note)

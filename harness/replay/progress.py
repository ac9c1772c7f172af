"""How far a replay is: frozen counters for whoever looks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """A replay at one moment.

    Attributes:
        n_entries: How many will be asked in all, warm-up and skipped ones not among them.
        n_asked: How many have been put to the deployments.
        n_answered: How many have been answered by all of them.
        elapsed_s: Since the first was due.
        outcomes: Per deployment, how many calls ended how (`ok` or a failure kind).
        spent_usd: Per deployment with a price.
    """

    n_entries: int
    n_asked: int
    n_answered: int
    elapsed_s: float
    outcomes: Mapping[str, Mapping[str, int]]
    spent_usd: Mapping[str, float]

    @property
    def rate_per_s(self) -> float:
        return self.n_answered / self.elapsed_s if self.elapsed_s > 0 else 0.0

    @property
    def remaining_s(self) -> float | None:
        """Seconds to go at the rate so far; None before there is one."""
        if self.n_answered == 0 or self.elapsed_s <= 0:
            return None
        return (self.n_entries - self.n_answered) / self.rate_per_s

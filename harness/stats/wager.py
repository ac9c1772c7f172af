"""A bet on gains that have a least and a greatest value, and the bounds it leaves.

The bettor of `harness.stats.betting`, put to use for both directions of a rule: "the mean gain is
above minus the margin" is a bet on the gains, "it is below" the same bet on the gains turned. The
bound of a harm is the margin at which the bet just pays `1 / alpha`; as the bet pays more the wider
the margin, there is one.

Only how often each value occurs matters, so the state is a handful of counters.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import optimize

from harness.stats.always_valid import AlwaysValid
from harness.stats.betting import STAKES, mixed
from harness.stats.clusters import Floats

# How near to the ends of the range bounds are searched, as a share of it.
_EDGE = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Wager:
    """Gains of the challenger: what occurred, and how often.

    Attributes:
        values: The different gains.
        weights: How often each occurred, over the design effect; need not be whole.
        lowest: The least gain there can be.
        highest: The greatest.
    """

    values: Floats
    weights: Floats
    lowest: float
    highest: float

    @classmethod
    def on(cls, gains: Floats, *, lowest: float, highest: float, deff: float = 1.0) -> Wager:
        """From one gain per pair, or per cluster."""
        values, counts = np.unique(gains, return_counts=True)
        return cls(values, counts / deff, lowest, highest)

    def log_e(self, margin: float) -> float:
        """Log e-value against "the mean gain is minus `margin` or less".

        Examples:
            >>> silent = Wager.on(np.zeros(610), lowest=-1, highest=1)
            >>> round(math.exp(silent.log_e(0.01)))
            21
        """
        worst = -self.lowest - margin
        if worst <= 0:
            # Only gains that are all the least one could have so low a mean.
            refuted = worst < 0 or bool(self.weights[self.values > self.lowest].any())
            return math.inf if refuted else 0.0
        stakes = STAKES / worst
        return mixed(np.log1p(np.outer(stakes, self.values + margin)) @ self.weights)

    @property
    def turned(self) -> Wager:
        """The same bet against the challenger."""
        return Wager(-self.values, self.weights, -self.highest, -self.lowest)

    def times(self, growth: float) -> Wager:
        """As if `growth` times as much of the same had been seen."""
        return Wager(self.values, self.weights * growth, self.lowest, self.highest)

    def largest_harm(self, *, alpha: float) -> float:
        """At no look is the harm above this, at error `alpha`."""
        goal, edge = math.log(1 / alpha), _EDGE * (self.highest - self.lowest)

        def excess(margin: float) -> float:
            return self.log_e(margin) - goal

        if excess(-self.lowest - edge) < 0:
            return -self.lowest
        return float(optimize.brentq(excess, -self.highest, -self.lowest - edge, xtol=1e-15))

    def against(self, null: float, *, alpha: float) -> AlwaysValid:
        """Bounds of the harm, and the evidence that it is below or above `null`."""
        return AlwaysValid(
            low=-self.turned.largest_harm(alpha=alpha),
            high=self.largest_harm(alpha=alpha),
            log_e_below=self.log_e(null),
            log_e_above=self.turned.log_e(-null),
        )

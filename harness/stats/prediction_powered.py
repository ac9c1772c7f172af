"""A mean from few human labels and many machine ones.

The machine's labels lend their number, the human ones correct their bias: where both exist, their
mean difference is taken off the machine's mean. Unbiased however bad the machine is; a good one
makes the interval short.

References:
    Angelopoulos et al. (2023), Science 382:669.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import stats

from harness.stats.clusters import Floats
from harness.stats.interval import Interval


@dataclass(frozen=True, slots=True)
class PredictionPowered:
    """A mean of human labels, with a two-sided interval; pairs independent."""

    mean: float
    se: float
    interval: Interval


def prediction_powered_mean(
    human: Floats, machine: Floats, machine_alone: Floats, *, confidence: float, trust: float = 1.0
) -> PredictionPowered:
    """Estimate what the mean human label would be over all pairs.

    Args:
        human: Labels of the pairs people looked at.
        machine: The machine's labels of the same pairs.
        machine_alone: The machine's labels of the others.
        trust: How far to lean on the machine: 1 in full, 0 not at all.
    """
    mean = float(human.mean()) + trust * float(machine_alone.mean() - machine.mean())
    rest = human - trust * machine
    variance = float(rest.var()) / rest.size
    variance += trust**2 * float(machine_alone.var()) / machine_alone.size
    se = math.sqrt(variance)
    reach = float(stats.norm.ppf(0.5 + confidence / 2)) * se
    return PredictionPowered(mean, se, Interval(mean - reach, mean + reach))

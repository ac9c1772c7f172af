"""Differences in units of their own spread, for readers who compare across metrics.

References:
    Lakens (2013), Frontiers in Psychology 4:863.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from harness.stats.clusters import Floats


@dataclass(frozen=True, slots=True)
class EffectSize:
    """Challenger minus champion, standardised; nan where a spread is 0.

    Attributes:
        dz: Over the standard deviation of the differences.
        d_av: Over the root mean square of the two sides' standard deviations.
        hedges_g: `d_av` with the small-sample correction `1 - 3 / (8 n - 9)`.
        pairing_efficiency: Share of the variance that pairing removed; 0 if it was no use.
    """

    dz: float
    d_av: float
    hedges_g: float
    pairing_efficiency: float


def effect_size(champion: Floats, challenger: Floats) -> EffectSize:
    """Standardise the mean difference of at least two pairs."""
    difference = challenger - champion
    mean, spread = float(difference.mean()), float(difference.var(ddof=1))
    own = float(champion.var(ddof=1)) + float(challenger.var(ddof=1))
    d_av = mean / math.sqrt(own / 2) if own else math.nan
    return EffectSize(
        dz=mean / math.sqrt(spread) if spread else math.nan,
        d_av=d_av,
        hedges_g=d_av * (1 - 3 / (8 * difference.size - 9)),
        pairing_efficiency=1 - spread / own if own else math.nan,
    )

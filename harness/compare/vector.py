"""Vectors agree when they point the same way."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from harness.compare.comparison import SAME, Comparison
from harness.compare.nearness import checked_within, within_reach
from harness.output import JsonValue


@dataclass(frozen=True, slots=True)
class SameDirection:
    """Embeddings and other vectors, by the angle between them.

    The distance is 1 minus the cosine: 0 for the same direction, 1 for a right angle, 2 for
    opposite ones; length does not matter (Salton and McGill 1983, Introduction to Modern
    Information Retrieval, ch. 4). A vector of zeros is at 1 from any other. What are not two flat
    lists of numbers of the same length is infinitely far apart.

    Args:
        within: Largest distance that agrees, 0 or more.

    Examples:
        >>> SameDirection(within=0.01)([1.0, 0.0], [2.0, 0.0]).agree
        True
        >>> SameDirection()([1.0, 0.0], [0.0, 3.0]).distance
        1.0
    """

    within: float = 0.0

    def __post_init__(self) -> None:
        checked_within(self.within)

    def __call__(self, champion: JsonValue, challenger: JsonValue) -> Comparison:
        if champion == challenger:
            return SAME
        if not (isinstance(champion, list) and isinstance(challenger, list)):
            return _APART
        types = {*map(type, champion), *map(type, challenger)}
        if len(champion) != len(challenger) or not types <= {int, float}:
            return _APART
        one, other = (np.array(side, dtype=np.float64) for side in (champion, challenger))
        # Scaled first, so that no square of a component overflows.
        one, other = (side / (np.abs(side).max() or 1.0) for side in (one, other))
        length = math.sqrt(float(one @ one) * float(other @ other))
        if not math.isfinite(length):
            return _APART
        cosine = float(one @ other) / length if length else 0.0
        # Below this the cosine of equal vectors is rounding.
        distance = 1.0 - cosine
        return within_reach(distance if distance > _ROUNDING else 0.0, self.within)


_ROUNDING = 1e-14
_APART = Comparison(math.inf, agree=False, note="not two vectors of the same length")

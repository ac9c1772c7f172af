"""Probabilities agree when they are close as distributions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from harness.compare.comparison import SAME, Comparison
from harness.compare.nearness import checked_within, within_reach
from harness.output import JsonValue

_Vector: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SameProbabilities:
    """Probability vectors, by their Jensen-Shannon distance.

    The distance is the square root of the Jensen-Shannon divergence in bits: 0 for the same, 1 for
    distributions that have nothing in common, symmetric, and a metric (Endres and Schindelin 2003,
    IEEE Transactions on Information Theory 49:1858). A probability of 0 is nothing special in it,
    as it is in the Kullback-Leibler divergence.

    Either lists of numbers of the same length, or objects from label to number, in which a label
    that one side lacks has probability 0. Numbers are made to sum to 1. What is no distribution
    (negative, all zero, not numbers, lists of different length) is infinitely far from any other.

    Args:
        within: Largest distance that agrees, 0 or more.

    Examples:
        >>> same = SameProbabilities(within=0.1)
        >>> same([0.5, 0.5], [0.52, 0.48]).agree
        True
        >>> same({"a": 1.0}, {"b": 1.0}).distance
        1.0
    """

    within: float = 0.0

    def __post_init__(self) -> None:
        checked_within(self.within)

    def __call__(self, champion: JsonValue, challenger: JsonValue) -> Comparison:
        if champion == challenger:
            return SAME
        one, other = _side_by_side(champion, challenger)
        if one is None or other is None:
            return Comparison(math.inf, agree=False, note="not two distributions over the same")
        return within_reach(jensen_shannon(one, other), self.within)


def jensen_shannon(one: _Vector, other: _Vector) -> float:
    """Distance between two distributions of the same length, each summing to 1; 0 to 1."""
    middle = (one + other) / 2
    divergence = (_information(one, middle) + _information(other, middle)) / 2
    return math.sqrt(min(max(divergence, 0.0), 1.0))


def _information(one: _Vector, middle: _Vector) -> float:
    """Kullback-Leibler divergence in bits; what is 0 adds nothing."""
    some = one > 0
    return float(np.sum(one[some] * np.log2(one[some] / middle[some])))


def _side_by_side(one: JsonValue, other: JsonValue) -> tuple[_Vector | None, _Vector | None]:
    if isinstance(one, dict) and isinstance(other, dict):
        labels = [*one, *(label for label in other if label not in one)]
        return (
            distribution([one.get(label, 0.0) for label in labels]),
            distribution([other.get(label, 0.0) for label in labels]),
        )
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return distribution(one), distribution(other)
    return None, None


def distribution(numbers: list[JsonValue]) -> _Vector | None:
    """The numbers made to sum to 1; None when they are no distribution."""
    if not numbers or not {*map(type, numbers)} <= {int, float}:
        return None
    try:
        vector = np.array(numbers, dtype=np.float64)
    except OverflowError:  # an integer beyond any float
        return None
    total = float(vector.sum())
    if not math.isfinite(total) or total <= 0 or vector.min() < 0:
        return None
    return vector / total

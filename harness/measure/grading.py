"""How good an answer is that is more than a label, where the truth is known: one number for each.

A grade is a numeric output of its side (`output.NAME`), so that two deployments are compared in how
right they are and not only in how alike. Each is None where it cannot be told: no truth, or a part
that is not what is graded.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from harness.output import JsonValue

Grade: TypeAlias = Callable[[JsonValue, JsonValue], float | None]
"""A part of an answer and the truth to a number."""

# Of a probability that is exactly 0 for what is true; the usual floor in floats.
_LEAST_PROBABILITY = 2.0**-52


@dataclass(frozen=True, slots=True)
class Brier:
    """Squared error of probabilities; 0 is best, 2 the worst.

    The sum over labels of `(p - y)^2`, with y 1 for the true label and 0 for others (Brier 1950,
    Monthly Weather Review 78:1). A proper score: it is best in the mean for probabilities that are
    both calibrated and sharp. One number is the probability of `true` (or 1), and its score is half
    as large as that of the two labels it stands for.

    Examples:
        >>> Brier()({"cat": 0.75, "dog": 0.25}, "cat")
        0.125
        >>> Brier()(0.75, True)
        0.0625
    """

    def __call__(self, found: JsonValue, truth: JsonValue) -> float | None:
        if (p := _probability(found)) is not None:
            return (p - float(truth == 1)) ** 2 if truth in (0, 1) else None
        rows = _probabilities(found, truth)
        return None if rows is None else sum((p - y) ** 2 for p, y in rows)


@dataclass(frozen=True, slots=True)
class LogLoss:
    """Surprise at the truth: `-ln p` of the true label, at most 36 (Good 1952, JRSS B 14:107).

    Examples:
        >>> LogLoss()({"cat": 1.0, "dog": 0.0}, "cat")
        0.0
    """

    def __call__(self, found: JsonValue, truth: JsonValue) -> float | None:
        if (p := _probability(found)) is not None:
            right = None if truth not in (0, 1) else p if truth == 1 else 1 - p
        else:
            rows = _probabilities(found, truth)
            right = None if rows is None else sum(p for p, y in rows if y)
        return None if right is None else abs(math.log(max(right, _LEAST_PROBABILITY)))


@dataclass(frozen=True, slots=True)
class Ndcg:
    """Normalized discounted cumulative gain of a ranking; 1 is best, 0 the worst.

    The sum of `gain / log2(place + 1)` over the first `k` places, by what the best order of the
    relevant items would have (Järvelin and Kekäläinen 2002, ACM Transactions on Information Systems
    20:422). The truth has the gains: an object from item to a number, 0 or more, or a list of
    relevant items with a gain of 1 each. Where nothing is relevant there is no grade.

    Args:
        k: How many places count; None for all.

    Examples:
        >>> Ndcg(k=2)(["a", "b", "c"], ["c", "a"])
        0.6131471927654584
    """

    k: int | None = None

    def __post_init__(self) -> None:
        if self.k is not None and self.k < 1:
            raise ValueError(f"k is {self.k}, must be 1 or more")

    def __call__(self, found: JsonValue, truth: JsonValue) -> float | None:
        gains = _gains(truth)
        if gains is None or not isinstance(found, list):
            return None
        ideal = _discounted(sorted(gains.values(), reverse=True)[: self.k])
        if not ideal:
            return None
        items = dict.fromkeys(_name(item) for item in found)  # a repeated item is no new one
        return _discounted([gains.get(item, 0.0) for item in [*items][: self.k]]) / ideal


def _discounted(gains: list[float]) -> float:
    return math.fsum(gain / math.log2(place + 1) for place, gain in enumerate(gains, start=1))


def _gains(truth: JsonValue) -> dict[str, float] | None:
    if isinstance(truth, list):
        return {_name(item): 1.0 for item in truth}
    if not isinstance(truth, dict):
        return None
    gains: dict[str, float] = {}
    for item, gain in truth.items():
        if isinstance(gain, bool) or not isinstance(gain, int | float) or not gain >= 0:
            return None
        gains[item] = float(gain)
    return gains


def _name(item: JsonValue) -> str:
    """How an object's key would name an item: a text as it is, 7 as "7"."""
    return item if isinstance(item, str) else json.dumps(item, sort_keys=True)


def _probability(value: JsonValue) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= 1 else None


def _probabilities(found: JsonValue, truth: JsonValue) -> list[tuple[float, float]] | None:
    """Each label's probability, with 1 for the true one and 0 for others.

    A list is of the labels 0, 1, 2 and so on. A true label that is not among them has
    probability 0.
    """
    if isinstance(truth, dict | list):
        return None
    name = _name(truth)
    rows = []
    for label, value in _labelled(found):
        if (p := _probability(value)) is None:
            return None
        rows.append((p, float(label == name)))
    if not rows:
        return None
    return rows if any(y for _, y in rows) else [*rows, (0.0, 1.0)]


def _labelled(found: JsonValue) -> Iterator[tuple[str, JsonValue]]:
    if isinstance(found, dict):
        yield from found.items()
    elif isinstance(found, list):
        yield from ((str(label), p) for label, p in enumerate(found))

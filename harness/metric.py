"""What is measured: a quantity, the statistic of it that a rule sees, and which way is better."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum


class Better(Enum):
    """Which way a metric improves. The value turns an effect into a harm."""

    LOWER = 1
    HIGHER = -1


class Unit(StrEnum):
    """Units of stored values."""

    SECONDS = "s"
    USD = "usd"
    TOKENS = "tokens"
    TOKENS_PER_SECOND = "tokens/s"
    FRACTION = "fraction"
    SCORE = "score"  # the output's own unit
    PREFERENCE = "preference"  # from -1, the champion's, to +1, the challenger's
    DISTANCE = "distance"  # the comparator's own unit


BOUNDED = frozenset({Unit.SECONDS, Unit.FRACTION, Unit.PREFERENCE})
"""Units whose values have an end by nature: a latency its timeout, a share or preference 1."""


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean over pairs."""


@dataclass(frozen=True, slots=True)
class Quantile:
    """A quantile of each side's distribution, with `p` in (0, 1): p95 is 0.95."""

    p: float


@dataclass(frozen=True, slots=True)
class Exceedance:
    """The share of requests above `limit`, in the quantity's unit."""

    limit: float


@dataclass(frozen=True, slots=True)
class Rate:
    """The share of pairs for which a yes-or-no quantity is yes."""


Statistic = Mean | Quantile | Exceedance | Rate


class Sides(Enum):
    """Whether a quantity has a value on each side, or one for the pair."""

    BOTH = "both"
    PAIR = "pair"


@dataclass(frozen=True, slots=True)
class Metric:
    """One number a rule can be about.

    Attributes:
        name: As a policy writes it: `latency_s.p95`, `accuracy`, `label.disagreement_rate`.
        quantity: Column stem of the value table: with `Sides.BOTH` the columns are
            `champion_<quantity>` and `challenger_<quantity>`, with `Sides.PAIR` it is `<quantity>`.
        sides: A pair quantity is a harm already: more of it is worse.
        positive: Whether values are above zero by nature, so that a relative margin makes sense.
        worst: What a failed exchange counts as, for outputs; None leaves it out, and counted.
    """

    name: str
    quantity: str
    statistic: Statistic
    unit: Unit
    better: Better
    sides: Sides = Sides.BOTH
    positive: bool = False
    worst: float | None = None

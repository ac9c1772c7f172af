"""What a policy can demand of a challenger.

Every rule is about one metric, named as the config names it, and is judged by an interval of the
harm: challenger minus champion, turned so that positive is worse. `limit` belongs to the
`exceedance` statistic alone and is in the quantity's unit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Margin:
    """The largest harm we accept: absolute in the metric's unit, or relative to the champion.

    Attributes:
        value: 0 or more; 0.1 with `relative` is 10 %.
    """

    value: float
    relative: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.value) and self.value >= 0):
            raise ValueError(f"is {self.value:g}, must be 0 or more")


@dataclass(frozen=True, slots=True)
class NotWorse:
    """Guardrail: the challenger may be worse by less than `margin`, and we must be sure of it.

    Non-inferiority by confidence interval: the whole interval of the harm has to lie below the
    margin (Schuirmann 1987, one-sided form).
    """

    metric: str
    margin: Margin
    limit: float | None = None

    @property
    def title(self) -> str:
        return _title("not_worse", self.metric, self.limit)


@dataclass(frozen=True, slots=True)
class Improves:
    """Goal: the challenger must be better by more than `by`, and we must be sure of it.

    Attributes:
        worth: The smallest improvement worth shipping; once the data exclude it the challenger is
            rejected as futile. 0 means never.
    """

    metric: str
    by: Margin = Margin(0.0)
    worth: float = 0.0
    limit: float | None = None

    @property
    def title(self) -> str:
        return _title("improves", self.metric, self.limit)


@dataclass(frozen=True, slots=True)
class AtMost:
    """Guardrail: the challenger's own value (or the pair's) must surely be below `value`."""

    metric: str
    value: float
    limit: float | None = None

    @property
    def title(self) -> str:
        return _title("at_most", self.metric, self.limit)


@dataclass(frozen=True, slots=True)
class AtLeast:
    """Guardrail: the challenger's own value must surely be above `value`."""

    metric: str
    value: float
    limit: float | None = None

    @property
    def title(self) -> str:
        return _title("at_least", self.metric, self.limit)


Rule = NotWorse | Improves | AtMost | AtLeast


def _title(verb: str, metric: str, limit: float | None) -> str:
    """Rules on two limits of one quantity are two rules and need two names."""
    return f"{verb} {metric}" if limit is None else f"{verb} {metric} over {limit:g}"


class Sequential(StrEnum):
    """How clusters enter the bets on shares where a run may be looked at any time."""

    DEFLATED = "deflated"  # counts over the design effect: an approximation, close to full power
    STRICT = "strict"  # one unit per cluster whose window has passed: exact, several times the data


@dataclass(frozen=True, slots=True)
class Segments:
    """How the parts of the traffic are searched for harm that the whole hides.

    Attributes:
        scan: Whether every part is tested; else the protected ones alone.
        margin_factor: In a part, harm is held against each rule's margin times this.
        protected: Parts such as `source=mobile`: sure harm there rejects. Elsewhere it is said.
        production: Of a segment such as `source`, the share of production traffic with each value.
    """

    scan: bool = True
    margin_factor: float = 2.0
    protected: tuple[str, ...] = ()
    production: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @property
    def named(self) -> frozenset[str]:
        """Parts that are asked for by name, however few requests they have."""
        weighted = {f"{name}={value}" for name, of in self.production.items() for value in of}
        return frozenset(weighted) | frozenset(self.protected)


@dataclass(frozen=True, slots=True)
class Policy:
    """Rules, and how sure we have to be.

    Attributes:
        confidence: 0.95 is an error of 0.05, one-sided, for each rule.
        planned_pairs: The gate holds before it has seen that many; None is the whole log.
        min_duration_s: Live traffic has days and nights: nothing is promoted before the pairs of a
            live run cover that much time.
        min_pairing_rate: Below this share of paired requests the run is no evidence.
        max_lag_s: Above this 99th percentile of our own lateness the run is no evidence.
        sequential: Not None where the run may be looked at any time; `planned_pairs` then plans the
            tuning of the bounds and holds nothing.
        window_s: `strict` only: a cluster counts this long after its first request, with what it
            asked until then.
        segments: None where parts of the traffic are described and not tested.
    """

    rules: tuple[Rule, ...]
    confidence: float = 0.95
    planned_pairs: int | None = None
    min_duration_s: float = 0.0
    min_pairing_rate: float = 0.99
    max_lag_s: float = 0.05
    sequential: Sequential | None = None
    window_s: float = 86_400.0
    segments: Segments | None = None

    def __post_init__(self) -> None:
        if not 0.5 < self.confidence < 1:
            raise ValueError(f"confidence is {self.confidence:g}, must be between 0.5 and 1")

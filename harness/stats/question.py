"""What an estimate is asked, and how its answer is put together."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from harness.metric import Better
from harness.stats.clusters import Grouped
from harness.stats.sufficiency import Shortage
from harness.verdict import Unavailable

_MAX_LOG_RATIO = 700.0


class Counted(Protocol):
    """Pairs in clusters, and how many were left out for want of a value."""

    @property
    def clusters(self) -> Grouped: ...

    @property
    def n_left_out(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Question:
    """Is the harm on a metric surely below `null`, or surely above?

    Attributes:
        null: The margin as a harm: in the metric's unit, or a relative change where `relative`
            (0.10 is 10 % worse). Negative where an improvement is asked for.
        confidence: 0.95 is an error of 0.05 on each side.
    """

    metric: str
    unit: str
    better: Better
    null: float
    confidence: float
    relative: bool = False

    def __post_init__(self) -> None:
        if not 0.5 < self.confidence < 1:
            raise ValueError(f"confidence is {self.confidence:g}, must be between 0.5 and 1")
        if not math.isfinite(self.null):
            raise ValueError(f"null harm is {self.null:g}, must be finite")

    @property
    def alpha(self) -> float:
        return 1 - self.confidence

    @property
    def sign(self) -> int:
        """Turns challenger minus champion into harm."""
        return self.better.value

    @property
    def impossible_margin(self) -> Shortage | None:
        """Why no data could answer a relative question; None where they could.

        What is better when higher can lose at most 100 %, what is better when lower can gain that.
        """
        if self.relative and self.sign * self.null <= -1:
            return Shortage(f"no ratio of two positive values is a change of {abs(self.null):.0%}")
        return None

    def on_test_scale(self, harm: float) -> float:
        """Where a harm lies on the scale that is tested: itself, or a log ratio where relative."""
        return self.sign * math.log1p(self.sign * harm) if self.relative else harm

    def as_harm(self, position: float) -> float:
        """The inverse of `on_test_scale`."""
        if not self.relative:
            return position
        # Beyond a factor of e^700 a float is out; such a bound says "no idea" as well as any.
        return self.sign * math.expm1(min(_MAX_LOG_RATIO, self.sign * position))

    def below_null(self, distance: float) -> float:
        """A distance below the null on the tested scale, as a distance in harm."""
        if not self.relative:
            return distance
        return self.null - self.as_harm(self.on_test_scale(self.null) - distance)

    def refuse(
        self,
        lack: Shortage,
        pairs: Counted,
        *,
        champion: float | None = None,
        challenger: float | None = None,
        certain_harm: bool = False,
    ) -> Unavailable:
        """No estimate, for the reason `lack` gives."""
        return Unavailable(
            metric=self.metric,
            unit=self.unit,
            reason=lack.reason,
            champion=champion,
            challenger=challenger,
            n_pairs=pairs.clusters.n_pairs,
            n_clusters=pairs.clusters.n_clusters,
            n_left_out=pairs.n_left_out,
            clusters_missing=lack.clusters_missing,
            certain_harm=certain_harm,
        )

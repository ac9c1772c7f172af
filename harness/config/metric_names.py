"""Which metrics a policy of this config can be about, and in which unit their amounts are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from harness.config.problems import BadValueError, nearest
from harness.exchange import FailureKind
from harness.metric import Unit

QUANTITIES = {
    "latency_s": Unit.SECONDS,
    "first_byte_s": Unit.SECONDS,
    "cost_usd": Unit.USD,
    "input_tokens": Unit.TOKENS,
    "output_tokens": Unit.TOKENS,
}
"""Numbers above 0 that every exchange may have."""

RATES = ("failure_rate", "accuracy", "negative_flip_rate")

FAILURE_KINDS = (
    *(kind.value for kind in FailureKind if kind is not FailureKind.CANCELLED),
    "undecodable",
    "no_output",
)

_QUANTILE = re.compile(r"p(\d{1,2}(?:\.\d{1,3})?)")


@dataclass(frozen=True, slots=True)
class Measured:
    """What a rule's amounts are about.

    Attributes:
        unit: Of margins and values.
        limit_unit: Of `limit`; None where a limit makes no sense.
        positive: Whether a margin in percent makes sense.
    """

    unit: Unit
    limit_unit: Unit | None = None
    positive: bool = False


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The names this config defines.

    Attributes:
        outputs: Numeric outputs.
        comparisons: Name of each comparison to its kind (`as`).
    """

    outputs: tuple[str, ...] = ()
    comparisons: Mapping[str, str] | None = None

    def measured(self, name: str) -> Measured:
        """What a metric's amounts are about.

        Raises:
            BadValueError: There is no such metric.
        """
        if (known := self._known().get(name)) is not None:
            return known
        stem, _, statistic = name.partition(".p")
        quantile = _QUANTILE.fullmatch("p" + statistic)
        if quantile and float(quantile[1]) > 0 and f"{stem}.mean" in self._known():
            mean = self._known()[f"{stem}.mean"]
            if mean.unit is not Unit.DISTANCE:
                return mean
        if name.endswith(".excess") and name.removesuffix(".excess") in (self.comparisons or {}):
            raise BadValueError(
                "is {value}, known, but this version does not do it yet",
                "Use .disagreement_rate",
            )
        raise BadValueError("is {value}, an unknown metric", nearest(name, self.names()))

    def names(self) -> tuple[str, ...]:
        """Every name, with one quantile standing for all."""
        means = [name for name in self._known() if name.endswith(".mean")]
        quantiles = [
            name.removesuffix("mean") + "p95"
            for name in means
            if self._known()[name].unit is not Unit.DISTANCE
        ]
        return tuple(name for name in (*self._known(), *quantiles) if name not in QUANTITIES)

    def _known(self) -> dict[str, Measured]:
        known = {rate: Measured(Unit.FRACTION) for rate in RATES}
        known |= {f"failure_rate.{kind}": Measured(Unit.FRACTION) for kind in FAILURE_KINDS}
        quantities = {name: (unit, True) for name, unit in QUANTITIES.items()}
        quantities |= {f"output.{name}": (Unit.SCORE, False) for name in self.outputs}
        for name, (unit, positive) in quantities.items():
            known[name] = known[f"{name}.mean"] = Measured(unit, positive=positive)
            known[f"{name}.exceedance"] = Measured(Unit.FRACTION, limit_unit=unit)
        for name, kind in (self.comparisons or {}).items():
            known[f"{name}.disagreement_rate"] = Measured(Unit.FRACTION)
            if kind != "label":
                known[f"{name}.mean"] = Measured(Unit.DISTANCE)
        return known

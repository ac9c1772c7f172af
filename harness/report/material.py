"""What a page shows of a run beyond its verdict: distributions, curves, looks, pairs, origin.

All of it is small whatever the run: values are binned, curves have a few points, pairs are chosen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.report.comparison_view import PairView


@dataclass(frozen=True, slots=True)
class Distribution:
    """One quantity of both sides, counted in the same bins.

    Attributes:
        quantity: Column stem of the value table, `latency_s`.
        edges: Of the bins, one more than there are; rising, in the quantity's unit.
        champion: Exchanges that did not fail, by bin.
        champion_failed: Its failed exchanges by kind; they are in no bin.
        timeouts: By side, in seconds; empty for what is no time.
        is_logarithmic: Whether bins have equal ratios instead of equal widths.
    """

    quantity: str
    unit: str
    edges: tuple[float, ...]
    champion: tuple[int, ...]
    challenger: tuple[int, ...]
    champion_failed: Mapping[str, int] = field(default_factory=dict)
    challenger_failed: Mapping[str, int] = field(default_factory=dict)
    timeouts: Mapping[str, float] = field(default_factory=dict)
    is_logarithmic: bool = False


@dataclass(frozen=True, slots=True)
class QuantilePoint:
    """How much more the challenger's quantile is than the champion's, in the quantity's unit.

    Attributes:
        champion: None where the quantile lies among the failures; `challenger` likewise.
        low: One-sided bound; None, with `high`, where there is too little for one.
    """

    p: float
    champion: float | None
    challenger: float | None
    difference: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class QuantileCurve:
    """Differences of the quantiles of one quantity, from the fast end to the slow one.

    Attributes:
        confidence: Of each bound, at each quantile by itself.
        n_pairs: How many pairs it was drawn from; not all of a long table.
    """

    quantity: str
    unit: str
    points: tuple[QuantilePoint, ...]
    confidence: float
    n_pairs: int


@dataclass(frozen=True, slots=True)
class Look:
    """What a rule's always-valid interval was after so many pairs."""

    n_pairs: int
    harm: float
    harm_low: float
    harm_high: float
    e_value: float


@dataclass(frozen=True, slots=True)
class History:
    """One rule's looks, the last of them that of the verdict."""

    rule: str
    unit: str
    margin: float
    relative: bool
    looks: tuple[Look, ...]


@dataclass(frozen=True, slots=True)
class Field:
    """How often one comparison, or one path within it, differs.

    Attributes:
        share: Of the pairs that could be compared.
        floor: The champion from itself; None where it was not asked twice, or nobody counted.
    """

    name: str
    n_differ: int
    share: float
    floor: float | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """One pair for a person to look at.

    Attributes:
        kind: `worst` or `typical`.
        size: As a `Disagreement`'s.
        fields: Comparisons and paths that differ.
        segments: `source=mobile` and the like.
        outcome: `challenger failed`, `champion failed`, `both failed`, `challenger wrong`,
            `champion wrong` or `both answered`.
        n_alike: Pairs that differ in the same comparisons; None where nobody counted.
    """

    kind: str
    size: float
    view: PairView
    fields: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    outcome: str = "both answered"
    n_alike: int | None = None


@dataclass(frozen=True, slots=True)
class Material:
    """What there is to show of one challenger.

    Attributes:
        outcomes: Pairs by who failed: `both answered`, `champion failed` and so on.
    """

    distributions: tuple[Distribution, ...] = ()
    curves: tuple[QuantileCurve, ...] = ()
    histories: tuple[History, ...] = ()
    fields: tuple[Field, ...] = ()
    examples: tuple[Example, ...] = ()
    outcomes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a page comes from, so that it can be made again.

    Attributes:
        facts: Names and what there is to say of them, in the order they are shown.
        config: The whole config as text, secrets masked.
    """

    facts: tuple[tuple[str, str], ...] = ()
    config: str = ""


@dataclass(frozen=True, slots=True)
class Dossier:
    """All that a page shows beyond the verdict, by challenger."""

    materials: Mapping[str, Material] = field(default_factory=dict)
    provenance: Provenance = field(default_factory=Provenance)

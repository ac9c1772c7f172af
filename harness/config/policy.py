"""What the challenger has to show, as a config writes it and as the gate takes it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    WithJsonSchema,
    model_validator,
)

from harness.config.amounts import Amount, Kind, amount, factor, improvement, margin
from harness.config.problems import BadValueError
from harness.config.section import Duration, Flag, Name, PositiveDuration, Section, Share
from harness.config.vocabulary import Vocabulary, limit_unit
from harness.gate.policy import (
    AtLeast,
    AtMost,
    Improves,
    Margin,
    NotWorse,
    Rule,
    Segments,
    Sequential,
)
from harness.metric import Metric, Sides, Unit

VERBS = ("not_worse", "improves", "at_most", "at_least")

_AMOUNT = WithJsonSchema({"type": ["number", "string"], "examples": [0.02, "50ms", "10%"]})
MarginOf = Annotated[Amount, BeforeValidator(margin), _AMOUNT]
ImprovementOf = Annotated[Amount, BeforeValidator(improvement), _AMOUNT]
LevelOf = Annotated[Amount, BeforeValidator(amount), _AMOUNT]
MetricName = Annotated[str, Field(min_length=1)]
_LIMIT = Field(
    default=None,
    description="For the `exceedance` statistic alone: what is too much, for instance 300ms.",
)


class NotWorseRule(Section):
    """Guardrail: the challenger may be worse, by less than the margin."""

    not_worse: MetricName = Field(
        description="Guardrail, with `margin`: the challenger may be worse by less than that."
    )
    margin: MarginOf = Field(
        description="Largest harm you accept: in the metric's unit, or `10%` of the champion."
    )
    limit: LevelOf | None = _LIMIT


class ImprovesRule(Section):
    """Goal: the challenger must be better by more than `by`."""

    improves: MetricName = Field(
        description="Goal: the challenger must be better, by more than `by`."
    )
    by: ImprovementOf = Field(
        default=Amount(0.0), description="It must be better by more than this."
    )
    worth: ImprovementOf = Field(
        default=Amount(0.0),
        description="Smallest improvement worth shipping: once the data exclude it, the "
        "challenger is rejected. 0 is never.",
    )
    limit: LevelOf | None = _LIMIT


class AtMostRule(Section):
    """Guardrail: the challenger's own value, or the pair's, must be below `value`."""

    at_most: MetricName = Field(
        description="Guardrail: the challenger's own value, or the pair's, must be below `value`."
    )
    value: LevelOf = Field(description="In the metric's unit.")
    limit: LevelOf | None = _LIMIT


class AtLeastRule(Section):
    """Guardrail: the challenger's own value must be above `value`."""

    at_least: MetricName = Field(
        description="Guardrail: the challenger's own value must be above `value`."
    )
    value: LevelOf = Field(description="In the metric's unit.")
    limit: LevelOf | None = _LIMIT


WrittenRule = NotWorseRule | ImprovesRule | AtMostRule | AtLeastRule


def verbs_of(rule: Any) -> list[str]:
    """The verbs that stand in a rule of the document; one is right."""
    return [verb for verb in VERBS if verb in rule] if isinstance(rule, Mapping) else []


def _verb(rule: Any) -> str | None:
    verbs = verbs_of(rule)
    return f"<{verbs[0]}>" if len(verbs) == 1 else None


RuleSection = Annotated[
    Annotated[NotWorseRule, Tag("<not_worse>")]
    | Annotated[ImprovesRule, Tag("<improves>")]
    | Annotated[AtMostRule, Tag("<at_most>")]
    | Annotated[AtLeastRule, Tag("<at_least>")],
    Discriminator(_verb),
]


def _confidence(value: Any) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0.5 < value < 1:
        return value
    raise BadValueError("is {value}, must be between 0.5 and 1", "0.95 is usual")


Confidence = Annotated[
    float,
    BeforeValidator(_confidence),
    WithJsonSchema({"type": "number", "exclusiveMinimum": 0.5, "exclusiveMaximum": 1}),
]


def _planned(value: Any) -> Any:
    if value == "all" or (isinstance(value, int) and not isinstance(value, bool) and value >= 1):
        return value
    raise BadValueError("is {value}, must be `all` or a whole number, 1 or more")


def _sequential(value: Any) -> Any:
    if isinstance(value, bool) or value == "strict":
        return value
    raise BadValueError("is {value}, must be `true`, `false` or `strict`")


def _ledger(value: str) -> str:
    if "://" in value:
        raise BadValueError(
            "is {value}, must be a file here", "A ledger is locked while it is used"
        )
    return value


DAY_S = 86_400.0

LedgerFile = Annotated[str, Field(min_length=1), AfterValidator(_ledger)]
MaybeSequential = Annotated[Literal["strict"] | bool, BeforeValidator(_sequential)]
PlannedPairs = Annotated[Literal["all"] | int, BeforeValidator(_planned)]
Rules = tuple[RuleSection, ...]


def _part(value: str) -> str:
    name, equals, _ = value.partition("=")
    if not (name and equals):
        raise BadValueError("is {value}, must be a segment with its value, such as source=mobile")
    return value


def _shares(values: dict[str, float]) -> dict[str, float]:
    total = math.fsum(values.values())
    if not math.isclose(total, 1, abs_tol=1e-6):
        raise BadValueError(
            f"is {{value}}, and its shares sum to {total:g}, must sum to 1",
            "They are shares of all production traffic",
        )
    return values


Part = Annotated[str, AfterValidator(_part)]
MarginFactor = Annotated[
    float,
    BeforeValidator(factor),
    WithJsonSchema({"type": "string", "pattern": r"^\d+(\.\d+)?\s*x$", "examples": ["2x"]}),
]
ShareByValue = Annotated[dict[str, Share], AfterValidator(_shares)]


class SegmentsSection(Section):
    """How parts of the traffic are searched for harm that the whole hides."""

    scan: Flag = Field(
        default=True,
        description="Test every part by every guardrail; `false` tests the protected ones alone.",
    )
    margin_factor: MarginFactor = Field(
        default=2.0,
        alias="margin",
        description="In a part, harm is held against each `not_worse` margin times this.",
    )
    protect: tuple[Part, ...] = Field(
        default=(),
        description="Parts such as `source=mobile` in which sure harm rejects, and too little "
        "data holds. Elsewhere harm is a warning.",
    )
    weights: dict[Name, ShareByValue] = Field(
        default_factory=dict,
        description="Of a segment, each value's share of production traffic: harm is also "
        "estimated for that mix.",
    )

    @property
    def names(self) -> dict[tuple[str | int, ...], str]:
        """The segments it speaks of, by the key that names each."""
        protected: dict[tuple[str | int, ...], str] = {
            ("protect", i): part.partition("=")[0] for i, part in enumerate(self.protect)
        }
        return {**protected, **{("weights", name): name for name in self.weights}}

    @property
    def for_gate(self) -> Segments:
        """The same as the gate takes it."""
        return Segments(self.scan, self.margin_factor, self.protect, self.weights)


class PolicySection(Section):
    """Rules, and how sure we have to be. Every rule has to hold."""

    confidence: Confidence = Field(
        default=0.95, description="0.95 is an error of 0.05, one-sided, for each rule."
    )
    planned_pairs: PlannedPairs = Field(
        default="all", description="The gate holds before that many pairs; `all` is the whole log."
    )
    sequential: MaybeSequential = Field(
        default=False,
        description="`true`: the run may be judged at any time and as often as you like; `strict` "
        "counts every user once in rules on rates.",
    )
    window_s: PositiveDuration = Field(
        default=DAY_S,
        alias="window",
        description="For `sequential: strict`: a user counts this long after the first request, "
        "with what came until then.",
    )
    min_duration_s: Duration = Field(
        default=DAY_S,
        alias="min_duration",
        description="Live only: nothing is promoted before the traffic covers that much time; "
        "gaps in it do not count.",
    )
    min_pairing_rate: Share = Field(
        default=0.99, description="With a smaller share of requests paired the run is no evidence."
    )
    max_lag_s: Duration = Field(
        default=0.05,
        alias="max_lag",
        description="With a 99th percentile of harness's own lateness above it the run is no "
        "evidence.",
    )
    ledger: LedgerFile | None = Field(
        default=None,
        description="A file, relative to the config, that remembers every gate run against a log; "
        "the verdict says which one it is.",
    )
    alpha_ledger: Flag = Field(
        default=False,
        description="With a `ledger`: run number j is held to an error of α·6/(π²j²), so that all "
        "runs against one log together keep α.",
    )
    segments: SegmentsSection | None = Field(
        default=None,
        description="How parts of the traffic are tested; without it they are described alone.",
    )
    rules: Rules = Field(
        description="`not_worse`, `improves`, `at_most`, `at_least`; one is about failures."
    )

    @model_validator(mode="after")
    def _counts_in_a_ledger(self) -> PolicySection:
        if self.alpha_ledger and self.ledger is None:
            raise BadValueError(
                "is true, and there is no `ledger` to count in",
                "Name a file: `ledger: ledger.jsonl`",
                key=("alpha_ledger",),
            )
        return self


class PolicyOverride(Section):
    """Keys of `policy` for one challenger; what is not given is as for all."""

    confidence: Confidence | None = Field(default=None, description="See `policy`.")
    planned_pairs: PlannedPairs | None = Field(default=None, description="See `policy`.")
    sequential: MaybeSequential | None = Field(default=None, description="See `policy`.")
    window_s: PositiveDuration | None = Field(
        default=None, alias="window", description="See `policy`."
    )
    min_duration_s: Duration | None = Field(
        default=None, alias="min_duration", description="See `policy`."
    )
    min_pairing_rate: Share | None = Field(default=None, description="See `policy`.")
    max_lag_s: Duration | None = Field(default=None, alias="max_lag", description="See `policy`.")
    segments: SegmentsSection | None = Field(
        default=None, description="Takes the place of the policy's whole `segments`."
    )
    rules: Rules | None = Field(
        default=None, description="Takes the place of the policy's whole list."
    )


def sequential_of(written: Literal["strict"] | bool) -> Sequential | None:
    """How a run may be looked at any time; None where one look is planned."""
    match written:
        case "strict":
            return Sequential.STRICT
        case _:
            return Sequential.DEFLATED if written else None


def metric_of(rule: WrittenRule) -> str:
    """The name of the metric a rule is about."""
    match rule:
        case NotWorseRule():
            return rule.not_worse
        case ImprovesRule():
            return rule.improves
        case AtMostRule():
            return rule.at_most
        case AtLeastRule():
            return rule.at_least


@dataclass(frozen=True, slots=True)
class ResolvedRule:
    """A rule as the gate takes it, and the metric it is about."""

    rule: Rule
    metric: Metric


def resolved(written: WrittenRule, vocabulary: Vocabulary) -> ResolvedRule:
    """Find a rule's metric and turn its amounts into the metric's unit.

    Raises:
        BadValueError: There is no such metric, or an amount does not fit it.
    """
    name = metric_of(written)
    limit = None if written.limit is None else _limit(written.limit, limit_unit(name))
    metric = vocabulary.metric(name, limit)
    if isinstance(written, ImprovesRule) and metric.sides is Sides.PAIR:
        raise BadValueError(
            "is {value}, which the champion has no value of", "Use at_most: nothing can improve it"
        )
    return ResolvedRule(_gate_rule(written, metric, limit), metric)


def _gate_rule(written: WrittenRule, metric: Metric, limit: float | None) -> Rule:
    match written:
        case NotWorseRule():
            return NotWorse(metric.name, _margin(written.margin, metric, "margin"), limit)
        case ImprovesRule():
            by, worth = _improvement(written, metric)
            return Improves(metric.name, by, worth, limit)
        case AtMostRule():
            return AtMost(metric.name, _level(written.value, metric.unit, "value"), limit)
        case AtLeastRule():
            return AtLeast(metric.name, _level(written.value, metric.unit, "value"), limit)


def _limit(written: Amount, unit: Unit) -> float:
    limit = _level(written, unit, "limit")
    if limit <= 0 and unit is not Unit.SCORE:
        raise BadValueError("is {value}, must be above 0", key=("limit",))
    return limit


def _margin(written: Amount, metric: Metric, key: str) -> Margin:
    if written.kind is not Kind.PERCENT:
        margin_of = Margin(_level(written, metric.unit, key))
        if metric.unit is Unit.FRACTION and margin_of.value >= 1:
            raise BadValueError(
                "is {value}, must be a fraction below 1",
                f"Write {written.value / 100:g} if you mean {written.value:g} percentage points",
                key=(key,),
            )
        return margin_of
    if metric.unit is Unit.FRACTION:
        raise BadValueError(
            "is {value}, and the metric is a rate",
            f"Write {written.value:g} if you mean {100 * written.value:g} percentage points",
            key=(key,),
        )
    if not metric.positive:
        raise BadValueError(
            "is {value}, and the metric need not be above 0",
            "Percent is for means and quantiles of times, costs and tokens: give the margin in "
            "the metric's unit",
            key=(key,),
        )
    return Margin(written.value, relative=True)


def _improvement(rule: ImprovesRule, metric: Metric) -> tuple[Margin, float]:
    """`by` and `worth` on one scale, relative or absolute; 0 is at home on both."""
    by, worth = _margin(rule.by, metric, "by"), _margin(rule.worth, metric, "worth")
    if by.value and worth.value and by.relative != worth.relative:
        raise BadValueError(
            "is {value}, and `by` is on another scale",
            "Write both in percent or both in the metric's unit",
            key=("worth",),
        )
    return Margin(by.value, relative=by.relative or worth.relative), worth.value


def _level(written: Amount, unit: Unit, key: str) -> float:
    """A value in the metric's unit."""
    match written.kind:
        case Kind.PLAIN if unit is Unit.FRACTION and not 0 <= written.value <= 1 and key == "value":
            raise BadValueError("is {value}, must be a fraction, 0 to 1", "0.05 is 5 %", key=(key,))
        case Kind.PLAIN:
            return written.value
        case Kind.SECONDS if unit is Unit.SECONDS:
            return written.value
        case Kind.SECONDS:
            raise BadValueError(
                f"is {{value}}, and the unit here is {unit}", "Write a plain number", key=(key,)
            )
        case Kind.PERCENT if unit is Unit.FRACTION:
            raise BadValueError(
                "is {value}, must be a fraction", f"Write {written.value:g}", key=(key,)
            )
        case Kind.PERCENT:
            raise BadValueError(
                "is {value}, and only a margin can be relative",
                f"Write a value in the metric's unit, {unit}",
                key=(key,),
            )

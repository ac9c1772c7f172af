"""One rule of a policy, as a config writes it and as the gate takes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, Discriminator, Field, Tag, WithJsonSchema

from harness.config.amounts import Amount, Kind, amount, improvement, margin
from harness.config.problems import BadValueError
from harness.config.section import Section
from harness.config.vocabulary import Vocabulary, limit_unit
from harness.gate.policy import AtLeast, AtMost, Improves, Margin, NotWorse, Rule
from harness.metric import Better, Metric, Sides, Unit

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
    is_harm = metric.sides is Sides.PAIR and metric.better is Better.LOWER
    if isinstance(written, ImprovesRule) and is_harm:
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

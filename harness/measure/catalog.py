"""Every metric a policy can name, and what it means."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from difflib import get_close_matches
from typing import Protocol

from harness.exchange import FailureKind
from harness.metric import (
    Better,
    Exceedance,
    Mean,
    Metric,
    Quantile,
    Rate,
    Sides,
    Statistic,
    Unit,
)

STREAM_TIMES = (
    "first_token_s",
    "token_gap_s",
    "token_gap_p95_s",
    "token_gap_max_s",
    "stalled_s",
)
"""Quantities in seconds of an answer that comes token by token; see `harness.measure.streams`."""

STREAM_QUANTITIES = {
    **dict.fromkeys(STREAM_TIMES, Unit.SECONDS),
    "tokens_per_s": Unit.TOKENS_PER_SECOND,
}
"""What an answer may have in a dialect that reads streams."""

QUANTITIES = {
    "latency_s": Unit.SECONDS,
    "first_byte_s": Unit.SECONDS,
    "cost_usd": Unit.USD,
    "input_tokens": Unit.TOKENS,
    "output_tokens": Unit.TOKENS,
    **STREAM_QUANTITIES,
}
"""What every exchange may have: never negative; less is better, but for `tokens_per_s`."""

_MORE_IS_BETTER = ("tokens_per_s",)
_OFTEN_ZERO = ("stalled_s",)  # no percent of it

OUTPUT_FAILURES = ("undecodable", "cut_off", "no_output")
"""Failures found when an answer is read: it has no meaning, ended before its end, or lacks what the
champion's has."""

FAILURES = (*(kind for kind in FailureKind if kind != FailureKind.CANCELLED), *OUTPUT_FAILURES)
"""All values of `X_failure`; a cancelled pair is in no table."""

_RATES = {
    "failure_rate": ("failed", Better.LOWER),
    "accuracy": ("correct", Better.HIGHER),
    "refusal_rate": ("refused", Better.LOWER),
    "format_violation_rate": ("misformatted", Better.LOWER),
}
"""Shares of yes on each side: the value table's column, and which way is better."""

_RESERVED = (*QUANTITIES, *_RATES, "negative_flip_rate", "output")
_QUANTILE = re.compile(r"p(\d{1,2}(?:\.\d{1,3})?)")
_STATISTICS = "mean, p50 to p99.9, exceedance (with `limit`)"


class Scored(Protocol):
    """A numeric output, as far as a metric needs to know it."""

    @property
    def better(self) -> Better: ...

    @property
    def worst(self) -> float | None: ...


@dataclass(frozen=True, slots=True)
class AskedAbout:
    """Who is asked about the answers: judges by name, and classifiers with what a number means."""

    judges: tuple[str, ...] = ()
    classifiers: Mapping[str, Scored] = field(default_factory=dict)


NOBODY = AskedAbout()


def resolve(
    name: str,
    *,
    limit: float | None = None,
    outputs: Mapping[str, Scored],
    comparisons: Iterable[str],
    repeated: bool = False,
    asked: AskedAbout = NOBODY,
) -> Metric:
    """Find the metric of a name as a policy writes it.

    Args:
        limit: For `.exceedance` alone, in the quantity's unit.
        outputs: The numeric outputs of the config.
        comparisons: The names of its comparisons.
        repeated: Whether the champion is asked twice, so that its own noise is known.
        asked: Who is asked about the answers.

    Raises:
        ValueError: There is no such metric, or its limit is missing or senseless. The message
            starts with a verb, to stand behind the key of the config.
    """
    comparisons = tuple(comparisons)
    metric = _rate(name) or _of_quantity(name, limit) or _of_output(name, limit, outputs)
    metric = metric or _of_comparison(name, comparisons, repeated=repeated)
    metric = metric or _of_judge(name, asked) or _of_classifier(name, limit, asked)
    if metric is None:
        raise ValueError(
            _unknown(name, names(outputs, comparisons, repeated=repeated, asked=asked))
        )
    if limit is not None and not isinstance(metric.statistic, Exceedance):
        raise ValueError(f"has a limit, but {name} takes none: only `.exceedance` does")
    return metric


def names(
    outputs: Iterable[str],
    comparisons: Iterable[str],
    *,
    repeated: bool = False,
    asked: AskedAbout = NOBODY,
) -> tuple[str, ...]:
    """All metric names of a config, with p95 standing for every quantile."""
    own = _names(outputs, comparisons, repeated=repeated)
    judges = (f"{name}.preference" for name in asked.judges)
    classifiers = (
        f"{name}.{one}" for name in asked.classifiers for one in ("mean", "p95", "exceedance")
    )
    return (*own, *judges, *classifiers)


def clashes(outputs: Iterable[str], comparisons: Iterable[str]) -> tuple[str, ...]:
    """What is ambiguous about the names in a config, one sentence each; empty when nothing is."""
    problems = []
    seen: set[str] = set()
    for name in comparisons:
        if name in seen:
            problems.append(f"comparison {name!r} is defined twice")
        if name in _RESERVED:
            problems.append(f"comparison {name!r} has the name of a built-in metric")
        seen.add(name)
    problems += (
        f"the name {name!r} contains a dot, which separates a metric from its statistic"
        for name in (*outputs, *seen)
        if "." in name
    )
    return tuple(problems)


def _names(outputs: Iterable[str], comparisons: Iterable[str], *, repeated: bool) -> Iterator[str]:
    for stem in (*QUANTITIES, *(f"output.{name}" for name in outputs)):
        yield from (f"{stem}.{statistic}" for statistic in ("mean", "p95", "exceedance"))
    yield "failure_rate"
    yield from (f"failure_rate.{kind}" for kind in FAILURES)
    yield from ("accuracy", "negative_flip_rate", "refusal_rate", "format_violation_rate")
    for name in comparisons:
        yield from (f"{name}.disagreement_rate", f"{name}.mean")
        if repeated:
            yield f"{name}.excess"


def _rate(name: str) -> Metric | None:
    kind = name.removeprefix("failure_rate.")
    if name in _RATES:
        quantity, better = _RATES[name]
        return Metric(name, quantity, Rate(), Unit.FRACTION, better)
    if kind != name and kind in FAILURES:
        return Metric(name, f"failure.{kind}", Rate(), Unit.FRACTION, Better.LOWER)
    if name == "negative_flip_rate":
        return Metric(name, "negative_flip", Rate(), Unit.FRACTION, Better.LOWER, Sides.PAIR)
    return None


def _of_quantity(name: str, limit: float | None) -> Metric | None:
    quantity, dot, statistic = name.partition(".")
    if quantity not in QUANTITIES:
        return None
    if not dot:
        raise ValueError(f"is {name!r}, which needs a statistic: {_STATISTICS}")
    unit = QUANTITIES[quantity]
    return _numeric(
        name,
        quantity,
        _statistic(name, statistic, limit),
        unit,
        better=Better.HIGHER if quantity in _MORE_IS_BETTER else Better.LOWER,
        positive=quantity not in _OFTEN_ZERO,
    )


def _of_output(name: str, limit: float | None, outputs: Mapping[str, Scored]) -> Metric | None:
    output, dot, statistic = name.removeprefix("output.").partition(".")
    if not name.startswith("output.") or output not in outputs:
        return None
    return _numeric(
        name,
        f"output.{output}",
        _statistic(name, statistic, limit) if dot else Mean(),
        Unit.SCORE,
        better=outputs[output].better,
        worst=outputs[output].worst,
    )


def _of_comparison(name: str, comparisons: tuple[str, ...], *, repeated: bool) -> Metric | None:
    comparison, _, statistic = name.partition(".")
    if comparison not in comparisons:
        return None
    match statistic:
        case "disagreement_rate":
            quantity = f"{comparison}.agree"
            return Metric(name, quantity, Rate(), Unit.FRACTION, Better.LOWER, Sides.PAIR)
        case "mean":
            quantity = f"{comparison}.distance"
            return Metric(name, quantity, Mean(), Unit.DISTANCE, Better.LOWER, Sides.PAIR)
        case "excess" if repeated:
            return Metric(name, name, Mean(), Unit.FRACTION, Better.LOWER, Sides.PAIR)
        case "excess":
            raise ValueError(
                f"is {name!r}, which needs to know how often the champion disagrees with itself. "
                f"Ask it twice with `repeat: {{rate: 0.10}}`, or use {comparison}.disagreement_rate"
            )
        case _:
            raise ValueError(
                f"is {name!r}, but a comparison has the statistics disagreement_rate, mean and, "
                f"with `repeat`, excess"
            )


def _of_judge(name: str, asked: AskedAbout) -> Metric | None:
    judge, _, statistic = name.partition(".")
    if judge not in asked.judges:
        return None
    if statistic != "preference":
        raise ValueError(f"is {name!r}, but a judge has the statistic preference alone")
    return Metric(name, name, Mean(), Unit.PREFERENCE, Better.HIGHER, Sides.PAIR)


def _of_classifier(name: str, limit: float | None, asked: AskedAbout) -> Metric | None:
    classifier, dot, statistic = name.partition(".")
    scored = asked.classifiers.get(classifier)
    if scored is None:
        return None
    return _numeric(
        name,
        f"annotation.{classifier}",
        _statistic(name, statistic, limit) if dot else Mean(),
        Unit.SCORE,
        better=scored.better,
        worst=scored.worst,
    )


def _numeric(
    name: str,
    quantity: str,
    statistic: Statistic,
    unit: Unit,
    *,
    better: Better = Better.LOWER,
    worst: float | None = None,
    positive: bool = False,
) -> Metric:
    if isinstance(statistic, Exceedance):
        unit, positive = Unit.FRACTION, False
    return Metric(
        name, quantity, statistic, unit, better, Sides.BOTH, positive=positive, worst=worst
    )


def _statistic(name: str, text: str, limit: float | None) -> Statistic:
    if text == "mean":
        return Mean()
    if text == "exceedance":
        if limit is None:
            raise ValueError(f"is {name!r}, which needs a `limit`: the share above it is counted")
        return Exceedance(limit)
    quantile = _QUANTILE.fullmatch(text)
    if quantile is None or float(quantile[1]) == 0:
        raise ValueError(f"is {name!r}, but {text!r} is no statistic: {_STATISTICS}")
    return Quantile(float(Decimal(quantile[1]) / 100))  # 99.9 is 0.999, not a float beside it


def _unknown(name: str, known: Iterable[str]) -> str:
    known = tuple(known)
    near = get_close_matches(name, known, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"is {name!r}, which is not a metric of this config.{hint} Known: {', '.join(known)}"

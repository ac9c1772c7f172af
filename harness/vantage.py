"""Latency seen from one place, and whether it was seen at all.

Live, two processes hold the watches: the front times the champion, which users wait for, and the
mirror the challengers, at a priority at which it may have to wait for a core itself. Two things
make that fair.

The champion asked again through the mirror, among the challengers, is timed as they are. Where it
is, rules on the time of both sides compare the challenger with that second answer, on the requests
that have one; everything else is held against what users got.

And the mirror notes with each exchange how late it may have been to read its end. Where that is
often longer than is allowed, or than the harm that a rule would let pass, what was seen of time is
no evidence of anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import polars as pl

from harness.collected import Collected
from harness.evidence import Measured, evidence_of
from harness.gate.bound import bound_of
from harness.gate.policy import AtLeast, AtMost, Policy, Rule
from harness.glimpse import glimpse
from harness.measure.catalog import STREAM_QUANTITIES, STREAM_TIMES
from harness.measure.segments import partitions
from harness.metric import Metric
from harness.quantity import say, say_margin

TIMES = ("latency_s", "first_byte_s", *STREAM_TIMES)

_ANSWER = ("request_id", "champion_order", "champion_latency_s")
_OF_THE_REPEAT = (
    "latency_s", "first_byte_s", "timeout_s", "failed", "failure", "sender_lag_s", "order",
)  # fmt: skip


def from_one_place(values: pl.LazyFrame, repeats: pl.LazyFrame) -> pl.LazyFrame:
    """The rows whose champion was asked again, with the times of its second answer.

    Args:
        values: A challenger's value table.
        repeats: The champion's with itself: its first answer is the one that stands in `values`.
    """
    known = repeats.collect_schema().names()
    streamed = [name for name in STREAM_QUANTITIES if f"challenger_{name}" in known]
    names = (*_OF_THE_REPEAT, *streamed)
    again = repeats.select(
        *_ANSWER, *(pl.col(f"challenger_{name}").alias(f"again_{name}") for name in names)
    ).unique(list(_ANSWER), keep="first", maintain_order=True)
    found = values.join(again, on=list(_ANSWER), how="inner", maintain_order="left")
    return found.with_columns(
        pl.col(f"again_{name}").alias(f"champion_{name}") for name in names
    ).drop([f"again_{name}" for name in names])


def held_against_repeats(one: Collected, found: Sequence[Measured]) -> tuple[Measured, ...]:
    """What was measured, with the times of both sides from one place where there are such."""
    rules = [
        (rule, metric)
        for rule, metric in zip(one.policy.rules, one.metrics, strict=True)
        if _compares_times(rule, metric)
    ]
    if one.from_one_place is None or not rules:
        return tuple(found)
    timed = replace(
        one,
        values=one.from_one_place,
        policy=replace(one.policy, rules=tuple(rule for rule, _ in rules)),
        metrics=tuple(metric for _, metric in rules),
    )
    named = one.policy.segments.named if one.policy.segments else ()
    evidence = evidence_of(timed, partitions(timed.values, always=named), looked_at=glimpse(timed))
    by_rule = dict(zip(timed.policy.rules, evidence.measured, strict=True))
    # A gap is of the rows of its own table: what those lack is no matter of the others.
    return tuple(
        replace(by_rule[rule], gap=None) if rule in by_rule else each
        for rule, each in zip(one.policy.rules, found, strict=True)
    )


def seen_too_late(
    values: pl.LazyFrame, policy: Policy, metrics: Sequence[Metric]
) -> Mapping[Rule, str]:
    """Rules on time for which our own lateness may have been larger than what they look for.

    Args:
        values: What they would be judged by.

    Returns:
        Each with the reason, one sentence.
    """
    lag_p99_s = _lag_p99_s(values)
    if lag_p99_s is None:
        return {}
    return {
        rule: (
            f"our own lateness has a p99 of {say(lag_p99_s, 's')}, "
            f"{say_margin(most_s, 's')} allowed: what was seen of time is not the deployments'. "
            f"Give the mirror more CPU"
        )
        for rule, metric in zip(policy.rules, metrics, strict=True)
        if metric.quantity in TIMES and lag_p99_s > (most_s := _most_s(rule, policy))
    }


def _compares_times(rule: Rule, metric: Metric) -> bool:
    return metric.quantity in TIMES and not isinstance(rule, AtMost | AtLeast)


def _lag_p99_s(values: pl.LazyFrame) -> float | None:
    seen = values.select(
        pl.max_horizontal(
            pl.col(f"{side}_sender_lag_s").quantile(0.99, interpolation="equiprobable")
            for side in ("champion", "challenger")
        )
    )
    found = seen.collect().item()
    return None if found is None else float(found)


def _most_s(rule: Rule, policy: Policy) -> float:
    """How late we may have been: no more than the policy says, nor than the rule lets pass."""
    if isinstance(rule, AtMost | AtLeast):
        return policy.max_lag_s
    bound = bound_of(rule)
    if bound.relative or not bound.value:
        return policy.max_lag_s
    return min(policy.max_lag_s, abs(bound.value))

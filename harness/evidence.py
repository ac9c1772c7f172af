"""What each rule is judged by: its estimate over the whole traffic, and within every part of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import polars as pl

from harness.asking import Asking
from harness.cells import PartCells
from harness.collected import Collected
from harness.gate.policy import Rule
from harness.gate.segments import PartEvidence, rule_in_part
from harness.inquiry import Answer, Inquiry, Topic, topic_of
from harness.measure.catalog import STREAM_QUANTITIES
from harness.measure.segments import Partition, segments
from harness.measure.sides import needed_columns, pair_values, sides, value_exprs
from harness.metric import Metric, Sides
from harness.missing import Gap
from harness.part import Part, clusters_of
from harness.segmentation import Contrast
from harness.stats.clusters import ClusterSizes, Floats
from harness.stats.sequential import NOTHING_SEEN
from harness.sums import Sums
from harness.verdict import Estimate, Memory, SegmentContrast, Unavailable

_IMPUTED = frozenset({"latency_s", "first_byte_s", "correct", "misformatted", *STREAM_QUANTITIES})
"""Quantities of which a failed answer has the worst value there is."""

FEWEST_TO_BE_RIGHT = 20
"""With this many known labels a champion that serves users has been right at least once."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One rule's evidence, within each part of the traffic too, and how the parts differ.

    Attributes:
        gap: The rows without a value; None where there are none.
        harm_both_answered: See `Finding`.
    """

    evidence: Estimate | Unavailable
    gap: Gap | None = None
    harm_both_answered: float | None = None
    parts: tuple[PartEvidence, ...] = ()
    contrasts: tuple[SegmentContrast, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What was measured of every rule, in the order of the policy.

    Attributes:
        clusters: All of the table's.
    """

    measured: tuple[Measured, ...]
    clusters: ClusterSizes


def evidence_of(
    one: Collected, partitions: Sequence[Partition], *, looked_at: Collected
) -> Evidence:
    """Measure every rule of a policy.

    Args:
        looked_at: The same, or enough of it to look for patterns in what is missing.
    """
    asked = [
        _Asked.of(one, rule, metric)
        for rule, metric in zip(one.policy.rules, one.metrics, strict=True)
    ]
    answered_apart = _somebody_failed(one)
    topics: dict[Topic, None] = {}
    for each in asked:
        if each.why_not is None:
            if one.policy.sequential is None or _is_contrasted(one, each):
                topics[each.topic] = None
            if answered_apart and each.is_imputed:
                topics[replace(each.topic, answered=True)] = None
    sums = Sums(one.values, partitions, [topic.need for topic in topics])
    inquiry = Inquiry(sums, list(topics))
    rows = _Rows.of(one) if one.policy.sequential else None
    answers = [_put(one, each, inquiry, rows, answered_apart, looked_at) for each in asked]
    inquiry.add_up()
    sizes = sums.cells.whole().totals(sums.cells.sums["rows"])
    return Evidence(tuple(answer() for answer in answers), ClusterSizes(sizes))


@dataclass(frozen=True, slots=True)
class _Asked:
    """One rule, and why there is no evidence on it where that is so."""

    ask: Asking
    why_not: str | None

    @classmethod
    def of(cls, one: Collected, rule: Rule, metric: Metric) -> _Asked:
        why_not = one.barred.get(rule) or _never_right(one, metric)
        return cls(Asking(rule, metric, one.policy.confidence), why_not)

    @property
    def topic(self) -> Topic:
        return topic_of(self.ask.rule, self.ask.metric, self.ask.question)

    @property
    def is_imputed(self) -> bool:
        """Whether failures count as something else than what was seen."""
        metric = self.ask.metric
        imputed = metric.quantity in _IMPUTED or metric.worst is not None
        return imputed and metric.sides is Sides.BOTH

    def within(self, one: Collected) -> Asking:
        """What is asked of a part."""
        searched = one.policy.segments
        if searched is None:
            return self.ask
        return replace(self.ask, rule=rule_in_part(self.ask.rule, searched))


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """The rows in the order they came, in the whole and in each part: for looks at any time."""

    whole: Part
    parts: dict[str, Part]

    @classmethod
    def of(cls, one: Collected) -> _Rows:
        whole = Part.whole(one.values, clusters_of(one.values), one.policy)
        named = one.policy.segments.named if one.policy.segments else ()
        parts = [whole.where(segment) for segment in segments(one.values, always=named)]
        return cls(whole, {part.name: part for part in parts})

    def arrays(self, one: Collected, asked: _Asked) -> Sequence[Floats]:
        """The values of a rule: of both sides, or of the one it is about."""
        metric = asked.ask.metric
        columns = one.values.select(needed_columns(metric)).collect()
        if metric.sides is Sides.PAIR:
            return (pair_values(metric, columns),)
        both = sides(metric, columns)
        return both[1:] if asked.topic.one_sided else both


def _put(
    one: Collected,
    asked: _Asked,
    inquiry: Inquiry,
    rows: _Rows | None,
    answered_apart: bool,
    looked_at: Collected,
) -> Callable[[], Measured]:
    """Put one rule to the whole and to all parts; the answer waits for the influence."""
    ask, metric = asked.ask, asked.ask.metric
    if asked.why_not is not None:
        nothing = Measured(Unavailable(metric.name, metric.unit, asked.why_not))
        return lambda: nothing
    whole, *parts = inquiry.sums.parts
    within = asked.within(one)
    found: Answer
    if rows is None:
        found = inquiry.ask(asked.topic, ask.question, whole)
        in_parts = [(part.name, inquiry.ask(asked.topic, within.question, part)) for part in parts]
    else:
        arrays = rows.arrays(one, asked)
        found = _looked(ask, arrays, rows.whole, one.memories.get(ask.rule, NOTHING_SEEN))
        in_parts = [
            (name, _looked(within, arrays, part, one.memory_in(name, ask.rule)))
            for name, part in rows.parts.items()
        ]
    apart: Answer | None = None
    if answered_apart and asked.is_imputed:
        apart = inquiry.ask(replace(asked.topic, answered=True), ask.question, whole)
    contrasts = _contrasts(one, asked, inquiry, parts)

    def answer() -> Measured:
        overall = found()
        return Measured(
            overall,
            _gap(looked_at, asked),
            _harm(apart),
            tuple(PartEvidence(name, ask.rule, seen()) for name, seen in in_parts),
            tuple(contrast.said(overall) for contrast in contrasts),
        )

    return answer


def _looked(ask: Asking, arrays: Sequence[Floats], part: Part, memory: Memory) -> Answer:
    return lambda: ask.about(arrays, part, memory)


def _harm(apart: Answer | None) -> float | None:
    """The harm among pairs that neither side failed; the same at one look and at any number."""
    found = None if apart is None else apart()
    return found.harm if isinstance(found, Estimate) else None


def _gap(one: Collected, asked: _Asked) -> Gap | None:
    """The rows without a value on a side, whichever the rule is about."""
    metric = asked.ask.metric
    lacking = [expr.cast(pl.Float64).fill_nan(None).is_null() for expr in value_exprs(metric)]
    if not one.values.select(pl.any_horizontal(lacking).any()).collect().item():
        return None
    columns = one.values.select(needed_columns(metric)).collect()
    is_pair = metric.sides is Sides.PAIR
    arrays = (pair_values(metric, columns),) if is_pair else sides(metric, columns)
    return Gap.of(asked.ask.rule, metric, arrays)


def _somebody_failed(one: Collected) -> bool:
    failed = pl.col("champion_failed") | pl.col("challenger_failed")
    return bool(one.values.select(failed.any()).collect().item())


def _never_right(one: Collected, metric: Metric) -> str | None:
    """Why labels and truth cannot be the same thing; None when they may be.

    A champion that is right on none of many pairs is not that bad: the config compares what can
    never be equal, and two sides that are both always wrong would pass as equally good.
    """
    if "champion_correct" not in needed_columns(metric):
        return None
    correct = pl.col("champion_correct")
    n_known, any_right = one.values.select(correct.count(), n=correct.any()).collect().row(0)
    if n_known < FEWEST_TO_BE_RIGHT or any_right:
        return None
    return (
        f"the champion's label equals the truth on none of {n_known:,} pairs: check "
        f"`output.label` and `truth`"
    )


def _is_contrasted(one: Collected, asked: _Asked) -> bool:
    """Whether its harm is held against that in other parts."""
    both_sides = asked.ask.metric.sides is Sides.BOTH and not asked.topic.one_sided
    return one.policy.segments is not None and both_sides


def _contrasts(
    one: Collected, asked: _Asked, inquiry: Inquiry, parts: Sequence[PartCells]
) -> list[Contrast]:
    """How the values of each segment differ, where a rule compares two sides."""
    searched, ask = one.policy.segments, asked.ask
    if searched is None or not _is_contrasted(one, asked):
        return []
    by_segment: dict[str, list[PartCells]] = {}
    for part in parts:
        by_segment.setdefault(part.name.partition("=")[0], []).append(part)
    return [
        Contrast(segment, ask, asked.topic, inquiry, values, searched.production.get(segment))
        for segment, values in by_segment.items()
    ]

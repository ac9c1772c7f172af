"""What each rule is judged by: its estimate over the whole traffic, and within every part of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from harness.asking import Asking
from harness.collected import Collected
from harness.gate.policy import AtLeast, AtMost, Rule, Segments
from harness.gate.segments import PartEvidence, rule_in_part
from harness.measure.sides import needed_columns, pair_values, sides
from harness.metric import Metric, Sides
from harness.missing import Gap
from harness.part import Part
from harness.segmentation import Contrasted, Value, contrast
from harness.stats.clusters import Floats
from harness.stats.sequential import NOTHING_SEEN
from harness.verdict import Estimate, SegmentContrast, Unavailable

_IMPUTED = frozenset({"latency_s", "first_byte_s", "correct"})
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


def measured(
    rule: Rule, metric: Metric, one: Collected, whole: Part, parts: Sequence[Part]
) -> Measured:
    """How much worse the challenger is on one metric."""
    if rule in one.barred:
        return Measured(Unavailable(metric.name, metric.unit, one.barred[rule]))
    columns = one.values.select(needed_columns(metric)).collect()
    if (why := _never_right(columns)) is not None:
        return Measured(Unavailable(metric.name, metric.unit, why))
    ask = Asking(rule, metric, one.policy.confidence)
    memory = one.memories.get(rule, NOTHING_SEEN)
    arrays: tuple[Floats, ...]
    is_pair = metric.sides is Sides.PAIR
    arrays = (pair_values(metric, columns),) if is_pair else sides(metric, columns)
    gap = Gap.of(rule, metric, arrays)
    if not is_pair and isinstance(rule, AtMost | AtLeast):
        arrays = arrays[1:]
    found = ask.about(arrays, whole, memory)
    within, searched = ask, one.policy.segments
    if searched is not None:
        within = replace(ask, rule=rule_in_part(rule, searched))
    return Measured(
        found,
        gap,
        _both_answered(ask, arrays, one, whole),
        tuple(
            PartEvidence(
                part.name, rule, within.about(arrays, part, one.memory_in(part.name, rule))
            )
            for part in parts
        ),
        () if searched is None else _contrasts(ask, arrays, whole, parts, searched, found),
    )


def _both_answered(
    ask: Asking, arrays: Sequence[Floats], one: Collected, whole: Part
) -> float | None:
    """The harm among pairs that neither side failed, where failures count as something else."""
    metric = ask.metric
    imputed = metric.quantity in _IMPUTED or metric.worst is not None
    if not imputed or metric.sides is Sides.PAIR:
        return None
    failed = pl.col("champion_failed") | pl.col("challenger_failed")
    answered = one.values.select(~failed).collect().to_series().to_numpy()
    if answered.all():
        return None
    # The harm itself is the same at one look and at any number of them.
    part = Part("", np.flatnonzero(answered), whole.clusters.where(answered), None)
    found = ask.about(arrays, part, NOTHING_SEEN)
    return found.harm if isinstance(found, Estimate) else None


def _never_right(columns: pl.DataFrame) -> str | None:
    """Why labels and truth cannot be the same thing; None when they may be.

    A champion that is right on none of many pairs is not that bad: the config compares what can
    never be equal, and two sides that are both always wrong would pass as equally good.
    """
    if "champion_correct" not in columns.columns:
        return None
    known = columns["champion_correct"].drop_nulls()
    if len(known) < FEWEST_TO_BE_RIGHT or known.any():
        return None
    return (
        f"the champion's label equals the truth on none of {len(known):,} pairs: check "
        f"`output.label` and `truth`"
    )


def _contrasts(
    ask: Asking,
    arrays: Sequence[Floats],
    whole: Part,
    parts: Sequence[Part],
    searched: Segments,
    found: Estimate | Unavailable,
) -> tuple[SegmentContrast, ...]:
    """How the values of each segment differ, where a rule compares two sides."""
    if len(arrays) < 2:
        return ()
    champion, challenger = arrays
    by_segment: dict[str, list[Value]] = {}
    for part in parts:
        segment, _, value = part.name.partition("=")
        by_segment.setdefault(segment, []).append(Value(value, part.rows))
    return tuple(
        contrast(
            Contrasted(
                segment=segment,
                rule=ask.rule,
                metric=ask.metric,
                confidence=ask.confidence,
                sides=(champion, challenger),
                clusters=whole.clusters,
                values=values,
                status_of=ask.status_of,
            ),
            found,
            searched.production.get(segment),
        )
        for segment, values in by_segment.items()
    )

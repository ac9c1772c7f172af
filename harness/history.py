"""What a rule that may be looked at any time would have shown at earlier looks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from harness.asking import Asking
from harness.collected import Collected
from harness.gate.policy import AtLeast, AtMost, Rule
from harness.measure.sides import needed_columns, pair_values, sides
from harness.metric import Metric, Sides
from harness.part import Part, clusters_of
from harness.report.material import History, Look
from harness.stats.arrival import FIRST_CHECKPOINT
from harness.stats.clusters import Floats
from harness.stats.sequential import NOTHING_SEEN
from harness.verdict import Estimate, Finding

MOST_LOOKS = 24
MOST_PAIRS = 200_000
"""Pairs up to which looks are made again; beyond, the interval of the verdict is drawn alone."""


def histories(one: Collected, findings: Sequence[Finding]) -> tuple[History, ...]:
    """Each rule's looks, from the first pairs to all of them; none where one look was planned.

    Args:
        findings: Of the verdict: the last look of each rule is the one it was judged by.
    """
    if not one.policy.sequential:
        return ()
    whole = Part.whole(one.values, clusters_of(one.values), one.policy)
    by_title = {found.rule: found for found in findings if found.segment is None}
    found = (
        _history(one, rule, metric, whole, by_title[rule.title])
        for rule, metric in zip(one.policy.rules, one.metrics, strict=True)
        if rule.title in by_title and rule not in one.barred
    )
    return tuple(one for one in found if one.looks)


def _history(one: Collected, rule: Rule, metric: Metric, whole: Part, judged: Finding) -> History:
    arrays = _arrays(one, rule, metric)
    ask = Asking(rule, metric, one.policy.confidence)
    looks = [*_looks(ask, arrays, whole), *_last(judged)]
    margin = judged.margin if judged.margin is not None else 0.0
    return History(judged.rule, judged.unit, margin, judged.relative, tuple(looks))


def _looks(ask: Asking, arrays: Sequence[Floats], whole: Part) -> Iterator[Look]:
    """Looks at a longer and longer beginning, each remembering the ones before."""
    assert whole.looking is not None
    arrival, memory = whole.looking.arrival, NOTHING_SEEN
    for n in _sizes(arrival.n_pairs):
        first = replace(
            whole.looking,
            arrival=replace(
                arrival,
                order=arrival.order[:n],
                clusters=arrival.first(n),
                checkpoints=tuple(point for point in arrival.checkpoints if point <= n),
            ),
            matured=None if whole.looking.matured is None else whole.looking.matured[:n],
        )
        seen = ask.about(arrays, replace(whole, looking=first), memory)
        memory = seen.memory or memory
        if isinstance(seen, Estimate):
            yield Look(n, seen.harm, seen.harm_low, seen.harm_high, seen.e_value or 0.0)


def _last(judged: Finding) -> Iterator[Look]:
    harm, low, high = judged.harm, judged.harm_low, judged.harm_high
    if harm is not None and low is not None and high is not None:
        yield Look(judged.n_pairs, harm, low, high, judged.e_value or 0.0)


def _sizes(n_pairs: int) -> list[int]:
    """Rising sizes at equal ratios, the last of them short of all."""
    most = min(n_pairs, MOST_PAIRS)
    if most <= FIRST_CHECKPOINT:
        return []
    step = (most / FIRST_CHECKPOINT) ** (1 / MOST_LOOKS)
    sizes = {math.ceil(FIRST_CHECKPOINT * step**i) for i in range(MOST_LOOKS)}
    return sorted(size for size in sizes if size < n_pairs)


def _arrays(one: Collected, rule: Rule, metric: Metric) -> Sequence[Floats]:
    """The values of a rule: of both sides, of the pairs, or of the side it is about."""
    columns = one.values.select(needed_columns(metric)).collect()
    if metric.sides is Sides.PAIR:
        return (pair_values(metric, columns),)
    both = sides(metric, columns)
    return both[1:] if isinstance(rule, AtMost | AtLeast) else both

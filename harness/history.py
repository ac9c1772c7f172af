"""What a rule that may be looked at any time would have shown at earlier looks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from harness.asking import Asking
from harness.collected import Collected
from harness.gate.policy import AtLeast, AtMost, Policy, Rule
from harness.looking import ARRIVAL_KEYS
from harness.measure.sides import pair_values, sides
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
    n_pairs = one.values.select(pl.len()).collect().item()
    beginning = one.values.sort(ARRIVAL_KEYS).head(MOST_PAIRS).collect()
    parts = [_first(n, beginning, one.policy) for n in _sizes(n_pairs)]
    by_title = {found.rule: found for found in findings if found.segment is None}
    return tuple(
        _history(one, rule, metric, parts, by_title[rule.title])
        for rule, metric in zip(one.policy.rules, one.metrics, strict=True)
        if rule.title in by_title and rule not in one.barred
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Beginning:
    """The first pairs of a run, as a look at that time saw them."""

    rows: pl.DataFrame
    part: Part


def _first(n: int, beginning: pl.DataFrame, policy: Policy) -> _Beginning:
    rows = beginning.head(n)
    return _Beginning(rows, Part.whole(rows.lazy(), clusters_of(rows.lazy()), policy))


def _history(
    one: Collected, rule: Rule, metric: Metric, parts: Sequence[_Beginning], judged: Finding
) -> History:
    ask = Asking(rule, metric, one.policy.confidence)
    looks = [*_looks(ask, parts), *_last(judged)]
    margin = judged.margin if judged.margin is not None else 0.0
    return History(judged.rule, judged.unit, margin, judged.relative, tuple(looks))


def _looks(ask: Asking, parts: Sequence[_Beginning]) -> Iterator[Look]:
    """Looks at a longer and longer beginning, each remembering the ones before."""
    memory = NOTHING_SEEN
    for first in parts:
        seen = ask.about(_arrays(first.rows, ask), first.part, memory)
        memory = seen.memory or memory
        if isinstance(seen, Estimate):
            e_value = seen.e_value or 0.0
            yield Look(first.rows.height, seen.harm, seen.harm_low, seen.harm_high, e_value)


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


def _arrays(rows: pl.DataFrame, ask: Asking) -> Sequence[Floats]:
    """The values of a rule: of both sides, of the pairs, or of the side it is about."""
    if ask.metric.sides is Sides.PAIR:
        return (pair_values(ask.metric, rows),)
    both = sides(ask.metric, rows)
    return both[1:] if isinstance(ask.rule, AtMost | AtLeast) else both

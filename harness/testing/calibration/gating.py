"""The whole decision over generated value tables: what a user of the gate gets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
import polars as pl

from harness.collected import Collected
from harness.evaluate import evaluate
from harness.gate.policy import Policy, Rule, Sequential
from harness.measure import catalog
from harness.metric import Metric
from harness.pair import Conservation
from harness.testing.calibration.asking import ALPHA
from harness.testing.pairs import Population, Side, value_table
from harness.verdict import Memory, Verdict

CHAMPION = Side(latency_s=0.05, accuracy=0.95, failure_rate=0.002)

_NO_MEMORIES: Mapping[Rule, Memory] = MappingProxyType({})


def table(
    n_pairs: int, n_clusters: int, challenger: Side, rng: np.random.Generator
) -> pl.DataFrame:
    """Pairs of a champion and a challenger with this truth."""
    return value_table(
        n_pairs,
        seed=int(rng.integers(2**62)),
        champion=CHAMPION,
        challenger=challenger,
        population=Population(n_clusters=n_clusters, segments={}),
    )


def decided(
    rules: Sequence[Rule],
    tables: Sequence[pl.DataFrame],
    *,
    sequential: Sequential | None = None,
    memories: Mapping[Rule, Memory] = _NO_MEMORIES,
) -> Verdict:
    """The verdict on as many challengers as there are tables."""
    metrics = metrics_of(rules)
    policy = Policy(tuple(rules), confidence=1 - ALPHA, sequential=sequential)
    collected = [
        Collected(
            challenger=f"challenger {number}",
            champion="champion",
            values=values.lazy(),
            conservation=Conservation(values.height, values.height),
            policy=policy,
            metrics=metrics,
            memories=memories,
        )
        for number, values in enumerate(tables)
    ]
    return evaluate(collected, run_ids=["run"], policy_digest="", confidence=1 - ALPHA, versions={})


def metrics_of(rules: Sequence[Rule]) -> tuple[Metric, ...]:
    """The metric of each rule."""
    return tuple(
        catalog.resolve(rule.metric, limit=rule.limit, outputs={}, comparisons=()) for rule in rules
    )

"""A stored run as it was while it grew: what a gate would have said after every batch.

The first so many pairs, in the order they were received, are judged by the config's policy, and by
the same policy as if that look were the only one that was planned. Between two looks goes what the
first has to remember, as between two calls of `harness gate`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from harness.cli.judging import Tables
from harness.collected import Collected
from harness.config import Config, load
from harness.evaluate import evaluate
from harness.gate.policy import Rule
from harness.pair import Conservation
from harness.store.manifest import Pacing
from harness.store.reader import StoredRun
from harness.verdict import ChallengerVerdict, Memory


@dataclass(frozen=True, slots=True)
class Looks:
    """When a growing run is looked at, and what must be said there.

    Attributes:
        first: Pairs at the first look.
        every: Pairs between two.
        decisions: All that the policy decides at some look.
        single_look_decisions: All that the same policy decides at some look when each is judged as
            the only one.
    """

    first: int
    every: int
    decisions: Sequence[str]
    single_look_decisions: Sequence[str]


def problems(expected: Looks, run: Path, config: Path) -> Iterable[str]:
    """How what was said at the looks differs from what must be, one sentence each."""
    judged = load(config)
    values = _values(StoredRun.open(run), judged)
    points = range(expected.first, values.height + 1, expected.every)
    anytime = _decisions(values, points, judged, sequential=True)
    single = _decisions(values, points, judged, sequential=False)
    yield from _differ("looks", anytime, expected.decisions)
    yield from _differ("single looks", single, expected.single_look_decisions)


def _differ(who: str, seen: Iterable[str], expected: Iterable[str]) -> Iterable[str]:
    if set(seen) != set(expected):
        yield f"{who} decide {_said(seen)}, must be {_said(expected)}"


def _said(decisions: Iterable[str]) -> str:
    return " and ".join(sorted(set(decisions))) or "nothing"


def _values(run: StoredRun, config: Config) -> pl.DataFrame:
    tables = Tables(config, open_loop=run.manifest.pacing is Pacing.OPEN)
    (challenger,) = config.challengers
    return tables.of(run, challenger.name).sort("received_at", "request_id").collect()


def _decisions(
    values: pl.DataFrame, points: Iterable[int], config: Config, *, sequential: bool
) -> list[str]:
    decisions: list[str] = []
    memories: Mapping[Rule, Memory] = {}
    for n_pairs in points:
        judged = _judged(values.head(n_pairs), config, memories, sequential=sequential)
        decisions.append(judged.decision)
        rules = config.policy_for(judged.challenger).rules
        memories = {
            rule: finding.memory
            for rule, finding in zip(rules, judged.findings, strict=True)
            if finding.memory is not None
        }
    return decisions


def _judged(
    values: pl.DataFrame, config: Config, memories: Mapping[Rule, Memory], *, sequential: bool
) -> ChallengerVerdict:
    (challenger,) = config.challengers
    policy = config.policy_for(challenger.name)
    one = Collected(
        challenger=challenger.name,
        champion=config.champion.name,
        values=values.lazy(),
        conservation=Conservation(values.height, values.height),
        policy=policy if sequential else replace(policy, sequential=None),
        metrics=config.metrics_for(challenger.name),
        memories=memories,
    )
    verdict = evaluate(
        [one], run_ids=["r"], policy_digest="d", confidence=policy.confidence, versions={}
    )
    return verdict.challengers[0]

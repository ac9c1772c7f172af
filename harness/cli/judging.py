"""Stored runs and a config to a verdict. Calls no model."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import polars as pl

from harness.cli.accounts import Account, account
from harness.cli.annotations import with_annotations
from harness.cli.gathering import duplicates, gathered, without_duplicates
from harness.cli.labels import labels, with_labels
from harness.cli.meaning import policy_digest, value_spec, values_digest
from harness.cli.memories import Memories
from harness.cli.versions import versions
from harness.collected import Collected
from harness.config import Config
from harness.config.model import digest_of
from harness.config.variants import name_of
from harness.errors import ConfigError, UsageError
from harness.evaluate import evaluate
from harness.factors import Grid
from harness.gate.decide import Plan
from harness.gate.duration import Span, seconds_to_come
from harness.gate.policy import AtLeast, AtMost, Policy, Rule
from harness.measure.catalog import STREAM_QUANTITIES
from harness.measure.coverage import Coverage, merged
from harness.measure.crossing import crossed
from harness.measure.unmatched import unmatched_paths
from harness.measure.values import tabulate
from harness.metric import Metric
from harness.noise import ChallengerRepeats, with_noise
from harness.pair import Conservation, LossReason
from harness.report import json_form
from harness.store.annotations import annotation
from harness.store.layout import Kind, Series
from harness.store.manifest import Pacing
from harness.store.reader import StoredRun
from harness.store.values import values
from harness.store.verdicts import write_verdict
from harness.vantage import from_one_place, seen_too_late
from harness.verdict import Verdict

MEASURED_ELSEWHERE = (
    "the champion's answers come from the log, and its latency and cost were measured elsewhere: "
    "accept them with `baseline: recorded`, or ask it live"
)
_BASELINE_QUANTITIES = ("latency_s", "first_byte_s", "cost_usd", *STREAM_QUANTITIES)


@dataclass(frozen=True, slots=True)
class Judged:
    """Some runs, judged as one.

    Attributes:
        collected: What the verdict was made from, by challenger.
        coverage: What was found while answers were read just now: nothing where their values were
            stored already.
    """

    verdict: Verdict
    collected: tuple[Collected, ...]
    coverage: Coverage


def judged(runs: Sequence[StoredRun], config: Config) -> Judged:
    """Judge stored runs as one, and keep the verdict with each.

    Raises:
        ConfigError: A path of the config matches in no champion answer.
        UsageError: The runs have different challengers, or were paced differently.
    """
    open_loop = _is_open_loop(runs)
    names = _challengers(runs, config)
    tables = Tables(config, open_loop=open_loop)
    digest = policy_digest(config, open_loop=open_loop)
    memories = Memories(runs, digest)
    with account(runs, config, digest) as booking:
        policies = {name: _policy(config, name, booking) for name in names}
        collected = [
            _collected(name, runs, config, policies[name], tables, memories, open_loop=open_loop)
            for name in names
        ]
        for one in collected:
            tables.refuse_unmatched_paths(one.values, runs[0])
        confidence = min(policy.confidence for policy in policies.values())
        verdict = evaluate(
            collected,
            run_ids=[run.manifest.run_id for run in runs],
            policy_digest=digest,
            confidence=confidence,
            versions=versions(),
            grid=_grid(config),
        )
        verdict = replace(verdict, notes=verdict.notes + tuple(_notes(runs)))
        verdict = _naming_the_run(verdict, runs[0])
        if booking is not None:
            verdict = booking.booked(verdict, alpha=1 - confidence)
    memories.keep(verdict)
    for run in runs:
        write_verdict(run.path, digest, json_form.render(verdict).encode())
    return Judged(verdict, tuple(collected), tables.coverage)


class Tables:
    """Value tables of stored runs, built where they are missing."""

    def __init__(self, config: Config, *, open_loop: bool) -> None:
        self._config = config
        self._spec = value_spec(config, open_loop=open_loop)
        self._digest = values_digest(config, open_loop=open_loop)
        self._found: list[Coverage] = []

    @property
    def coverage(self) -> Coverage:
        """What was found while tables were built just now."""
        return merged(self._found)

    def of(self, run: StoredRun, challenger: str) -> pl.LazyFrame:
        """The challenger's; beside the champion's own noise where it is asked twice."""
        table = self._values(run, challenger)
        table = with_annotations(table, run.path, challenger, self._config)
        if self._config.repeat is None:
            return table
        champion = Series(self._config.champion.name, Kind.REPEATS)
        return with_noise(
            table,
            [one.name for one in self._config.compare],
            values(run, champion, self._digest, self.build),
            self._asked_twice(run, champion, Series(challenger, Kind.REPEATS)),
        )

    def _values(self, run: StoredRun, challenger: str) -> pl.LazyFrame:
        """Its values; of labels that came later, those there are by now."""
        if not self._config.has_later_truth:
            return values(run, challenger, self._digest, self.build)
        found = labels(run, self._config.maturity_s)
        known = found.sort("request_id").write_csv()
        digest = digest_of({"values": self._digest, "labels": known})[:16]
        return values(run, challenger, digest, lambda pairs: self.build(with_labels(pairs, found)))

    def from_one_place(self, run: StoredRun, challenger: str) -> pl.LazyFrame | None:
        """Live, the rows whose champion was asked again; None where it was not to be."""
        if self._config.repeat is None or not run.manifest.is_live:
            return None
        champion = Series(self._config.champion.name, Kind.REPEATS)
        return from_one_place(
            self.of(run, challenger), values(run, champion, self._digest, self.build)
        )

    def _asked_twice(
        self, run: StoredRun, champion: Series, challenger: Series
    ) -> ChallengerRepeats | None:
        if self._config.repeat_challenger is None:
            return None
        theirs = run.scan(challenger)
        crossings = [
            crossed(
                part,
                theirs.filter(pl.col("request_id").is_in(part["request_id"].implode())).collect(),
                self._spec,
            )
            for part in run.frames(champion)
        ]
        none = run.scan(Series("")).collect()
        return ChallengerRepeats(
            own=values(run, challenger, self._digest, self.build),
            crossed=pl.concat(crossings or [crossed(none, none, self._spec)]),
        )

    def build(self, pairs: pl.DataFrame) -> pl.DataFrame:
        made = tabulate(pairs, self._spec)
        self._found.append(made.coverage)
        return made.values

    def refuse_unmatched_paths(self, table: pl.LazyFrame, run: StoredRun) -> None:
        """A path that matches in no champion answer is a mistake in the config.

        Raises:
            ConfigError: Naming the first such path. The pairs are kept.
        """
        config = self._config
        unmatched = unmatched_paths(
            table,
            has_label=config.label_path is not None,
            outputs=tuple(
                name for name, one in config.numeric_outputs.items() if one.kind == "number"
            ),
            comparisons=tuple(one.name for one in config.compare),
            has_format=config.answer_format is not None,
        )
        for name, n_answers in unmatched.items():
            raise ConfigError(
                str(config.path),
                name,
                f"matches in none of {n_answers:,} champion answers",
                f"Correct the path and judge the stored run with "
                f"`harness gate {run.path} --config FILE`",
            )


def _naming_the_run(verdict: Verdict, run: StoredRun) -> Verdict:
    """Next steps as they can be typed: with the run in the place of `RUN`."""
    command = "harness show"
    return replace(
        verdict,
        challengers=tuple(
            replace(
                one,
                next_steps=tuple(
                    step.replace(f"{command} RUN", f"{command} {run.path}")
                    for step in one.next_steps
                ),
            )
            for one in verdict.challengers
        ),
    )


def _notes(runs: Sequence[StoredRun]) -> Iterator[str]:
    """What a reader should know of how the runs came to be."""
    logs = [run.manifest.log_digest for run in runs if run.manifest.log_digest]
    if len(set(logs)) < len(logs):
        yield (
            "Several of these runs replayed one log: their requests are the same, and count as "
            "often as they were replayed."
        )
    for run in runs:
        manifest = run.manifest
        if manifest.n_rejected:
            n_read = manifest.n_entries + manifest.n_rejected
            yield (
                f"{manifest.n_rejected:,} of {n_read:,} log entries could not be read "
                f"(first: {manifest.first_rejected})."
            )
        if manifest.n_repeated_ids:
            yield (
                f"{manifest.n_repeated_ids:,} log entries share their id with another; each was "
                f"asked, and of those with the same content the first counts."
            )
        if manifest.imported_from:
            yield (
                f"Run {manifest.run_id} was imported from {' and '.join(manifest.imported_from)}: "
                f"harness asked nobody."
            )
        for source in manifest.prices:
            yield f"Prices by model in run {manifest.run_id}: {source}."
        if manifest.n_erased:
            yield f"{manifest.n_erased:,} pairs were erased from run {manifest.run_id}."


def _is_open_loop(runs: Sequence[StoredRun]) -> bool:
    kinds = {run.manifest.pacing for run in runs}
    if len(kinds) > 1:
        raise UsageError(
            "the runs were paced differently, so that their latencies are not the same quantity. "
            "Judge them one by one"
        )
    return kinds == {Pacing.OPEN}


def _challengers(runs: Sequence[StoredRun], config: Config) -> tuple[str, ...]:
    names = tuple(one.name for one in config.challengers)
    for run in runs:
        lacking = [name for name in names if name not in run.challengers]
        if lacking:
            known = ", ".join(run.challengers) or "none"
            raise UsageError(
                f"{run.path}: has no challenger {lacking[0]!r}, which the config names; "
                f"it has {known}. Judge it with the config it was run with"
            )
    if not names:
        raise UsageError("the config has no challengers, so there is nothing to judge")
    return names


def _policy(config: Config, name: str, booking: Account | None) -> Policy:
    policy = config.policy_for(name)
    return policy if booking is None else booking.policy(policy)


def _collected(
    name: str,
    runs: Sequence[StoredRun],
    config: Config,
    policy: Policy,
    tables: Tables,
    memories: Memories,
    *,
    open_loop: bool,
) -> Collected:
    metrics = config.metrics_for(name)
    conservation = pooled([_conservation(run, name) for run in runs])
    repeated = [duplicates(run, name) for run in runs]
    how = gathered(runs, name)
    imported = any(run.manifest.imported_from for run in runs)
    recorded = imported or config.champion_answers == "recorded"
    is_live = any(run.manifest.is_live for run in runs)
    table = _without(repeated, [tables.of(run, name) for run in runs])
    same_place = [tables.from_one_place(run, name) for run in runs]
    timed = [one for one in same_place if one is not None]
    twice = _without(repeated, timed) if len(timed) == len(runs) else None
    barred = {} if _seen_together(runs, config) else _barred(policy, metrics)
    barred = {**barred, **_unasked(runs, config, policy, metrics)}
    if is_live:
        barred = {**barred, **seen_too_late(table if twice is None else twice, policy, metrics)}
    return Collected(
        challenger=name,
        champion=config.champion.name,
        values=table,
        conservation=without_duplicates(conservation, sum(map(len, repeated))),
        policy=policy,
        metrics=metrics,
        comparisons=tuple(one.name for one in config.compare),
        barred=barred,
        memories=memories.of(name, policy),
        part_memories=memories.within_parts(name, policy),
        plan=Plan(
            pairs_to_come=_pairs_to_come(policy, conservation),
            seconds_to_come=_seconds_to_come(policy, runs, name, tables),
        ),
        baseline="recorded" if recorded else "champion" if twice is None else "repeat",
        is_live=is_live,
        from_one_place=twice,
        open_loop=open_loop,
        clustered=how.clustered,
        sampled_share=how.sampled_share,
        n_retried=how.n_retried,
        given_up=how.given_up,
        judges=tuple(one.name for one in config.judge),
    )


def _without(repeated: Sequence[pl.Series], tables: Sequence[pl.LazyFrame]) -> pl.LazyFrame:
    """The tables of all runs as one, without the requests that stood before."""
    kept = (_except(one, again) for one, again in zip(tables, repeated, strict=True))
    return pl.concat(list(kept), how="diagonal")


def _except(values: pl.LazyFrame, request_ids: pl.Series) -> pl.LazyFrame:
    if request_ids.is_empty():
        return values
    return values.filter(~pl.col("request_id").is_in(request_ids.implode()))


def _conservation(run: StoredRun, name: str) -> Conservation:
    """As counted; a run that crashed before it counted has what it has."""
    n_pairs = run.n_pairs(name)
    return run.conservation(name) or Conservation(received=n_pairs, paired=n_pairs)


def pooled(parts: Sequence[Conservation]) -> Conservation:
    """Where the requests of several runs went."""
    losses: dict[LossReason, int] = {}
    for part in parts:
        for reason, n in part.losses.items():
            losses[reason] = losses.get(reason, 0) + n
    return Conservation(
        received=sum(part.received for part in parts),
        paired=sum(part.paired for part in parts),
        losses=losses,
        pending=sum(part.pending for part in parts),
    )


def _pairs_to_come(policy: Policy, conservation: Conservation) -> int:
    """What is left of the plan: of the whole log, what was not asked, for want of time or money."""
    if policy.planned_pairs is not None:
        return max(0, policy.planned_pairs - conservation.paired)
    return conservation.pending + conservation.losses.get(LossReason.SHED_BUDGET, 0)


def _seconds_to_come(policy: Policy, runs: Sequence[StoredRun], name: str, tables: Tables) -> float:
    """What live traffic still has to cover; nothing where a log was replayed or imported."""
    live = [run for run in runs if run.manifest.is_live]
    if not live:
        return 0.0
    return seconds_to_come(policy.min_duration_s, (_span(tables.of(run, name)) for run in live))


def _span(values: pl.LazyFrame) -> Span:
    at_ns = pl.col("received_at").dt.epoch("ns")
    first_ns, last_ns = (
        values.select(at_ns.min().alias("a"), at_ns.max().alias("b")).collect().row(0)
    )
    return Span(first_ns or 0, last_ns or 0)


def _seen_together(runs: Sequence[StoredRun], config: Config) -> bool:
    """Whether latency and cost of both sides may be held against each other."""
    sources = {len(run.manifest.imported_from) for run in runs}
    if config.baseline == "recorded" or sources == {1}:
        return True
    return sources == {0} and config.champion_answers == "live"


def _barred(policy: Policy, metrics: Sequence[Metric]) -> Mapping[Rule, str]:
    return {
        rule: MEASURED_ELSEWHERE
        for rule, metric in zip(policy.rules, metrics, strict=True)
        if metric.quantity in _BASELINE_QUANTITIES and not isinstance(rule, AtMost | AtLeast)
    }


def _grid(config: Config) -> Grid | None:
    """The combinations of a grid of prompts, and the challenger of each."""
    if config.variants is None:
        return None
    factors = config.variants.factors
    named = {levels: name_of(levels, factors) for levels in product(*map(tuple, factors.values()))}
    return Grid(
        {factor: tuple(levels) for factor, levels in factors.items()},
        {levels: name for levels, name in named.items() if name},
    )


def _unasked(
    runs: Sequence[StoredRun], config: Config, policy: Policy, metrics: Sequence[Metric]
) -> Mapping[Rule, str]:
    """Rules about what somebody says of the pairs, where nobody was asked."""
    lacking = {
        one.name: run
        for one in config.annotators
        for run in runs
        if annotation(run.path, one.name) is None
    }
    return {
        rule: f"nobody was asked about these pairs yet: `harness annotate {lacking[name].path}`"
        for rule, metric in zip(policy.rules, metrics, strict=True)
        if (name := metric.name.partition(".")[0]) in lacking
    }


def warn(coverage: Coverage) -> None:
    """Say what a reader of the verdict should know about how the answers were read."""
    if coverage.n_truth_of_other_type:
        print(
            f"harness: {coverage.n_truth_of_other_type:,} labels differ from the truth in type "
            f'alone, as 7 and "7" do, and count as wrong.',
            file=sys.stderr,
        )
    for reason, n in sorted(coverage.compare_errors.items()):
        print(f"harness: comparison {reason}: broke {n:,} times.", file=sys.stderr)

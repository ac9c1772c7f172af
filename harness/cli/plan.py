"""`harness plan`: how much data each rule needs, or what those at hand can show."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import polars as pl
import typer

from harness.cli.judging import Tables
from harness.cli.log_summary import summarise
from harness.cli.outputs import colour, width
from harness.cli.places import RUNS, stored_run
from harness.cli.plan_text import Planned, Source, as_text
from harness.config import Config, load
from harness.config.foresight import Evidence, LogSummary, foresee, n_clusters, n_pairs
from harness.errors import LogError, UsageError
from harness.footing import Footing, footings_assumed, footings_of_pilot, part_shares
from harness.part import clusters_of
from harness.plan import Aim, AtHand, RulePlan, bottleneck, plan_parts, plan_rules
from harness.stats.assumptions import Assumptions
from harness.stats.planning import POWER
from harness.store.ledger import held
from harness.store.manifest import Pacing
from harness.store.reader import StoredRun

_USUAL = Assumptions()

Config_ = Annotated[Path, typer.Argument(metavar="CONFIG", help="The config whose policy to plan.")]
Run = Annotated[
    str | None,
    typer.Option(
        "--run",
        metavar="RUN",
        help="A stored run to learn from, small is fine.",
        show_default=False,
    ),
]
Pairs = Annotated[
    int | None,
    typer.Option("--pairs", min=1, help="Pairs at hand, if not the log's.", show_default=False),
]
Users = Annotated[
    int | None,
    typer.Option("--clusters", min=1, help="Users among them.", show_default=False),
]
Disagreement = Annotated[
    float,
    typer.Option(
        "--disagreement",
        min=0.0,
        max=1.0,
        help="Without a run: share of pairs where one side alone is right, fails, is too slow.",
    ),
]
Spread = Annotated[
    float,
    typer.Option(
        "--spread", min=1e-6, max=10.0, help="Without a run: sd of the log of latency and cost."
    ),
]
Icc = Annotated[
    float,
    typer.Option("--icc", min=0.0, max=1.0, help="Without a run: correlation within a user."),
]
Power = Annotated[
    float, typer.Option("--power", min=0.5, max=0.999, help="Wanted chance to promote.")
]


def plan(
    config: Config_,
    run: Run = None,
    pairs: Pairs = None,
    clusters: Users = None,
    disagreement: Disagreement = _USUAL.disagreement,
    spread: Spread = _USUAL.spread,
    icc: Icc = _USUAL.icc,
    power: Power = POWER,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Say how many pairs and users each rule needs, and what those at hand can show.

    With --run it learns from a pilot how values spread and how alike one user's requests are;
    without one it assumes. Calls no model.

    Example: harness plan harness.yaml --run runs/20250101T120000Z-pilot-ab12cd
    """
    read = load(config)
    if not read.challengers:
        raise UsageError(f"{config}: has no challengers, so no rule is asked of anyone")
    assumptions = Assumptions(disagreement, spread, icc)
    pilots = _pilots(read, run)
    log = _log(read)
    at_hand, where = _at_hand(read, log, pilots, pairs, clusters)
    planned = _planned(read, log, pilots, assumptions, at_hand, power)
    source = Source(
        config=str(config),
        pilot=None if run is None else pilots[0].run.manifest.run_id,
        assumptions=assumptions,
        at_hand=at_hand,
        where=where,
        power=power,
    )
    if as_json:
        print(json.dumps(_as_json(source, planned), indent=2))
    else:
        sys.stdout.write(as_text(source, planned, width=width(), colour=colour()))
    return 0


@dataclass(frozen=True, slots=True)
class _Pilot:
    """Values of one challenger; `challenger` is the one whose values stand in, if another."""

    run: StoredRun
    challenger: str
    tables: Tables

    @property
    def values(self) -> pl.LazyFrame:
        return self.tables.of(self.run, self.challenger)


def _pilots(config: Config, run: str | None) -> list[_Pilot]:
    """A pilot for each challenger of the config; none without a run.

    Raises:
        UsageError: The run has pairs of no challenger.
    """
    if run is None:
        return []
    stored = stored_run(run, RUNS)
    if not stored.challengers:
        raise UsageError(f"{stored.path}: has no challengers, so there is nothing to learn from")
    tables = Tables(config, open_loop=stored.manifest.pacing is Pacing.OPEN)
    known = stored.challengers
    return [
        _Pilot(stored, one.name if one.name in known else known[0], tables)
        for one in config.challengers
    ]


def _log(config: Config) -> LogSummary | None:
    if config.log_path is None or "://" in config.log_path:
        return None
    try:
        return summarise(config, [Path(config.log_path)])
    except LogError as exc:
        print(f"harness: planning without the log: {exc}", file=sys.stderr)
        return None


def _at_hand(
    config: Config,
    log: LogSummary | None,
    pilots: Sequence[_Pilot],
    pairs: int | None,
    clusters: int | None,
) -> tuple[AtHand | None, str]:
    """How much there is, and where: as said, else the log's, else the pilot's."""
    if clusters is not None and clusters > (pairs or clusters):
        raise UsageError(f"--clusters {clusters}: more than --pairs {pairs}. A user has a pair")
    if log is not None and n_pairs(config, log):
        found, where = AtHand(n_pairs(config, log), n_clusters(config, log)), log.where
    elif pilots:
        rows = _size(pilots[0])
        found, where = rows, str(pilots[0].run.path)
    elif pairs is None:
        return (None, "") if clusters is None else (AtHand(clusters, clusters), "as said")
    else:
        found, where = AtHand(1, 1), ""
    if pairs is None and clusters is None:
        return found, where
    each = found.n_pairs / found.n_clusters
    n_users = clusters or max(1, round((pairs or 0) / each))
    return AtHand(pairs or round(n_users * each), n_users), "as said"


def _size(pilot: _Pilot) -> AtHand:
    values = pilot.tables.of(pilot.run, pilot.challenger)
    clusters = clusters_of(values)
    return AtHand(clusters.n_pairs, clusters.n_clusters)


def _planned(
    config: Config,
    log: LogSummary | None,
    pilots: Sequence[_Pilot],
    assumptions: Assumptions,
    at_hand: AtHand | None,
    power: float,
) -> list[Planned]:
    found, gate_run = [], _gate_run(config, pilots)
    for position, challenger in enumerate(config.challengers):
        name = challenger.name
        pilot = pilots[position] if pilots else None
        seen = _size(pilot) if pilot else at_hand
        policy, metrics = config.policy_for(name), config.metrics_for(name)
        aim = Aim(
            n_challengers=len(config.challengers),
            power=power,
            sequential=policy.sequential is not None,
            pairs_per_cluster=seen.n_pairs / seen.n_clusters if seen else 1.0,
            gate_run=gate_run,
        )
        footings = _footings(config, name, pilot, assumptions, aim.pairs_per_cluster)
        barred = [
            one.why if one.evidence is Evidence.NONE else "" for one in foresee(config, name, log)
        ]
        usable = [why or footing for why, footing in zip(barred, footings, strict=True)]
        rules = plan_rules(policy, metrics, usable, at_hand, aim)
        stands_in = pilot.challenger if pilot and pilot.challenger != name else None
        parts = {} if pilot is None else part_shares(policy, pilot.values)
        found.append(Planned((name,), rules, stands_in, plan_parts(parts, at_hand), gate_run))
    for pilot in pilots[:1]:
        table = pilot.tables.of(pilot.run, pilot.challenger)
        pilot.tables.refuse_unmatched_paths(table, pilot.run)
    return found


def _gate_run(config: Config, pilots: Sequence[_Pilot]) -> int | None:
    """Which gate run the next one is, by the ledger; None where runs share no error.

    Against the pilot's log, where it has one; else all runs are counted, since the log is not read
    as a whole.
    """
    path, policy = config.ledger_path, config.policy
    if path is None or policy is None or not policy.alpha_ledger:
        return None
    if not path.exists():
        return 1
    log = pilots[0].run.manifest.log_digest if pilots else ""
    with held(path) as ledger:
        return 1 + sum(not log or log in entry.use.corpora for entry in ledger.entries)


def _footings(
    config: Config,
    name: str,
    pilot: _Pilot | None,
    assumptions: Assumptions,
    pairs_per_cluster: float,
) -> tuple[Footing | str, ...]:
    policy, metrics = config.policy_for(name), config.metrics_for(name)
    if pilot is None:
        return footings_assumed(policy, metrics, assumptions, pairs_per_cluster)
    return footings_of_pilot(policy, metrics, pilot.values, clusters_of(pilot.values))


def _as_json(source: Source, planned: Sequence[Planned]) -> dict[str, Any]:
    return {
        "format": 1,
        "config": source.config,
        "pilot": source.pilot,
        "assumptions": None if source.pilot else asdict(source.assumptions),
        "at_hand": None
        if source.at_hand is None
        else {**asdict(source.at_hand), "where": source.where},
        "power": source.power,
        "challengers": [_challenger_as_json(one) for one in planned],
    }


def _challenger_as_json(one: Planned) -> dict[str, Any]:
    widest = bottleneck(one.rules)
    return {
        "challenger": one.names[0],
        "stands_in": one.stands_in,
        "bottleneck": widest.rule.title if widest else None,
        "clusters_needed": widest.clusters_needed if widest else None,
        "pairs_needed": widest.pairs_needed if widest else None,
        "gate_run": one.gate_run,
        "rules": [_rule_as_json(rule) for rule in one.rules],
        "protected": [asdict(part) for part in one.parts],
    }


def _rule_as_json(one: RulePlan) -> dict[str, Any]:
    numbers = asdict(replace(one))
    del numbers["rule"], numbers["metric"]
    return {
        "rule": one.rule.title,
        "metric": one.metric.name,
        "unit": str(one.metric.unit),
        **numbers,
        "basis": one.basis or None,
        "why": one.why or None,
    }

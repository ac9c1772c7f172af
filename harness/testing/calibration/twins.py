"""The champion against itself: a gate that never promotes is no use, one that rejects is broken."""

from __future__ import annotations

from harness.footing import footings_of_pilot
from harness.gate.policy import Margin, NotWorse, Policy
from harness.part import clusters_of
from harness.plan import Aim, bottleneck, plan_rules
from harness.testing.calibration.asking import ALPHA
from harness.testing.calibration.claim import AtLeast, AtMost
from harness.testing.calibration.gating import CHAMPION, decided, metrics_of, table
from harness.testing.calibration.study import Effort, Findings, Row, Study, dice
from harness.testing.calibration.tally import row
from harness.verdict import Decision

RUNS = 1000
POWER = 0.8
_PAIRS_PER_USER = 4
_PILOT = 20_000

_ACCURACY = NotWorse("accuracy", Margin(0.02))
_FAILURES = NotWorse("failure_rate", Margin(0.005))
_LATENCY = NotWorse("latency_s.p90", Margin(0.1, relative=True))
_COST = NotWorse("cost_usd.mean", Margin(0.01, relative=True))
_GUARDRAILS = (_ACCURACY, _FAILURES, _LATENCY, _COST)

_POLICIES = {
    "accuracy alone": (_ACCURACY,),
    "failure rate alone": (_FAILURES,),
    "p90 alone": (_LATENCY,),
    "mean cost alone": (_COST,),
    "these four guardrails": _GUARDRAILS,
}


def _run(effort: Effort) -> Findings:
    rows: list[Row] = []
    for name, rules in effort.some(list(_POLICIES.items())):
        rows += _twins(name, rules, effort.runs(RUNS))
    return Findings([*rows, *_without_margin(effort.runs(RUNS))])


def _twins(name: str, rules: tuple[NotWorse, ...], n_runs: int) -> list[Row]:
    n_clusters = _planned_clusters(rules)
    n_pairs = n_clusters * _PAIRS_PER_USER
    scenario = f"champion against itself, {name}, {n_pairs:,} pairs of {n_clusters:,} users"
    promoted, rejected = _decisions(scenario, rules, n_pairs, n_runs)
    return [
        row(scenario, "as planned: PROMOTE", promoted, n_runs, AtLeast(POWER)),
        row(scenario, "as planned: REJECT", rejected, n_runs, AtMost(ALPHA)),
    ]


def _without_margin(n_runs: int) -> list[Row]:
    """With a margin of next to nothing every guardrail is at its margin at once."""
    rules = tuple(NotWorse(rule.metric, Margin(1e-6, rule.margin.relative)) for rule in _GUARDRAILS)
    scenario = "champion against itself, 4 guardrails without a margin, 1,500 pairs"
    promoted, rejected = _decisions(scenario, rules, 1500, n_runs)
    return [
        row(scenario, "PROMOTE", promoted, n_runs, AtMost(ALPHA)),
        row(scenario, "REJECT", rejected, n_runs, AtMost(ALPHA)),
    ]


def _decisions(
    scenario: str, rules: tuple[NotWorse, ...], n_pairs: int, n_runs: int
) -> tuple[int, int]:
    rng = dice(scenario)
    decisions = [
        decided(rules, [table(n_pairs, n_pairs // _PAIRS_PER_USER, CHAMPION, rng)]).decision
        for _ in range(n_runs)
    ]
    return decisions.count(Decision.PROMOTE), decisions.count(Decision.REJECT)


def _planned_clusters(rules: tuple[NotWorse, ...]) -> int:
    """What `harness plan` says after a pilot of twins."""
    pilot = table(_PILOT, _PILOT // _PAIRS_PER_USER, CHAMPION, dice("pilot"))
    policy, metrics = Policy(rules, confidence=1 - ALPHA), metrics_of(rules)
    footings = footings_of_pilot(policy, metrics, pilot.lazy(), clusters_of(pilot.lazy()))
    aim = Aim(power=POWER, pairs_per_cluster=_PAIRS_PER_USER)
    slowest = bottleneck(plan_rules(policy, metrics, footings, None, aim))
    if slowest is None or slowest.clusters_needed is None:
        raise ValueError("nothing could be planned")
    return slowest.clusters_needed


STUDY = Study(
    name="twins",
    title="A/A: the champion against itself",
    asks=(
        "`evaluate` on runs in which both sides are the same deployment. A gate of guardrails that "
        "was planned for 80 % power (`harness plan` after a pilot of 20,000 pairs) must promote in "
        "80 % of runs; it may reject in at most 5 %, even where no harm at all is accepted."
    ),
    run=_run,
)

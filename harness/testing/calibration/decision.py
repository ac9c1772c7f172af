"""How often is a challenger promoted that violates one of its guardrails?"""

from __future__ import annotations

from dataclasses import dataclass

from harness.gate.policy import Margin, NotWorse, Rule
from harness.testing.calibration.asking import ALPHA
from harness.testing.calibration.claim import AtMost
from harness.testing.calibration.gating import CHAMPION, decided, table
from harness.testing.calibration.study import Effort, Findings, Row, Study, dice
from harness.testing.calibration.tally import row
from harness.testing.pairs import Side
from harness.verdict import Decision

RUNS = 1000
_N_PAIRS, _N_CLUSTERS = 1500, 400

# So wide that the challengers below surely keep within them: what is left is the violated one.
_WIDE = (
    NotWorse("latency_s.p90", Margin(0.4, relative=True)),
    NotWorse("accuracy", Margin(0.1)),
    NotWorse("failure_rate", Margin(0.06)),
    NotWorse("cost_usd.mean", Margin(0.05, relative=True)),
    NotWorse("latency_s.p50", Margin(0.3, relative=True)),
    NotWorse("latency_s.mean", Margin(0.4)),
    NotWorse("first_byte_s.p75", Margin(0.3, relative=True)),
    NotWorse("latency_s.exceedance", Margin(0.2), limit=0.1),
)


@dataclass(frozen=True, slots=True)
class Violation:
    """A challenger that is worse by exactly the margin of one rule."""

    what: str
    challenger: Side
    rule: NotWorse

    def rules(self, n_guardrails: int) -> tuple[Rule, ...]:
        others = (rule for rule in _WIDE if rule.metric != self.rule.metric)
        return (self.rule, *others)[:n_guardrails]


_SLOW = Violation(
    "p90 10 % higher",
    Side(latency_s=1.1 * CHAMPION.latency_s, failure_rate=CHAMPION.failure_rate),
    NotWorse("latency_s.p90", Margin(0.1, relative=True)),
)
_WRONG = Violation(
    "accuracy 3 points lower",
    Side(accuracy=CHAMPION.accuracy - 0.03, failure_rate=CHAMPION.failure_rate),
    NotWorse("accuracy", Margin(0.03 * (1 - CHAMPION.failure_rate))),
)
_FAILING = Violation(
    "2 points more failures",
    Side(failure_rate=CHAMPION.failure_rate + 0.02),
    NotWorse("failure_rate", Margin(0.02)),
)


def _run(effort: Effort) -> Findings:
    rows: list[Row] = []
    for violation in effort.some((_SLOW, _WRONG, _FAILING)):
        rows += _promotions(violation, effort.runs(RUNS))
    return Findings(rows)


def _promotions(violation: Violation, n_runs: int) -> list[Row]:
    """The same tables judged by one, four and eight guardrails."""
    scenario = f"{violation.what}, exactly its margin, {_N_PAIRS:,} pairs of {_N_CLUSTERS} users"
    rng = dice(scenario)
    promoted, rejected = dict.fromkeys((1, 4, 8), 0), dict.fromkeys((1, 4, 8), 0)
    for _ in range(n_runs):
        values = table(_N_PAIRS, _N_CLUSTERS, violation.challenger, rng)
        for n_guardrails in promoted:
            decision = decided(violation.rules(n_guardrails), [values]).decision
            promoted[n_guardrails] += decision is Decision.PROMOTE
            rejected[n_guardrails] += decision is Decision.REJECT
    rows = []
    for n, count in promoted.items():
        of = f"{n} guardrail{'s' if n > 1 else ''}"
        rows.append(row(scenario, f"{of}: PROMOTE", count, n_runs, AtMost(ALPHA)))
        rows.append(row(scenario, f"{of}: REJECT", rejected[n], n_runs, AtMost(ALPHA)))
    return rows


STUDY = Study(
    name="decision",
    title="The whole decision with one guardrail exactly at its margin",
    asks=(
        "`evaluate` on generated runs, from value table to verdict. One guardrail is violated by "
        "the least amount that is a violation, the other ones are kept; metrics are correlated. "
        "At most 5 % of runs may say PROMOTE however many guardrails there are, and at most 5 % "
        "REJECT."
    ),
    run=_run,
)

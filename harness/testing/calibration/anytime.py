"""The gate that may be asked at any time: asked after every batch, and stopped when it suits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from scipy import special

from harness.gate.policy import Margin, NotWorse, Rule, Sequential
from harness.metric import Better
from harness.stats.arrival import Arrival
from harness.stats.clusters import Floats
from harness.stats.sequential import NOTHING_SEEN, Looking
from harness.stats.sequential_mean import sequential_mean_bound, sequential_mean_harm
from harness.stats.sequential_proportion import sequential_proportion_harm, sequential_rate_bound
from harness.stats.sequential_quantile import sequential_quantile_bound, sequential_quantile_harm
from harness.testing.calibration.asking import ALPHA, about
from harness.testing.calibration.claim import AtMost, Unclaimed
from harness.testing.calibration.gating import CHAMPION, decided, table
from harness.testing.calibration.population import (
    Latents,
    RareEvents,
    Sizes,
    Users,
    answers,
    latents,
)
from harness.testing.calibration.study import Effort, Findings, Row, Study, dice
from harness.testing.calibration.tally import Answer, row
from harness.testing.pairs import Side
from harness.verdict import Decision, Estimate, Finding, Memory

RUNS = 300
_LOOKS = 8

Beginning = Callable[[int, Looking], Answer]
"""What an estimator says about the first so many pairs."""


@dataclass(frozen=True, slots=True)
class Story:
    """Pairs in the order they came, and what is asked of each longer beginning of them."""

    codes: np.ndarray
    ask: Beginning

    def told(self) -> tuple[bool, bool]:
        """Whether any look passed, and whether any raised the alarm."""
        passed = alarmed = False
        memory: Memory = NOTHING_SEEN
        for n in np.linspace(self.codes.size / _LOOKS, self.codes.size, _LOOKS).astype(int):
            arrival = Arrival.of(np.arange(n), self.codes[:n])
            found = self.ask(int(n), Looking(arrival, expected=0.0, memory=memory))
            if isinstance(found, Estimate):
                passed |= found.harm_high < found.null
                alarmed |= found.p_harm < ALPHA
                memory = found.memory or memory
        return passed, alarmed


def _run(effort: Effort) -> Findings:
    rows: list[Row] = []
    for scenario, draw in effort.some(list(_stories().items())):
        rows += _errors(scenario, draw, effort.runs(RUNS))
    for challenger, what in effort.some(_CHALLENGERS):
        rows += _verdicts(challenger, what, effort.runs(200))
    return Findings(rows)


def _errors(scenario: str, draw: Callable[[np.random.Generator], Story], n_runs: int) -> list[Row]:
    rng = dice(scenario)
    told = [draw(rng).told() for _ in range(n_runs)]
    n_passed, n_alarmed = (sum(one) for one in zip(*told, strict=True))
    return [
        row(scenario, "any look passes", n_passed, n_runs, AtMost(ALPHA)),
        row(scenario, "any look raises the alarm", n_alarmed, n_runs, AtMost(ALPHA)),
    ]


def _stories() -> dict[str, Callable[[np.random.Generator], Story]]:
    uneven, even = Users(400, Sizes.PARETO), Users(400)
    rare = RareEvents(600, 5, loss=0.015, win=0.005, evenness=0.2)
    clumped = RareEvents(600, 5, loss=0.015, win=0.005, evenness=0.05)
    return {
        f"mean at its margin, {even}, {_LOOKS} looks": lambda rng: _mean(latents(even, rng)),
        f"mean at its margin, {uneven}, {_LOOKS} looks": lambda rng: _mean(latents(uneven, rng)),
        f"p95 at its margin, {even}, {_LOOKS} looks": lambda rng: _p95(latents(even, rng)),
        f"accuracy at its margin, {even}, {_LOOKS} looks": lambda rng: _share(latents(even, rng)),
        f"rare losses at the margin, {rare}, {_LOOKS} looks": lambda rng: _rare(rare, rng),
        f"mean at its limit, {even}, {_LOOKS} looks": lambda rng: _own_mean(latents(even, rng)),
        f"2 % failures at their limit, {even}, {_LOOKS} looks": lambda rng: _rate(
            latents(even, rng)
        ),
        f"2 % failures at their limit, {uneven}, {_LOOKS} looks": lambda rng: _rate(
            latents(uneven, rng)
        ),
        f"p95 at its limit, {even}, {_LOOKS} looks": lambda rng: _own_p95(latents(even, rng)),
        f"p95 at its limit, {uneven}, {_LOOKS} looks": lambda rng: _own_p95(latents(uneven, rng)),
        f"accuracy at its margin, {uneven}, {_LOOKS} looks, strict": lambda rng: _strict(
            _share(latents(uneven, rng))
        ),
        f"2 % failures at their limit, {uneven}, {_LOOKS} looks, strict": lambda rng: _strict(
            _rate(latents(uneven, rng))
        ),
        f"rare losses at the margin, {clumped}, {_LOOKS} looks, strict": lambda rng: _strict(
            _rare(clumped, rng)
        ),
    }


def _mean(seen: Latents) -> Story:
    left, right = seen.champion, seen.challenger + 0.2

    def ask(n: int, looking: Looking) -> Answer:
        return sequential_mean_harm(left[:n], right[:n], looking, **about(0.2))

    return Story(seen.clusters.codes, ask)


def _p95(seen: Latents) -> Story:
    left, right = np.exp(0.4 * seen.champion), 1.1 * np.exp(0.4 * seen.challenger)

    def ask(n: int, looking: Looking) -> Answer:
        asks = about(0.1)
        return sequential_quantile_harm(left[:n], right[:n], looking, **asks, p=0.95, relative=True)

    return Story(seen.clusters.codes, ask)


def _share(seen: Latents) -> Story:
    left = (seen.champion < special.ndtri(0.92)).astype(np.float64)
    right = (seen.challenger < special.ndtri(0.9)).astype(np.float64)
    return _answered(left, right, seen.clusters.codes, margin=0.02)


def _rare(events: RareEvents, rng: np.random.Generator) -> Story:
    seen = answers(events.gains(rng))
    margin = events.loss - events.win
    return _answered(seen.champion, seen.challenger, events.clusters.codes, margin=margin)


def _answered(left: Floats, right: Floats, codes: np.ndarray, *, margin: float) -> Story:
    def ask(n: int, looking: Looking) -> Answer:
        asks = about(margin, better=Better.HIGHER)
        return sequential_proportion_harm(left[:n], right[:n], looking, **asks)

    return Story(codes, ask)


def _own_mean(seen: Latents) -> Story:
    values = seen.challenger

    def ask(n: int, looking: Looking) -> Answer:
        return sequential_mean_bound(values[:n], looking, **about(0.0))

    return Story(seen.clusters.codes, ask)


def _rate(seen: Latents) -> Story:
    failed = (seen.challenger < special.ndtri(0.02)).astype(np.float64)

    def ask(n: int, looking: Looking) -> Answer:
        return sequential_rate_bound(failed[:n], looking, **about(0.02))

    return Story(seen.clusters.codes, ask)


def _own_p95(seen: Latents) -> Story:
    values, limit = seen.challenger, float(special.ndtri(0.95))

    def ask(n: int, looking: Looking) -> Answer:
        return sequential_quantile_bound(values[:n], looking, **about(limit), p=0.95)

    return Story(seen.clusters.codes, ask)


def _strict(story: Story) -> Story:
    """One unit per user; the last to come is still at it."""

    def ask(n: int, looking: Looking) -> Answer:
        codes = story.codes[:n]
        return story.ask(n, replace(looking, matured=codes != codes[-1]))

    return Story(story.codes, ask)


# Whole verdicts --------------------------------------------------------------------------------

_RULES = (
    NotWorse("accuracy", Margin(0.03 * (1 - CHAMPION.failure_rate))),
    NotWorse("failure_rate", Margin(0.03)),
    NotWorse("latency_s.p90", Margin(0.2, relative=True)),
    NotWorse("cost_usd.mean", Margin(0.05, relative=True)),
)
_CHALLENGERS = (
    (
        Side(accuracy=CHAMPION.accuracy - 0.03, failure_rate=CHAMPION.failure_rate),
        "accuracy 3 points lower, exactly its margin",
    ),
    (CHAMPION, "champion against itself"),
)


def _verdicts(challenger: Side, what: str, n_runs: int) -> list[Row]:
    """Verdicts of `evaluate` on a run that grows, each look remembering the ones before."""
    scenario = f"{what}, 4 guardrails, 8 looks at 3,000 pairs of 600 users, sequential policy"
    rng = dice(scenario)
    first = [_first_decisions(table(3000, 600, challenger, rng)) for _ in range(n_runs)]
    promoted = sum(Decision.PROMOTE in one for one in first)
    rejected = sum(Decision.REJECT in one for one in first)
    at_margin = challenger is not CHAMPION
    return [
        row(
            scenario,
            "any look says PROMOTE",
            promoted,
            n_runs,
            AtMost(ALPHA) if at_margin else Unclaimed("power, not promised"),
        ),
        row(scenario, "any look says REJECT", rejected, n_runs, AtMost(ALPHA)),
    ]


def _first_decisions(values: pl.DataFrame) -> set[Decision]:
    seen: set[Decision] = set()
    memories: dict[Rule, Memory] = {}
    for n in np.linspace(values.height / 8, values.height, 8).astype(int):
        verdict = decided(
            _RULES, [values.head(int(n))], sequential=Sequential.DEFLATED, memories=memories
        )
        seen.add(verdict.decision)
        memories = _remembered(_RULES, verdict.challengers[0].findings)
    return seen


def _remembered(rules: Sequence[Rule], findings: Sequence[Finding]) -> dict[Rule, Memory]:
    pairs = zip(rules, findings, strict=True)
    return {rule: finding.memory for rule, finding in pairs if finding.memory is not None}


STUDY = Study(
    name="anytime",
    title="The sequential gate, asked after every batch",
    asks=(
        "The estimators of a `sequential` policy and its whole verdicts over a growing run, each "
        "look remembering what the ones before it kept. A run counts when any look passed, or any "
        "raised the alarm."
    ),
    run=_run,
)

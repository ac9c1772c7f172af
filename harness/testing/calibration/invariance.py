"""What must not matter: the order of rows, the names of clusters, how a run is cut into parts."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import polars as pl

from harness.gate.policy import AtMost as AtMostRule
from harness.gate.policy import Margin, NotWorse, Rule
from harness.testing.calibration.claim import WithinRounding
from harness.testing.calibration.gating import CHAMPION, decided, table
from harness.testing.calibration.study import Effort, Findings, Row, Study, dice, seed_of
from harness.verdict import Decision, Finding, Verdict

RUNS = 40

_RULES: tuple[Rule, ...] = (
    NotWorse("accuracy", Margin(0.02)),
    NotWorse("failure_rate", Margin(0.01)),
    NotWorse("latency_s.p90", Margin(0.1, relative=True)),
    NotWorse("latency_s.mean", Margin(0.01)),
    NotWorse("cost_usd.mean", Margin(0.05, relative=True)),
    AtMostRule("latency_s.p50", 0.1),
    AtMostRule("failure_rate", 0.02),
)
_NUMBERS = ("harm", "harm_low", "harm_high", "p_value", "p_harm", "p_adjusted", "deff")
_COUNTS = ("status", "n_pairs", "n_clusters", "n_left_out")

Change = Callable[[pl.DataFrame, np.random.Generator], pl.DataFrame]


def _run(effort: Effort) -> Findings:
    changes: dict[str, Change] = {
        "rows shuffled": _shuffled,
        "clusters renamed": _renamed,
        "cut into seven parts, put together in another order": _resharded,
    }
    rows: list[Row] = []
    # Seventeen clusters are judged by drawn sign flips as well.
    for n_clusters in effort.some((300, 17)):
        for name, change in changes.items():
            rows += _unchanged(name, change, n_clusters, effort.runs(RUNS))
    return Findings([*rows, _repeated(effort.runs(RUNS))])


def _unchanged(name: str, change: Change, n_clusters: int, n_runs: int) -> list[Row]:
    scenario = f"{name}, 1,500 pairs of {n_clusters} users"
    rng, furthest, n_different = dice(scenario), 0.0, 0
    for _ in range(n_runs):
        values = table(1500, n_clusters, CHAMPION, rng)
        before, after = decided(_RULES, [values]), decided(_RULES, [change(values, rng)])
        furthest = max(furthest, _distance(before, after))
        n_different += _counts(before) != _counts(after)
    seed = seed_of(scenario)
    return [
        Row(
            scenario,
            "largest change of a number",
            furthest,
            n_runs,
            WithinRounding(1e-12),
            seed,
            is_share=False,
        ),
        Row(
            scenario,
            "runs with another status or count",
            n_different,
            n_runs,
            WithinRounding(0),
            seed,
            is_share=False,
        ),
    ]


def _shuffled(values: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    return values.select(pl.all().gather(rng.permutation(values.height)))


def _renamed(values: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    names = values["cluster_id"].unique(maintain_order=True)
    others = [f"v{number}" for number in rng.permutation(len(names))]
    return values.with_columns(pl.col("cluster_id").replace_strict(names, others))


def _resharded(values: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    cuts = [0, *np.sort(rng.integers(0, values.height, 6)).tolist(), values.height]
    parts = [values.slice(low, high - low) for low, high in pairwise(cuts)]
    order: list[int] = rng.permutation(7).tolist()
    return pl.concat([parts[one] for one in order])


def _distance(before: Verdict, after: Verdict) -> float:
    """The largest change of a number, relative where it is above 1."""
    distances: list[float] = [
        abs(left - right) / max(1.0, abs(left))
        for one, other in zip(_findings(before), _findings(after), strict=True)
        for left, right in ((getattr(one, name), getattr(other, name)) for name in _NUMBERS)
        if left is not None
    ]
    return max(distances)


def _counts(verdict: Verdict) -> list[object]:
    decision: list[object] = [verdict.decision]
    return decision + [getattr(one, name) for one in _findings(verdict) for name in _COUNTS]


def _findings(verdict: Verdict) -> tuple[Finding, ...]:
    return verdict.challengers[0].findings


def _repeated(n_runs: int) -> Row:
    """A request id that stands twice makes a run no evidence, whatever the rules say."""
    scenario = "one request of 1,500 stands twice"
    rng, n_judged = dice(scenario), 0
    for _ in range(n_runs):
        values = table(1500, 300, CHAMPION, rng)
        verdict = decided(_RULES, [pl.concat([values, values[:1]])])
        n_judged += verdict.decision is not Decision.INVALID
    seed = seed_of(scenario)
    return Row(
        scenario,
        "runs not called invalid",
        n_judged,
        n_runs,
        WithinRounding(0),
        seed,
        is_share=False,
    )


STUDY = Study(
    name="invariance",
    title="What must not matter",
    asks=(
        "The same run in another order, with other names, or in other parts: every number of every "
        "finding within rounding, every status and count the same."
    ),
    run=_run,
)

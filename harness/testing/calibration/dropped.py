"""What if the requests on which the challenger failed were left out?"""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from harness.metric import Better
from harness.stats.clusters import Clusters
from harness.stats.missingness import missing_difference
from harness.stats.proportion import proportion_harm
from harness.stats.quantile import quantile_harm
from harness.testing.calibration.asking import ALPHA, about
from harness.testing.calibration.claim import AtMost, Unclaimed
from harness.testing.calibration.population import Users, latents
from harness.testing.calibration.study import Effort, Findings, Row, Study, dice
from harness.testing.calibration.tally import Answer, row, tally

RUNS = 2000
_LEAVING_OUT = Unclaimed("what leaving failures out costs")


def _run(effort: Effort) -> Findings:
    return Findings([*_accuracy(effort.runs(RUNS)), *_latency(effort.runs(RUNS))])


def _accuracy(n_runs: int) -> list[Row]:
    """The challenger gives no answer on its hardest 6 %, where it would mostly have been wrong."""
    users, answered, right = Users(200, icc=0.1), 0.94, 0.9
    # Right on 90 % of all requests, all of them among those it answers; the champion on 92 %.
    scenario = f"accuracy 2 points lower, the hardest 6 % without an answer, {users}"
    rng = dice(scenario)
    kept: list[Answer] = []
    left_out: list[Answer] = []
    n_flagged = 0
    for _ in range(n_runs):
        seen = latents(users, rng)
        before = (seen.champion < special.ndtri(0.92)) * 1.0
        after = (seen.challenger < special.ndtri(right)) * 1.0
        fails = seen.challenger > special.ndtri(answered)
        asks = about(0.02, better=Better.HIGHER)
        kept.append(proportion_harm(before, after, seen.clusters, **asks))
        after = np.where(fails, math.nan, after)
        left_out.append(proportion_harm(before, after, seen.clusters, **asks))
        n_flagged += _is_flagged(before, ~fails, seen.clusters)
    return [
        row(
            scenario,
            "a failure is wrong, ours: passes",
            tally(kept).n_passed,
            n_runs,
            AtMost(ALPHA),
        ),
        row(scenario, "failures left out: passes", tally(left_out).n_passed, n_runs, _LEAVING_OUT),
        row(
            scenario,
            "missing-at-random check: flags the missing",
            n_flagged,
            n_runs,
            Unclaimed("a second line, if pairs were lost"),
        ),
    ]


def _latency(n_runs: int) -> list[Row]:
    """The challenger is 10 % slower at the p90 and gives up on its slowest 5 %."""
    users, p = Users(200, icc=0.1), 0.9
    scenario = f"p90 10 % higher, the slowest 5 % time out, {users}"
    rng = dice(scenario)
    kept: list[Answer] = []
    left_out: list[Answer] = []
    for _ in range(n_runs):
        seen = latents(users, rng)
        before, after = np.exp(0.4 * seen.champion), 1.1 * np.exp(0.4 * seen.challenger)
        fails = seen.challenger > special.ndtri(0.95)
        asks = about(0.1)
        worst = np.where(fails, math.inf, after)
        kept.append(quantile_harm(before, worst, seen.clusters, **asks, p=p, relative=True))
        gone = np.where(fails, math.nan, after)
        left_out.append(quantile_harm(before, gone, seen.clusters, **asks, p=p, relative=True))
    return [
        row(
            scenario,
            "a failure is slowest, ours: passes",
            tally(kept).n_passed,
            n_runs,
            AtMost(ALPHA),
        ),
        row(scenario, "failures left out: passes", tally(left_out).n_passed, n_runs, _LEAVING_OUT),
    ]


def _is_flagged(known: np.ndarray, complete: np.ndarray, clusters: Clusters) -> bool:
    found = missing_difference(known, complete, clusters)
    return found is not None and found.flagged


STUDY = Study(
    name="dropped",
    title="Failures that are not at random",
    asks=(
        "A challenger exactly at its margin fails where it would have done badly. Counting a "
        "failure as wrong, or as slower than anything, keeps the error; comparing only requests "
        "that both sides answered does not."
    ),
    run=_run,
)

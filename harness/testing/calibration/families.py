"""Many questions asked of one run: how often is there a false find at all?"""

from __future__ import annotations

import math

import numpy as np

from harness.gate.policy import Margin, NotWorse
from harness.stats.always_valid import NormalMixture
from harness.stats.clustered import cr2
from harness.stats.clusters import Clusters, Floats
from harness.stats.mean import mean_bound
from harness.stats.multiplicity import benjamini_hochberg, benjamini_yekutieli, e_bh, holm
from harness.testing.calibration.asking import ALPHA, about
from harness.testing.calibration.claim import AtMost, Unclaimed
from harness.testing.calibration.gating import CHAMPION, decided, table
from harness.testing.calibration.study import Effort, Findings, Row, Study, dice, seed_of
from harness.testing.calibration.tally import row
from harness.testing.pairs import Side
from harness.verdict import Decision, Estimate

RUNS = 2000
_Q = 0.1
_NAIVE = Unclaimed("what not correcting costs")


def _run(effort: Effort) -> Findings:
    rows: list[Row] = []
    for correlation in effort.some((0.0, 0.5, 0.9)):
        rows += _goals(correlation, effort.runs(RUNS))
    rows += _challengers(effort.runs(1000))
    for shared in effort.some((0.0, 0.5)):
        rows += _segments(shared, effort.runs(1000))
    return Findings(rows)


def _goals(correlation: float, n_runs: int) -> list[Row]:
    """Five goals, none of them met."""
    n_goals, n_pairs = 5, 100
    scenario = f"{n_goals} goals, none met, correlation {correlation:g}, {n_pairs} pairs"
    clusters, rng = Clusters.independent(n_pairs), dice(scenario)
    n_corrected = n_naive = 0
    for _ in range(n_runs):
        shared = rng.standard_normal((n_pairs, 1))
        own = rng.standard_normal((n_pairs, n_goals))
        harms = math.sqrt(correlation) * shared + math.sqrt(1 - correlation) * own
        p_values = [_p_value(harms[:, goal], clusters) for goal in range(n_goals)]
        n_corrected += bool((holm(p_values) < ALPHA).any())
        n_naive += min(p_values) < ALPHA
    return [
        row(scenario, "Holm: any found", n_corrected, n_runs, AtMost(ALPHA)),
        row(scenario, "uncorrected: any found", n_naive, n_runs, _NAIVE),
    ]


def _p_value(harms: Floats, clusters: Clusters) -> float:
    found = mean_bound(harms, clusters, **about(0.0), bounded=True)
    return found.p_value if isinstance(found, Estimate) else 1.0


def _challengers(n_runs: int) -> list[Row]:
    """Three challengers, each exactly at its margin; the gate may promote none."""
    scenario = "3 challengers, accuracy exactly at the margin, 800 pairs of 300 users each"
    challenger = Side(accuracy=CHAMPION.accuracy - 0.03, failure_rate=CHAMPION.failure_rate)
    rules = (NotWorse("accuracy", Margin(0.03 * (1 - CHAMPION.failure_rate))),)
    rng, n_any, n_alone = dice(scenario), 0, 0
    for _ in range(n_runs):
        tables = [table(800, 300, challenger, rng) for _ in range(3)]
        verdict = decided(rules, tables)
        n_any += verdict.decision is Decision.PROMOTE
        p_values = [one.p_value for one in verdict.challengers if one.p_value is not None]
        n_alone += min(p_values, default=1.0) < ALPHA
    return [
        row(scenario, "the gate, Holm: any promoted", n_any, n_runs, AtMost(ALPHA)),
        row(scenario, "each by itself: any promoted", n_alone, n_runs, _NAIVE),
    ]


def _segments(shared: float, n_runs: int) -> list[Row]:
    """Twenty segments, five of them harmed; users belong to all where `shared` is above 0."""
    n_segments, n_harmed, n_users = 20, 5, 60
    scenario = (
        f"{n_segments} segments, {n_harmed} harmed by 0.6 sd, {n_users} users each, "
        f"correlation {shared:g} between segments"
    )
    clusters, rng = Clusters.independent(n_users), dice(scenario)
    mixture = NormalMixture.one_sided(n_users, alpha=_Q)
    finds: dict[str, list[float]] = {"BH": [], "BY": [], "e-BH": [], "uncorrected": []}
    for _ in range(n_runs):
        common = rng.standard_normal((n_users, 1))
        own = rng.standard_normal((n_users, n_segments))
        harms = math.sqrt(shared) * common + math.sqrt(1 - shared) * own
        harms[:, :n_harmed] += 0.6
        p_harm = np.array([_p_value(-harms[:, one], clusters) for one in range(n_segments)])
        e_values = [_e_value(harms[:, one], mixture) for one in range(n_segments)]
        found = {
            "BH": benjamini_hochberg(p_harm) < _Q,
            "BY": benjamini_yekutieli(p_harm) < _Q,
            "e-BH": e_bh(e_values, rate=_Q),
            "uncorrected": p_harm < _Q,
        }
        for name, flags in found.items():
            finds[name].append(float(flags[n_harmed:].sum()) / max(1, int(flags.sum())))
    return [
        Row(
            scenario,
            f"{name}: false share of finds",
            float(np.mean(shares)),
            n_runs,
            _NAIVE if name == "uncorrected" else AtMost(_Q),
            seed_of(scenario),
        )
        for name, shares in finds.items()
    ]


def _e_value(harms: Floats, mixture: NormalMixture) -> float:
    sizes = np.ones(harms.size)
    moment = cr2(float(harms.mean()), harms - harms.mean(), sizes)
    return math.exp(mixture.log_e_greater(float(harms.sum()), moment.variance * harms.size**2))


STUDY = Study(
    name="families",
    title="Several goals, challengers and segments",
    asks=(
        "Holm keeps the chance of any false find among goals or challengers at 5 %. A scan over "
        "segments accepts false finds as long as they are at most 10 % of all finds on average."
    ),
    run=_run,
)

"""What is reported beside the gate: tests whose null is true, intervals whose truth is known."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import stats

from harness.stats.agreement import bhapkar, clustered_shift, kappa, stuart_maxwell
from harness.stats.betting import betting_interval
from harness.stats.clustered_mcnemar import durkalski, eliasziw, obuchowski, yang
from harness.stats.clusters import Clusters
from harness.stats.difference_in_differences import difference_in_differences
from harness.stats.interval import Interval
from harness.stats.mcnemar import exact_p_value, mid_p_value
from harness.stats.prediction_powered import prediction_powered_mean
from harness.stats.quantile import SideQuantile
from harness.stats.rank import signed_rank
from harness.stats.segment_tests import cochran_q, gail_simon
from harness.stats.sign_test import sign_test
from harness.stats.survival import restricted_mean
from harness.testing.calibration.asking import ALPHA
from harness.testing.calibration.claim import AtMost, Covers
from harness.testing.calibration.population import RareEvents, Users, latents
from harness.testing.calibration.study import Effort, Findings, Row, Study, dice
from harness.testing.calibration.tally import row

RUNS = 2000
LEVEL = 0.95

PValues = Mapping[str, float]
Intervals = Mapping[str, Interval]


@dataclass(frozen=True, slots=True)
class Tests:
    """Tests of one drawn sample, their null true."""

    scenario: str
    draw: Callable[[np.random.Generator], PValues]


@dataclass(frozen=True, slots=True)
class Coverage:
    """95 % intervals from one drawn sample, all of the same truth."""

    scenario: str
    truth: float
    draw: Callable[[np.random.Generator], Intervals]


def _run(effort: Effort) -> Findings:
    n_runs, rows = effort.runs(RUNS), list[Row]()
    for tests in effort.some(_TESTS):
        rng, n_alarms = dice(tests.scenario), dict[str, int]()
        for _ in range(n_runs):
            for name, p_value in tests.draw(rng).items():
                n_alarms[name] = n_alarms.get(name, 0) + (p_value <= ALPHA)
        rows += [
            row(tests.scenario, f"{name}: alarms", count, n_runs, AtMost(ALPHA))
            for name, count in n_alarms.items()
        ]
    for one in effort.some(_COVERAGE):
        rng, n_held = dice(one.scenario), dict[str, int]()
        for _ in range(n_runs):
            for name, seen in one.draw(rng).items():
                n_held[name] = n_held.get(name, 0) + (seen.low <= one.truth <= seen.high)
        rows += [
            row(one.scenario, f"{name}: covers", count, n_runs, Covers(LEVEL))
            for name, count in n_held.items()
        ]
    return Findings(rows)


def _ranks(rng: np.random.Generator) -> PValues:
    differences = rng.standard_normal(40) * (rng.random(40) > 0.2)
    return {
        "signed rank (Pratt)": signed_rank(differences).p_value,
        "sign test": sign_test(differences).p_value,
    }


def _mcnemar(rng: np.random.Generator) -> PValues:
    wins, losses = (int(count) for count in rng.multinomial(200, (0.05, 0.05, 0.9))[:2])
    return {
        "McNemar, exact": exact_p_value(wins, losses),
        "McNemar, mid-p": mid_p_value(wins, losses),
    }


_EVENTS = RareEvents(80, 10, loss=0.1, win=0.1, evenness=1)


def _clustered_mcnemar(rng: np.random.Generator) -> PValues:
    gains, clusters = _EVENTS.gains(rng), _EVENTS.clusters
    wins, losses = clusters.totals(gains > 0), clusters.totals(gains < 0)
    both = clusters.sizes - wins - losses
    statistics = {
        "Obuchowski": obuchowski(wins, losses),
        "Durkalski": durkalski(wins, losses, clusters.sizes),
        "Yang": yang(wins, losses, clusters.sizes),
        "Eliasziw-Donner": eliasziw(both, wins, losses, np.zeros_like(both)),
    }
    return {name: float(stats.chi2.sf(value, 1)) for name, value in statistics.items()}


_SHARES = np.array([0.5, 0.3, 0.15, 0.05])


def _labels(rng: np.random.Generator) -> PValues:
    left, right = rng.choice(4, size=(2, 300), p=_SHARES)
    right = np.where(rng.random(300) < 0.7, left, right)
    table = np.zeros((4, 4))
    np.add.at(table, (left, right), 1.0)
    return {
        "Stuart-Maxwell": stuart_maxwell(table).p_value,
        "Bhapkar": bhapkar(table).p_value,
    }


def _clustered_labels(rng: np.random.Generator) -> PValues:
    # A user's own leaning shows on both sides alike.
    clusters = Clusters.of(np.repeat(np.arange(100), 5))
    usual = rng.choice(4, size=100, p=_SHARES)[clusters.codes]
    left, right = (
        np.where(rng.random(500) < 0.6, usual, rng.choice(4, size=500, p=_SHARES)) for _ in range(2)
    )
    return {"clustered shift": clustered_shift(left, right, clusters, n_labels=4).p_value}


def _segments(rng: np.random.Generator) -> PValues:
    errors = np.array([0.01, 0.02, 0.03, 0.02, 0.01])
    harms = rng.standard_normal(5) * errors
    return {
        "Cochran's Q": cochran_q(harms, errors).p_value,
        "Gail-Simon": gail_simon(harms, errors).p_value,
    }


_TESTS = (
    Tests("40 differences, a fifth of them zero", _ranks),
    Tests("200 pairs, 5 % wins and 5 % losses", _mcnemar),
    Tests(f"wins as likely as losses, {_EVENTS}", _clustered_mcnemar),
    Tests("four labels, 300 pairs, same shares", _labels),
    Tests("four labels, 100 users of 5, same shares", _clustered_labels),
    Tests("five segments without a harm", _segments),
)


def _kappa(rng: np.random.Generator) -> Intervals:
    counts = rng.multinomial(300, (0.5, 0.1, 0.1, 0.3)).reshape(2, 2).astype(np.float64)
    return {"Cohen's kappa": kappa(counts, confidence=LEVEL).interval}


def _human_labels(rng: np.random.Generator) -> Intervals:
    truth = rng.standard_normal(1100)
    machine = 0.8 * truth + 0.3 + 0.6 * rng.standard_normal(1100)
    found = prediction_powered_mean(truth[:100], machine[:100], machine[100:], confidence=LEVEL)
    return {"prediction-powered mean": found.interval}


def _bounded(rng: np.random.Generator) -> Intervals:
    values = rng.beta(0.5, 2, 200)
    return {"betting interval, any look": betting_interval(values, alpha=1 - LEVEL, steps=1000)}


def _censored(rng: np.random.Generator) -> Intervals:
    answer_s, given_up_s = rng.exponential(1, 200), rng.exponential(3, 200)
    seen = restricted_mean(np.minimum(answer_s, given_up_s), answer_s <= given_up_s, horizon_s=2.0)
    return {"mean up to a horizon": _around(seen.mean_s, seen.se_s, math.inf)}


def _canary(rng: np.random.Generator) -> Intervals:
    units = Clusters.of(np.repeat(np.arange(60), 10))
    in_canary = units.codes < 20
    after = np.tile(np.arange(10) >= 5, 60)
    own = rng.standard_normal((2, 60))[after.astype(int), units.codes]
    values = own + rng.standard_normal(600) + 0.5 * after + 0.3 * (after & in_canary)
    seen = difference_in_differences(values, units, treated=in_canary, after=after)
    return {"difference in differences": _around(seen.estimate, seen.se, seen.df)}


def _woodruff(p: float) -> Callable[[np.random.Generator], Intervals]:
    def draw(rng: np.random.Generator) -> Intervals:
        seen = latents(Users(50), rng)
        found = SideQuantile.of(seen.champion, seen.clusters, p)
        return {f"Woodruff, p{100 * p:g}": Interval(found.low, found.high)}

    return draw


def _around(estimate: float, se: float, df: float) -> Interval:
    reach = float(
        stats.norm.ppf(0.5 + LEVEL / 2) if math.isinf(df) else stats.t.ppf(0.5 + LEVEL / 2, df)
    )
    return Interval(estimate - reach * se, estimate + reach * se)


_COVERAGE = (
    Coverage("two labels, 80 % agree, 300 pairs", (0.8 - 0.52) / (1 - 0.52), _kappa),
    Coverage("100 human labels, 1,000 machine ones", 0.0, _human_labels),
    Coverage("200 values in [0, 1], mean 0.2", 0.2, _bounded),
    Coverage("200 answers, a quarter given up on", 1 - math.exp(-2), _censored),
    Coverage("20 canary users, 40 others", 0.3, _canary),
    Coverage("one side's median, 50 clusters of 10, ICC 0.3", 0.0, _woodruff(0.5)),
    Coverage(
        "one side's p95, 50 clusters of 10, ICC 0.3", float(stats.norm.ppf(0.95)), _woodruff(0.95)
    ),
)

STUDY = Study(
    name="companions",
    title="Beside the gate",
    asks=(
        "Tests and intervals that are reported or offered and never decide. Tests are two-sided "
        "at 5 % with their null true; intervals are at 95 %."
    ),
    run=_run,
)

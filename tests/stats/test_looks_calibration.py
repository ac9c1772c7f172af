"""Promises kept over whole runs that are looked at after every batch.

A run counts as wrong when any of its looks is: a harm exactly at the margin that passes at some
look, or one that raises an alarm. Seeds are fixed and not re-rolled; "at most alpha" allows three
Monte Carlo errors.
"""

import math

import numpy as np
import pytest
from scipy import stats

from harness.metric import Better
from harness.stats.mean import mean_harm
from harness.stats.proportion import proportion_harm
from harness.stats.sequential_mean import sequential_mean_bound, sequential_mean_harm
from harness.stats.sequential_proportion import sequential_proportion_harm, sequential_rate_bound
from harness.stats.sequential_quantile import sequential_quantile_bound, sequential_quantile_harm
from harness.verdict import Estimate
from tests.stats.looks import (
    DULL,
    alarmed,
    clusters_at,
    most_allowed,
    once,
    over_time,
    passed,
    sessions,
)

pytestmark = pytest.mark.soak

RUNS = 300
USERS = 400
LOOKS = sorted({int(n) for n in np.geomspace(60, 5 * USERS, 20)})
RIGHT = {"better": Better.HIGHER, "unit": "fraction"}


def at_some_look(ask, draw, *, runs=RUNS, looks=LOOKS, **asked):
    """Share of runs that pass at some look, that raise an alarm at some look, and that have an
    estimate at the last."""
    n_passed = n_alarmed = n_known = 0
    for run in range(runs):
        arrays, codes = draw(np.random.default_rng([71, run]))
        found = list(over_time(ask, arrays, codes, looks, **asked))
        n_passed += any(map(passed, found))
        n_alarmed += any(map(alarmed, found))
        n_known += isinstance(found[-1], Estimate)
    return n_passed / runs, n_alarmed / runs, n_known / runs


def own(rng, codes, share):
    """Unit variance, a share of it the user's own."""
    users = rng.normal(0, math.sqrt(share), USERS)[codes]
    return users + rng.normal(0, math.sqrt(1 - share), codes.size)


def scores(rng):
    """Users are alike within: a correlation of 0.3, and the challenger worse by 0.2."""
    codes = sessions(rng, USERS)
    champion = rng.normal(0, 1, codes.size)
    return (champion, champion + 0.2 + own(rng, codes, 0.3)), codes


def waits(slower):
    def draw(rng):
        codes = sessions(rng, USERS)
        habit = 0.1 * rng.lognormal(0, 0.3, USERS)[codes]
        champion, challenger = habit * rng.lognormal(0, 0.5, (2, codes.size))
        return (champion, slower * challenger), codes

    return draw


def even_waits(rng):
    """Less skewed, so that the burn-in is over well before the run."""
    codes = sessions(rng, USERS)
    habit = 0.1 * rng.lognormal(0, 0.1, USERS)[codes]
    return (habit * rng.lognormal(0, 0.15, codes.size),), codes


def waits_of_one(rng):
    (_, challenger), codes = waits(1.0)(rng)
    return (challenger,), codes


def answers(*, loss, win, spread):
    """Losses and wins that some users have most of, the more the smaller `spread`."""

    def draw(rng):
        codes = sessions(rng, USERS)
        lean = 2 * rng.beta(spread, spread, (2, USERS))
        loses = rng.random(codes.size) < loss * lean[0][codes]
        wins = (rng.random(codes.size) < win * lean[1][codes]) & ~loses
        return (1.0 - wins, 1.0 - loses), codes

    return draw


def failures(rng):
    (_, right), codes = answers(loss=0.02, win=0.0, spread=0.5)(rng)
    return (1 - right,), codes


def by_chance(rng):
    """Independent pairs on which the two differ now and then, neither more often."""
    champion, challenger = (rng.random((2, 5 * USERS)) > 0.05).astype(float)
    return (champion, challenger), np.arange(5 * USERS)


SPREAD = math.hypot(0.3, 0.5)

AT_THE_MARGIN = {
    "mean": (sequential_mean_harm, scores, {"null": 0.2, "expected": 0.0}),
    "mean, nothing expected": (sequential_mean_harm, scores, {"null": 0.2}),
    "relative mean": (
        sequential_mean_harm,
        waits(1.1),
        {"null": 0.1, "relative": True, "expected": 0.0},
    ),
    "level": (
        sequential_mean_bound,
        even_waits,
        {"null": 0.1 * math.exp((0.1**2 + 0.15**2) / 2)},
    ),
    "p50": (
        sequential_quantile_harm,
        waits(1.1),
        {"null": 0.1, "relative": True, "expected": 0.0, "p": 0.5},
    ),
    "p95": (
        sequential_quantile_harm,
        waits(1.1),
        {"null": 0.1, "relative": True, "expected": 0.0, "p": 0.95},
    ),
    "p90 level": (
        sequential_quantile_bound,
        waits_of_one,
        {"null": 0.1 * math.exp(SPREAD * float(stats.norm.ppf(0.9))), "p": 0.9},
    ),
    "share, alike within users": (
        sequential_proportion_harm,
        answers(loss=0.06, win=0.01, spread=0.3),
        {"null": 0.05} | RIGHT,
    ),
    "rare losses, alike within users": (
        sequential_proportion_harm,
        answers(loss=0.015, win=0.005, spread=0.3),
        {"null": 0.01} | RIGHT,
    ),
    "rare losses and no win": (
        sequential_proportion_harm,
        answers(loss=0.005, win=0.0, spread=5.0),
        {"null": 0.005} | RIGHT,
    ),
    "any gain": (sequential_proportion_harm, by_chance, {"null": 0.0} | RIGHT),
    "rate": (sequential_rate_bound, failures, {"null": 0.02, "unit": "fraction"}),
}


@pytest.mark.parametrize(("ask", "draw", "asked"), AT_THE_MARGIN.values(), ids=AT_THE_MARGIN.keys())
def test_a_harm_at_its_margin_seldom_passes_and_seldom_alarms(ask, draw, asked):
    """Over all looks of a run, each error in at most 5 % of runs."""
    n_passed, n_alarmed, n_known = at_some_look(ask, draw, **asked)

    assert n_known > 0.9
    assert n_passed <= most_allowed(RUNS)
    assert n_alarmed <= most_allowed(RUNS)


def test_strict_is_exact_however_alike_users_are():
    """One unit per user, harm at the margin, all of a user's pairs alike: at most 5 % pass."""
    n_passed = 0
    for run in range(RUNS):
        rng = np.random.default_rng([73, run])
        loses = rng.random(USERS) < 0.05
        codes = np.repeat(np.arange(USERS), 5)
        arrays = np.ones(codes.size), 1.0 - loses[codes]
        n_passed += any(
            passed(
                once(
                    sequential_proportion_harm,
                    [array[:n] for array in arrays],
                    codes[:n],
                    null=0.05,
                    matured=np.ones(n, dtype=bool),
                    **RIGHT,
                )
            )
            for n in range(100, 5 * USERS + 1, 100)
        )

    assert n_passed / RUNS <= most_allowed(RUNS)


@pytest.mark.parametrize(
    ("ask", "draw", "asked"),
    [
        (mean_harm, scores, {"null": 0.2}),
        (proportion_harm, by_chance, {"null": 0.0} | RIGHT),
    ],
    ids=["mean", "any gain"],
)
def test_a_test_meant_for_one_look_does_not_survive_peeking(ask, draw, asked):
    """The same runs, looked at as often by the methods for one planned look: far more than 5 %
    pass at some look. This is why there are two kinds."""
    n_passed = 0
    for run in range(RUNS):
        arrays, codes = draw(np.random.default_rng([71, run]))
        n_passed += any(
            passed(ask(*(a[:n] for a in arrays), clusters_at(codes, n), **DULL | asked))
            for n in LOOKS
        )

    assert n_passed / RUNS > 0.1


@pytest.mark.parametrize(
    ("ask", "draw", "asked"),
    [
        (sequential_mean_harm, scores, {"null": 0.45, "expected": 0.0}),
        (
            sequential_quantile_harm,
            waits(1.0),
            {"null": 0.25, "relative": True, "expected": 0.0, "p": 0.5},
        ),
        (
            sequential_proportion_harm,
            answers(loss=0.01, win=0.01, spread=2.0),
            {"null": 0.025} | RIGHT,
        ),
    ],
    ids=["mean", "median", "share"],
)
def test_what_is_harmless_passes_before_the_run_is_over(ask, draw, asked):
    """With an effect that a planned look would hardly miss, looks find it in 80 % of runs."""
    n_passed, n_alarmed, n_known = at_some_look(ask, draw, runs=100, **asked)

    assert n_known == 1.0
    assert n_passed > 0.8
    assert n_alarmed <= most_allowed(100)

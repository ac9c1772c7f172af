"""Promises kept over many runs: errors are as rare as promised, and intervals cover.

Every number of runs has its tolerance from its own Monte Carlo error: a promise of "at most alpha"
allows three standard errors above, one of "95 %" three standard errors and a point below. Seeds are
fixed and not re-rolled.
"""

import math

import numpy as np
import pytest

from harness.metric import Better
from harness.stats.clusters import Clusters
from harness.stats.rate import rate_bound
from harness.verdict import Estimate
from tests.stats.builders import answers, ask_mean, ask_proportion, ask_quantile

pytestmark = pytest.mark.slow

ALPHA = 0.05
RUNS = 300


def at_most(promise, runs=RUNS):
    return promise + 3 * math.sqrt(promise * (1 - promise) / runs)


def at_least(promise, runs=RUNS):
    return promise - 3 * math.sqrt(promise * (1 - promise) / runs) - 0.01


def false_passes(ask, draw, *, runs=RUNS, **overrides):
    """How often a harm exactly at the margin passes; a refusal is no pass."""
    n_passed = 0
    for run in range(runs):
        found = ask(*draw(np.random.default_rng([41, run])), **overrides)
        n_passed += isinstance(found, Estimate) and found.harm_high < found.null
    return n_passed / runs


def coverage(ask, draw, truth, **overrides):
    """How often the 90 % interval holds the truth, among runs that have one."""
    found = [ask(*draw(np.random.default_rng([43, run])), **overrides) for run in range(RUNS)]
    known = [one for one in found if isinstance(one, Estimate)]
    assert len(known) > RUNS / 2
    return sum(one.harm_low <= truth <= one.harm_high for one in known) / len(known)


def cluster_sizes(rng, n_clusters, shape):
    if shape == "equal":
        return np.full(n_clusters, 20)
    return 1 + np.minimum(400, 8 * rng.pareto(1.3, n_clusters)).astype(int)


def scores(shape, n_clusters, *, harm):
    """Scores whose difference has a part of the user's own: a correlation of 0.3 within users."""

    def draw(rng):
        sizes = cluster_sizes(rng, n_clusters, shape)
        codes = np.repeat(np.arange(n_clusters), sizes)
        champion = rng.normal(0, 1, codes.size)
        own = rng.normal(0, math.sqrt(0.3), n_clusters)[codes]
        return champion, champion + harm + own + rng.normal(0, math.sqrt(0.7), codes.size), codes

    return draw


@pytest.mark.parametrize("shape", ["equal", "pareto"])
@pytest.mark.parametrize("n_clusters", [12, 30, 100])
def test_a_mean_at_its_margin_rarely_passes(shape, n_clusters):
    """A harm of exactly the margin passes in at most 5 % of runs, few and uneven users or not."""
    draw = scores(shape, n_clusters, harm=0.3)

    assert false_passes(ask_mean, draw, null=0.3, bounded=True) <= at_most(ALPHA)


@pytest.mark.parametrize("shape", ["equal", "pareto"])
@pytest.mark.parametrize("n_clusters", [30, 100])
def test_the_interval_of_a_mean_covers(shape, n_clusters):
    """The 90 % interval holds the true harm in about 90 % of runs, uneven users or not."""
    draw = scores(shape, n_clusters, harm=0.3)

    assert coverage(ask_mean, draw, 0.3, bounded=True) >= at_least(0.9)


def test_ignoring_users_would_not_cover():
    """The same data taken as independent pairs cover far too seldom: clusters matter."""
    clustered = scores("pareto", 100, harm=0.3)

    def draw(rng):
        return clustered(rng)[:2]

    assert coverage(ask_mean, draw, 0.3, bounded=True) < 0.75


@pytest.mark.parametrize(
    ("n_clusters", "size", "loss", "win", "margin"),
    [
        (60, 20, 0.03, 0.01, 0.02),  # ordinary
        (150, 10, 0.005, 0.0, 0.005),  # rare: most runs have few losses or none
        (200, 10, 0.015, 0.005, 0.01),
    ],
)
@pytest.mark.parametrize("spread", [0.2, 5.0])
def test_a_proportion_at_its_margin_rarely_passes(n_clusters, size, loss, win, margin, spread):
    """Rare losses, alike within users or not, do not slip through."""

    def draw(rng):
        return answers(
            rng, n_clusters * size, n_clusters=n_clusters, loss=loss, win=win, spread=spread
        )

    passed = false_passes(ask_proportion, draw, null=margin, better=Better.HIGHER)

    assert passed <= at_most(ALPHA)


def test_the_interval_of_a_proportion_covers():
    """The 90 % interval of the harm holds the truth in about 90 % of runs."""

    def draw(rng):
        return answers(rng, 2000, n_clusters=200, loss=0.06, win=0.04, spread=0.5)

    assert coverage(ask_proportion, draw, 0.02, better=Better.HIGHER) >= at_least(0.9)


def users_latencies(n_clusters, size, *, slower):
    """Latencies with a user's own level on both sides, the challenger slower throughout."""

    def draw(rng):
        codes = np.repeat(np.arange(n_clusters), size)
        level = rng.normal(0, 0.3, n_clusters)[codes]
        champion, challenger = np.exp(level + rng.normal(0, 0.4, (2, codes.size)))
        return champion, challenger * slower, codes

    return draw


@pytest.mark.parametrize("p", [0.5, 0.95])
def test_a_quantile_at_its_margin_rarely_passes(p):
    """A p50 or p95 exactly 10 % worse passes a margin of 10 % in at most 5 % of runs."""
    draw = users_latencies(150, 10, slower=1.1)

    assert false_passes(ask_quantile, draw, p=p, null=0.1, relative=True) <= at_most(ALPHA)


@pytest.mark.parametrize("p", [0.5, 0.95])
def test_the_interval_of_a_quantile_covers(p):
    """The 90 % interval of the relative change holds the truth in about 90 % of runs."""
    draw = users_latencies(150, 10, slower=1.1)

    assert coverage(ask_quantile, draw, 0.1, p=p, relative=True) >= at_least(0.9)


def test_a_relative_mean_at_its_margin_rarely_passes():
    """A mean cost exactly 5 % higher passes a margin of 5 % in at most 5 % of runs."""
    draw = users_latencies(150, 10, slower=1.05)

    assert false_passes(ask_mean, draw, null=0.05, relative=True) <= at_most(ALPHA)


@pytest.mark.parametrize("size", [1, 10])
def test_a_rate_at_its_limit_rarely_passes(size):
    """A failure rate exactly at its limit passes in at most 5 % of runs, in bursts or not."""

    def ask(values, codes, **overrides):
        asked = {"null": 0.02, "confidence": 0.95, "metric": "m", "unit": "fraction"} | overrides
        return rate_bound(values, Clusters.of(codes), **asked)

    def draw(rng):
        codes = np.repeat(np.arange(1500 // size), size)
        return (rng.random(1500 // size) < 0.02).astype(float)[codes], codes

    assert false_passes(ask, draw) <= at_most(ALPHA)


@pytest.mark.parametrize(("harm", "least"), [(0.0, 0.75), (0.005, 0.3)])
def test_a_harmless_challenger_passes(harm, least):
    """The gate is not safe by refusing everything: 4000 pairs show a two-point margin."""

    def draw(rng):
        return answers(rng, 4000, n_clusters=400, loss=0.03 + harm, win=0.03, spread=1.0)

    assert false_passes(ask_proportion, draw, null=0.02, better=Better.HIGHER) >= least

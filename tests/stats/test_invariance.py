"""What must not matter does not: the order of rows, the names of clusters, which side is which."""

import dataclasses

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from harness.metric import Better
from harness.stats.clusters import Clusters
from harness.stats.mean import mean_bound
from harness.stats.rate import rate_bound
from harness.verdict import Estimate
from tests.stats.builders import ask_mean, ask_proportion, ask_quantile, latencies

SEEDS = st.integers(0, 2**32 - 1)
FEW = settings(max_examples=40, deadline=None)

NUMBERS = ("harm", "harm_low", "harm_high", "p_value", "p_harm", "df", "deff", "detectable")


def right(rng, n, *, n_clusters):
    """Right or wrong on both sides, alike within clusters."""
    codes = rng.integers(0, n_clusters, n)
    lean = rng.beta(2, 1, n_clusters)[codes]
    return (rng.random(n) < lean) * 1.0, (rng.random(n) < lean) * 1.0, codes


def ask_distance(_, values, clusters, **overrides):
    ask = {"null": 0.1, "confidence": 0.95, "metric": "m", "unit": "s"} | overrides
    return mean_bound(values, Clusters.of(clusters), **ask)


def ask_rate(_, values, clusters, **overrides):
    ask = {"null": 0.6, "confidence": 0.95, "metric": "m", "unit": "fraction"} | overrides
    return rate_bound(values, Clusters.of(clusters), **ask)


ESTIMATORS = {
    "mean": (ask_mean, latencies, {"bounded": True}),
    "relative mean": (ask_mean, latencies, {"relative": True, "bounded": True}),
    "proportion": (ask_proportion, right, {}),
    "median": (ask_quantile, latencies, {"null": 0.01}),
    "relative median": (ask_quantile, latencies, {"relative": True}),
    "distance": (ask_distance, latencies, {"bounded": True}),
    "rate": (ask_rate, right, {}),
}

estimators = pytest.mark.parametrize(
    ("ask", "draw", "extra"), ESTIMATORS.values(), ids=ESTIMATORS.keys()
)


def available(estimate):
    """Nine very unequal clusters are sometimes too little; those draws are of no interest here."""
    assume(isinstance(estimate, Estimate))
    return estimate


def numbers(estimate):
    assert isinstance(estimate, Estimate), estimate
    values = dataclasses.asdict(estimate)
    return [values[name] for name in NUMBERS if values[name] is not None]


@estimators
@given(seed=SEEDS, n_clusters=st.sampled_from([9, 17, 25, 60]))
@FEW
def test_order_of_rows_and_names_of_clusters_do_not_matter(ask, draw, extra, seed, n_clusters):
    """Shuffling rows and renaming clusters changes nothing beyond rounding."""
    rng = np.random.default_rng(seed)
    champion, challenger, codes = draw(rng, 600, n_clusters=n_clusters)
    order = rng.permutation(600)
    names = rng.permutation(10 * n_clusters)[:n_clusters]

    plain = available(ask(champion, challenger, codes, **extra))
    shuffled = ask(champion[order], challenger[order], names[codes][order], **extra)

    assert numbers(shuffled) == pytest.approx(numbers(plain), rel=1e-9, abs=1e-12)


@estimators
@given(
    seed=SEEDS, n_clusters=st.sampled_from([9, 17, 60]), alpha=st.sampled_from([0.025, 0.05, 0.2])
)
@FEW
def test_bounds_and_p_values_never_contradict_each_other(ask, draw, extra, seed, n_clusters, alpha):
    """The upper bound is below the null exactly when its p-value is below alpha; the lower bound
    likewise above."""
    rng = np.random.default_rng(seed)
    champion, challenger, codes = draw(rng, 600, n_clusters=n_clusters)
    first = available(ask(champion, challenger, codes, **extra, confidence=1 - alpha))
    near = rng.uniform(max(-0.9, first.harm_low - 0.02), first.harm_high + 0.02)

    found = ask(champion, challenger, codes, **extra | {"null": near}, confidence=1 - alpha)

    assert found.harm_low <= found.harm <= found.harm_high
    assert (found.harm_high < near) == (found.p_value < 1 - found.confidence)
    assert (found.harm_low > near) == (found.p_harm < 1 - found.confidence)


@pytest.mark.parametrize("name", ["mean", "proportion", "median"])
@given(seed=SEEDS, n_clusters=st.sampled_from([9, 17, 60]))
@FEW
def test_swapping_the_sides_turns_the_harm(name, seed, n_clusters):
    """What is worse by so much one way is better by as much the other way."""
    ask, draw, extra = ESTIMATORS[name]
    champion, challenger, codes = draw(np.random.default_rng(seed), 600, n_clusters=n_clusters)

    there = available(ask(champion, challenger, codes, **extra | {"null": 0.01}))
    back = ask(challenger, champion, codes, **extra | {"null": -0.01})

    assert back.harm == pytest.approx(-there.harm, abs=1e-12)
    assert back.harm_low == pytest.approx(-there.harm_high, abs=1e-9)
    assert back.p_harm == pytest.approx(there.p_value, abs=1e-9)


@given(seed=SEEDS)
@FEW
def test_swapping_the_sides_inverts_a_ratio(seed):
    """Twice as slow one way is half as slow the other way."""
    champion, challenger, codes = latencies(np.random.default_rng(seed), 600, n_clusters=60)

    there = ask_mean(champion, challenger, codes, relative=True, bounded=True)
    back = ask_mean(challenger, champion, codes, relative=True, bounded=True)

    assert (1 + there.harm) * (1 + back.harm) == pytest.approx(1)
    assert (1 + there.harm_high) * (1 + back.harm_low) == pytest.approx(1)


@pytest.mark.parametrize("name", ["mean", "median"])
def test_better_higher_is_better_lower_of_the_negative(name):
    """Turning a quantity and its direction asks the same question."""
    ask, _, extra = ESTIMATORS[name]
    # An odd number of pairs, so that the median of the negatives is minus the median.
    champion, challenger, codes = latencies(np.random.default_rng(8), 601, n_clusters=60)

    plain = ask(champion, challenger, codes, **extra)
    turned = ask(-champion, -challenger, codes, **extra, better=Better.HIGHER)

    assert turned.harm == pytest.approx(plain.harm)
    # A tie at the quantile counts as "up to it", so its density may be read one value off.
    assert turned.harm_high == pytest.approx(plain.harm_high, rel=0.2)

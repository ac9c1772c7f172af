"""Whatever comes in, what comes out can be printed, stored and believed."""

import dataclasses
import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.metric import Better
from harness.stats.clusters import Clusters
from harness.stats.mean import mean_bound
from harness.stats.quantile_bound import quantile_bound
from harness.stats.rate import rate_bound
from harness.verdict import Estimate, Unavailable
from tests.stats.builders import ask_mean, ask_proportion, ask_quantile

ODD = st.sampled_from([0.0, 1.0, 1.0, 2.5, 1e-9, 1e9, -1.0, math.nan, math.inf])
POSITIVE = st.sampled_from([0.1, 0.2, 0.2, 0.4, 1e-6, 30.0, math.nan])
BINARY = st.sampled_from([0.0, 1.0, 1.0, math.nan])


@st.composite
def pairs(draw, values):
    """Two sides and cluster codes: few or many pairs, few or many clusters, often equal values."""
    n = draw(st.integers(0, 60))
    size = draw(st.sampled_from([1, 1, 2, 7, 60]))
    column = st.lists(values, min_size=n, max_size=n)
    repeat = draw(st.sampled_from([1, 20]))
    champion, challenger = (np.repeat(np.array(draw(column), float), repeat) for _ in range(2))
    if draw(st.booleans()):
        challenger = champion + draw(st.sampled_from([0.0, 0.5]))
    return champion, challenger, np.arange(n * repeat) // size


def ask_one(estimator):
    def ask(champion, _, codes, **overrides):
        dull = {"null": 0.05, "confidence": 0.95, "metric": "m", "unit": "s"}
        return estimator(champion, Clusters.of(codes), **dull | overrides)

    return ask


ASKS = {
    "mean": (ask_mean, ODD, {}),
    "bounded mean": (ask_mean, ODD, {"bounded": True}),
    "relative mean": (ask_mean, POSITIVE, {"relative": True, "bounded": True}),
    "relative mean, higher": (ask_mean, POSITIVE, {"relative": True, "better": Better.HIGHER}),
    "proportion": (ask_proportion, BINARY, {}),
    "proportion, higher": (ask_proportion, BINARY, {"better": Better.HIGHER, "null": 0.0}),
    "median": (ask_quantile, ODD, {}),
    "relative p90": (ask_quantile, POSITIVE, {"p": 0.9, "relative": True}),
    "distance": (ask_one(mean_bound), ODD, {"bounded": True}),
    "rate": (ask_one(rate_bound), BINARY, {}),
    "rate, higher": (ask_one(rate_bound), BINARY, {"better": Better.HIGHER, "null": -0.9}),
    "own median": (ask_one(quantile_bound), ODD, {"p": 0.5}),
}


@pytest.mark.parametrize(("ask", "values", "extra"), ASKS.values(), ids=ASKS.keys())
@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_every_answer_is_a_number_or_a_reason(ask, values, extra, data):
    """No input gives NaN, infinity, a warning or a traceback."""
    champion, challenger, codes = data.draw(pairs(values))
    if ask is ask_proportion:
        challenger = np.where(challenger > 0, np.minimum(challenger, 1.0) // 1, challenger * 0)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = ask(champion, challenger, codes, **extra)

    if isinstance(found, Unavailable):
        assert found.reason
        assert found.clusters_missing is None or found.clusters_missing > 0
        return
    assert isinstance(found, Estimate)
    for name, value in dataclasses.asdict(found).items():
        assert not isinstance(value, float) or math.isfinite(value), (name, value)
    assert 0 <= found.p_value <= 1
    assert 0 <= found.p_harm <= 1
    assert found.harm_low <= found.harm <= found.harm_high
    assert found.n_pairs + found.n_left_out == champion.size


@pytest.mark.parametrize("size", [5e-324, 1e-310, 1e-200, 1e-160])
@pytest.mark.parametrize("relative", [False, True], ids=["difference", "ratio"])
def test_differences_too_small_to_square_are_none(size, relative):
    """A variance below the smallest number there is is no reason to divide by zero."""
    champion, challenger = np.full(30, size), size * (1 + np.arange(30) % 3)
    codes = np.arange(30)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = ask_mean(champion, challenger, codes, relative=relative, bounded=True)
        own = ask_one(mean_bound)(challenger, None, codes, bounded=True)

    assert isinstance(found, Unavailable | Estimate)
    assert relative or isinstance(found, Unavailable)
    assert isinstance(own, Unavailable)

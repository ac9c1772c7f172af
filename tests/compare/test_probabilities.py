"""Probability vectors, checked against SciPy."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon

from harness.compare.probabilities import SameProbabilities

weights = st.lists(st.floats(0, 1), min_size=2, max_size=6).filter(lambda ws: sum(ws) > 0.01)


@settings(deadline=None)
@given(data=st.data(), one=weights)
def test_the_distance_is_that_of_scipy(data, one):
    """Also where they do not sum to 1, and where some are 0."""
    other = data.draw(
        st.lists(st.floats(0, 1), min_size=len(one), max_size=len(one)).filter(
            lambda ws: sum(ws) > 0.01
        )
    )

    expected = jensenshannon(one, other, base=2)

    expected = 0.0 if np.isnan(expected) else expected  # its own rounding below zero
    assert SameProbabilities()(one, other).distance == pytest.approx(expected, abs=2e-7)


def test_labels_go_by_name():
    """The order of keys does not matter, and a label that is not there has probability 0."""
    same = SameProbabilities()

    assert same({"a": 0.2, "b": 0.8}, {"b": 0.8, "a": 0.2}).distance == 0
    assert same({"a": 0.2, "b": 0.8}, {"b": 0.8, "a": 0.2, "c": 0}).distance == 0
    assert same({"a": 1}, {"b": 1}).distance == 1


@pytest.mark.parametrize(
    ("champion", "challenger"),
    [
        ([0.5, 0.5], [0.5, 0.3, 0.2]),
        ([0.5, 0.5], [1.5, -0.5]),
        ([0.5, 0.5], [0, 0]),
        ([0.5, 0.5], ["0.5", 0.5]),
        ([0.5, 0.5], {"0": 0.5, "1": 0.5}),
        ([0.5, 0.5], [math.nan, 1.0]),
        ([0.5, 0.5], [10**400, 1]),
        (0.5, 0.6),
    ],
)
def test_what_is_no_distribution_is_infinitely_far(champion, challenger):
    """Its mean has no value then, and the pair does not agree."""
    compared = SameProbabilities(within=1)(champion, challenger)

    assert (compared.distance, compared.agree) == (math.inf, False)

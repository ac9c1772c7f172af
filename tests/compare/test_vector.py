"""Vectors, checked against SciPy."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cosine

from harness.compare.vector import SameDirection

numbers = st.floats(-100, 100).filter(lambda x: x == 0 or abs(x) > 1e-3)
vectors = st.lists(numbers, min_size=3, max_size=3).filter(any)


@settings(deadline=None)
@given(one=vectors, other=vectors)
def test_the_distance_is_that_of_scipy(one, other):
    """1 minus the cosine."""
    found = SameDirection()(one, other).distance

    assert found == pytest.approx(cosine(one, other), abs=1e-12)


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [
        ([1, 0], [0, 0], 1),
        ([1e200, 0.0], [1e-200, 0.0], 0),
        ([1.0, 0.0], [-2.0, 0.0], 2),
        ([1.0], [1.0, 2.0], math.inf),
        ([1.0], ["1"], math.inf),
        ([math.nan], [1.0], math.inf),
        ("a", [1.0], math.inf),
    ],
)
def test_vectors_at_the_edge(one, other, distance):
    """Zeros, huge and tiny ones, and what are no two vectors."""
    assert SameDirection()(one, other).distance == pytest.approx(distance, abs=1e-12)

from __future__ import annotations

import math

import pytest

from harness.gate.shortfall import clusters_missing


def missing(harm, low, high, bound, n_clusters=100):
    return clusters_missing(harm, low, high, bound, n_clusters=n_clusters, error=0.05)


def test_twice_as_far_needs_a_quarter():
    """Clusters in all go with the inverse square of the distance to the bound."""
    near = missing(0.5, -0.5, 1.5, 1.0) + 100
    far = missing(0.0, -1.0, 1.0, 1.0) + 100

    assert near == pytest.approx(4 * far, abs=4)


def test_a_harm_above_the_bound_settles_as_a_fail():
    """Above the bound it is the lower side that has to clear it."""
    assert missing(1.5, 0.5, 99.0, 1.0) == missing(0.5, -99.0, 1.5, 1.0)


@pytest.mark.parametrize(
    ("harm", "low", "high"),
    [
        (1.0, 0.0, 2.0),
        (0.999, -1.0, 3.0),
        (0.5, 0.5, 0.5),
        (0.5, -math.inf, math.inf),
        (math.nan, 0.0, 1.0),
        (1.0 - 1e-300, -1.0, 3.0),
    ],
    ids=["at the bound", "too close", "no width", "open", "undefined", "tiny gap"],
)
def test_no_number_where_none_would_be_honest(harm, low, high):
    """None rather than a number nobody can act on."""
    assert missing(harm, low, high, 1.0) is None

"""When numbers agree within a tolerance."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.compare.numeric import WithinTolerance

NAN = math.nan
NUMBERS = st.integers(-(10**6), 10**6) | st.floats()


@pytest.mark.parametrize(
    ("champion", "challenger", "agree", "distance"),
    [
        (1, 1.0, True, 0),
        (1.0, 1.25, True, 0.25),
        (1.0, 1.5, False, 0.5),
        ([1.0, 2.0], [1.25, 1.75], True, 0.25),
        ([1.0, 2.0], [1.0, 3.0], False, 1.0),
        ([[1], [2]], [[1], [2.25]], True, 0.25),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1.25}, True, 0.25),
        # different shapes have no distance
        ([1.0], [1.0, 2.0], False, math.inf),
        ([1.0], 1.0, False, math.inf),
        ({"a": 1}, {"b": 1}, False, math.inf),
        # what is no number has to be the same
        ("a", "a", True, 0),
        ("1", 1, False, math.inf),
        (True, 1, False, math.inf),
        (None, None, True, 0),
        (None, 0.0, False, math.inf),
        ([], [], True, 0),
        # not a number
        (NAN, NAN, True, 0),
        (NAN, 1.0, False, math.inf),
        (1.0, NAN, False, math.inf),
        (math.inf, math.inf, True, 0),
        (math.inf, -math.inf, False, math.inf),
        (math.inf, 1.0, False, math.inf),
        # beyond what a float can hold
        (10**400, 10**400, True, 0),
        (10**400, 1, False, math.inf),
        (2**60, 2**60 + 1, False, 1),
    ],
)
def test_agreement_is_element_by_element(champion, challenger, agree, distance):
    """Everything within 0.25 of the champion agrees, and the largest difference is the distance."""
    comparison = WithinTolerance(absolute=0.25)(champion, challenger)

    assert comparison.agree is agree
    assert comparison.distance == distance
    assert bool(comparison.note) is not agree


@given(
    st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=40),
    st.floats(0, 10),
    st.floats(0, 0.5),
)
def test_the_rule_is_that_of_numpy(pairs, absolute, relative):
    """Agreement is `numpy.isclose` with two NaN equal, for short and long arrays."""
    champion, challenger = [float(a) for a, _ in pairs], [float(b) for _, b in pairs]
    with np.errstate(all="ignore"):
        close = np.isclose(challenger, champion, rtol=relative, atol=absolute, equal_nan=True)

    agree = WithinTolerance(absolute, relative)(champion, challenger).agree

    assert agree == bool(close.all())


@given(st.lists(NUMBERS, min_size=16, max_size=40), st.lists(NUMBERS, min_size=16, max_size=40))
def test_long_arrays_are_compared_as_short_ones_are(champion, challenger):
    """The fast way for vectors of floats gives what the slow way gives."""
    n = min(len(champion), len(challenger))
    one, other = [float(x) for x in champion[:n]], [float(x) for x in challenger[:n]]
    same = WithinTolerance(absolute=1, relative=0.1)

    fast, slow = same(one, other), same([*one, "x"], [*other, "x"])

    assert (fast.agree, fast.distance) == (slow.agree, slow.distance)


@given(NUMBERS, NUMBERS)
def test_with_an_absolute_tolerance_the_order_does_not_matter(champion, challenger):
    """Only the relative part refers to the champion."""
    same = WithinTolerance(absolute=1)

    assert same(champion, challenger).agree == same(challenger, champion).agree


def test_the_note_shows_the_element_most_out_of_bounds():
    """One element, with difference and allowance."""
    same = WithinTolerance(absolute=0.01)

    assert same(0.25, 0.5).note == "0.25 -> 0.5 (+0.25, allowed 0.01)"
    assert same({"a": [1.0, 2.0]}, {"a": [1.5, 3.0]}).note == ".a[1]: 2.0 -> 3.0 (+1, allowed 0.01)"
    assert same([0.0] * 20, [0.0] * 19 + [1.0]).note == "[19]: 0.0 -> 1.0 (+1, allowed 0.01)"
    assert same([1], [1, 2]).note == "[1] -> [1, 2]"


@pytest.mark.parametrize("wrong", [{"absolute": -1}, {"relative": NAN}, {"absolute": math.inf}])
def test_a_senseless_tolerance_is_refused(wrong):
    """Tolerances are 0 or more, and finite."""
    with pytest.raises(ValueError, match="must be 0 or more"):
        WithinTolerance(**wrong)

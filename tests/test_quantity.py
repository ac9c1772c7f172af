from __future__ import annotations

import doctest
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import harness.quantity
from harness.quantity import Scale, difference_scale, say, say_bound, say_interval, say_margin


def test_examples_in_the_docstrings_are_true():
    """What the page shows is what comes out."""
    assert doctest.testmod(harness.quantity).failed == 0


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (12.3456, "s", "12.3 s"),
        (0.3, "s", "300 ms"),
        (0.0000031, "s", "3.1 µs"),
        (0.0, "s", "0 ms"),
        (0.963, "fraction", "96.3 %"),
        (0.9995, "fraction", "99.95 %"),
        (1.0, "fraction", "100 %"),
        (0.0002, "fraction", "0.020 %"),
        (0.96, "fraction", "96.0 %"),
        (0.0312, "fraction", "3.1 %"),
        (0.0, "fraction", "0 %"),
        (0.00031, "usd", "0.00031 USD"),
        (12345.6, "tokens", "12,346 tokens"),
        (-0.2, "score", "−0.2"),
        (math.inf, "s", "∞ ms"),
        (math.nan, "score", "?"),
        (None, "s", "–"),
    ],
)
def test_a_level_has_three_digits_and_its_unit(value, unit, said):
    """Three significant digits; shares one decimal, but none is rounded onto 0 or 100 %."""
    assert say(value, unit) == said


@pytest.mark.parametrize(
    ("parts", "scale", "said"),
    [
        ((-0.0234, -0.034, -0.013), Scale(100, " pp"), "−2.3 pp [−3.4, −1.3]"),
        ((250.0, 100.0, 400.0), Scale(1, " tokens"), "+250 tokens [+100, +400]"),
        ((0.0, 0.0, 0.0), Scale(100, " pp"), "0 pp [0, 0]"),
        ((0.01, 0.005, math.inf), Scale(100, " pp"), "+1.00 pp [+0.50, +∞]"),
    ],
)
def test_an_interval_has_the_digits_its_width_supports(parts, scale, said):
    """Two significant digits of the width, and one unit for all three numbers."""
    assert say_interval(*parts, scale, signed=True) == said


def test_fractions_differ_by_percentage_points_and_ratios_by_percent():
    """2 pp and 2 % of a failure rate are a hundredfold apart; they are never written alike."""
    assert say_margin(0.02, "fraction") == "2 pp"
    assert say_margin(0.02, "s", relative=True) == "2 %"
    assert say_bound(0.05, "fraction") == "5 %"


@given(st.floats(-10, 10), st.floats(0.001, 10), st.floats(0.001, 10))
def test_a_bound_is_said_on_the_side_it_lies(middle, below, above):
    """A passing bound, more than a thousandth of the width from the margin, never reads as it."""
    low, high = middle - below, middle + above
    margin = high + 0.002 * (high - low)
    scale = difference_scale("score")

    said = say_interval(middle, low, high, scale, signed=True, beside=(margin,))

    shown = float(said.rstrip("]").split(", ")[1].replace("−", "-"))
    assert shown < margin

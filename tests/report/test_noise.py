"""One line says what is noise and what is beyond it."""

from dataclasses import replace

from harness.report.noise import noise_lines
from harness.verdict import NoiseFloor

FLOOR = NoiseFloor(
    comparison="body",
    raw=0.141,
    floor=0.12,
    challenger_floor=None,
    excess=0.021,
    excess_low=-0.002,
    excess_high=0.044,
    p_swap=0.07,
    signal_share=0.024,
    n_pairs=1200,
    n_clusters=600,
)


def line(**changes):
    (said,) = noise_lines((replace(FLOOR, **changes),))
    return said


def test_floor_raw_and_excess_are_said_with_the_interval():
    """Shares in percent, their difference in points."""
    assert line() == (
        "body differs 12.0 % from itself, 14.1 % from the challenger: +2.1 pp [−0.2, +4.4]; "
        "1,200 requests asked twice"
    )


def test_a_challenger_that_was_asked_twice_has_its_own_noise():
    """What it differs from itself stands beside what it differs from the champion."""
    assert "14.1 % from the challenger (which differs 3.0 % from itself): " in line(
        challenger_floor=0.03
    )


def test_without_bounds_there_is_no_interval():
    """Nothing is made up where the run is looked at again and again."""
    assert ": +2.10 pp; 1,200" in line(excess_low=None, excess_high=None)


def test_nobody_asked_twice_says_nothing():
    """No line, rather than a line of zeros."""
    assert list(noise_lines(None)) == list(noise_lines(())) == []


def test_a_name_cannot_break_the_line():
    """A comparison's name is the user's text."""
    assert "\n" not in line(comparison="a\nb")

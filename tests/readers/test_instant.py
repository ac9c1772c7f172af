"""Moments as text and as nanoseconds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.readers import instant

NOON = 1_748_779_200 * 10**9


@pytest.mark.parametrize(
    ("text", "at_ns"),
    [
        ("2025-06-01T12:00:00Z", NOON),
        ("2025-06-01t12:00:00z", NOON),
        ("2025-06-01 12:00:00+00:00", NOON),
        ("2025-06-01T14:00:00+02:00", NOON),
        ("2025-06-01T06:30:00-0530", NOON),
        ("2025-06-01T12:00:00.000000001Z", NOON + 1),
        # a comma is ISO 8601 too; what is finer than a nanosecond is dropped
        ("2025-06-01T12:00:00,1234567899Z", NOON + 123_456_789),
        # a leap second is the next second of Unix time
        ("2016-12-31T23:59:60Z", 1_483_228_800 * 10**9),
        ("1969-12-31T23:59:59.5Z", -500_000_000),
    ],
)
def test_moments_are_read_to_the_nanosecond(text, at_ns):
    """Zone and fraction count."""
    assert instant.parse(text) == at_ns


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2025-06-01",
        "2025-06-01T12:00:00",  # no zone: which noon?
        "2025-13-01T12:00:00Z",
        "2025-06-01T24:00:00Z",
        "2025-06-01T12:00:61Z",
        "2025-06-01T12:00:00+25:00",
        "0001-01-01T00:00:00Z",  # does not fit 64 bits
        "9999-01-01T00:00:00Z",
        "٢٠٢٥-06-01T12:00:00Z",
    ],
)
def test_what_is_no_moment_is_refused(text):
    """Nothing is guessed."""
    with pytest.raises(ValueError, match="is "):
        instant.parse(text)


@given(st.integers(instant.MIN_NS + 10**9, instant.MAX_NS))
def test_rendering_and_parsing_are_inverse(at_ns):
    """All 64 bits survive."""
    assert instant.parse(instant.render(at_ns)) == at_ns


def test_only_a_later_end_makes_a_duration():
    """Zero and less are no measurement."""
    assert instant.seconds_between(10, 1_000_000_010) == 1.0
    assert instant.seconds_between(10, 10) is None
    assert instant.seconds_between(10, 9) is None

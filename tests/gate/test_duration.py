"""How much time live traffic covers."""

import pytest

from harness.gate.duration import Span, covered_s, seconds_to_come

H = 3_600_000_000_000


@pytest.mark.parametrize(
    ("spans", "hours"),
    [
        ([], 0),
        ([Span(5 * H, 5 * H)], 0),
        ([Span(0, 24 * H)], 24),
        ([Span(0, 5 * H), Span(0, 5 * H)], 5),
        ([Span(0, 9 * H), Span(2 * H, 3 * H), Span(8 * H, 10 * H)], 10),
        ([Span(30 * H, 31 * H), Span(0, 2 * H)], 3),
    ],
    ids=["none", "one request", "a day", "two replicas", "one within another", "a gap"],
)
def test_time_is_covered_once_and_gaps_are_not(spans, hours):
    """Replicas run side by side; a night without a sidecar is not a night seen."""
    assert covered_s(spans) == hours * 3600
    assert seconds_to_come(86_400, spans) == 86_400 - hours * 3600


def test_more_than_enough_leaves_nothing_to_come():
    """A run may be longer than asked for."""
    assert seconds_to_come(3600.0, [Span(0, 2 * H)]) == 0.0
    assert seconds_to_come(0.0, []) == 0.0

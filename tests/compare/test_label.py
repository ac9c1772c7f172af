"""When two labels are the same."""

import pytest

from harness.compare.comparison import Comparison
from harness.compare.label import SameLabel


@pytest.mark.parametrize(
    ("champion", "challenger"),
    [(7, 7), (7, 7.0), ("cat", "cat"), (None, None), (True, True), (["a", 1], ["a", 1.0])],
)
def test_same_values_agree(champion, challenger):
    """Labels agree by value; a list of labels by its elements in order."""
    assert SameLabel()(champion, challenger) == Comparison(0.0, agree=True)


@pytest.mark.parametrize(
    ("champion", "challenger", "note"),
    [
        (7, "7", '7 -> "7"'),
        (1, True, "1 -> true"),
        (None, 0, "null -> 0"),
        (["a", "b"], ["b", "a"], '["a", "b"] -> ["b", "a"]'),
        ([True], [1], "[true] -> [1]"),
        ("cat", ["cat"], '"cat" -> ["cat"]'),
        ("x" * 100, "y", f'"{"x" * 60}…" -> "y"'),
    ],
)
def test_other_values_differ_by_one(champion, challenger, note):
    """Types count, and the note shows both."""
    assert SameLabel()(champion, challenger) == Comparison(1.0, agree=False, note=note)

"""A path that finds nothing is told from an answer that lacks something."""

from harness.measure.unmatched import unmatched_paths
from tests.measure.tables import values

ASKED = {"has_label": True, "outputs": (), "comparisons": ()}


def test_a_label_that_no_answer_has_is_a_mistake():
    """All answers were read, and none had it."""
    rows = [{"champion_label": None} for _ in range(3)]

    assert unmatched_paths(values(*rows), **ASKED) == {"output.label": 3}


def test_one_answer_that_has_it_is_enough():
    """The path is right; others may lack the label."""
    rows = [{"champion_label": None}, {"champion_label": "7"}]

    assert unmatched_paths(values(*rows), **ASKED) == {}


def test_without_an_answer_nothing_is_known():
    """A champion that failed on every request says nothing about the path."""
    rows = [
        {"champion_label": None, "champion_failed": True, "champion_failure": "timeout"}
        for _ in range(3)
    ]

    assert unmatched_paths(values(*rows), **ASKED) == {}
    assert unmatched_paths(values(*rows).clear(), **ASKED) == {}

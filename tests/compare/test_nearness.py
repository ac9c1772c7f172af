"""What every comparator promises."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import plugins
from harness.compare.format import SameFormat
from harness.compare.label import SameLabel
from harness.compare.nearness import checked_within, within_reach
from harness.compare.numeric import WithinTolerance
from harness.compare.probabilities import SameProbabilities
from harness.compare.ranking import SameRanking
from harness.compare.structure import SameStructure
from harness.compare.text import SameText
from harness.compare.tool_calls import SameCalls
from harness.compare.vector import SameDirection

ALL = {
    "label": [SameLabel()],
    "numeric": [WithinTolerance()],
    "structure": [SameStructure()],
    "probabilities": [SameProbabilities()],
    "ranking": [SameRanking(by=by) for by in ("overlap", "rbo", "kendall")],
    "text": [
        SameText(by=by) for by in ("exact", "normalized", "words", "word_set", "edit", "length")
    ],
    "format": [SameFormat(json_schema={}), SameFormat(pattern="a+")],
    "vector": [SameDirection()],
    "tool_calls": [SameCalls(), SameCalls(order="any")],
}
COMPARATORS = [one for ones in ALL.values() for one in ones]

scalars = st.none() | st.booleans() | st.integers(-9, 9) | st.floats() | st.text(max_size=6)
json_values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
) | st.lists(st.floats(0, 1), min_size=1, max_size=5)


def test_every_comparator_is_held_to_the_promises():
    """Whoever adds one adds it above."""
    assert set(ALL) == set(plugins.names(plugins.COMPARATORS))


@pytest.mark.parametrize("compare", COMPARATORS, ids=repr)
@settings(deadline=None, max_examples=30)
@given(value=json_values)
def test_a_value_agrees_with_itself(compare, value):
    """Equal inputs are at distance 0, whatever they are."""
    compared = compare(value, value)

    assert (compared.distance, compared.agree, compared.note) == (0.0, True, "")


@pytest.mark.parametrize("compare", COMPARATORS, ids=repr)
@settings(deadline=None, max_examples=60)
@given(champion=json_values, challenger=json_values)
def test_any_two_values_can_be_compared(compare, champion, challenger):
    """A distance is never negative nor NaN, and who disagrees is told in one line."""
    compared = compare(champion, challenger)

    assert compared.distance >= 0
    assert not math.isnan(compared.distance)
    assert bool(compared.note) is not compared.agree
    assert "\n" not in compared.note


def test_agreement_reaches_as_far_as_it_is_told():
    """Up to and including the distance, which nobody has to know to the last bit."""
    assert within_reach(1 - 0.9, 0.1).agree
    assert not within_reach(0.1001, 0.1).agree
    assert within_reach(0.3, 0.1).note == "0.3 apart, allowed 0.1"


@pytest.mark.parametrize("within", [-0.1, math.inf, math.nan])
def test_a_reach_that_is_none_is_refused(within):
    """It would make all or nothing agree."""
    with pytest.raises(ValueError, match=r"within is .*, must be 0 or more"):
        checked_within(within)

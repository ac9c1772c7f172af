"""Texts."""

from collections import Counter
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.compare.text import SameText, normalized

words = st.lists(st.sampled_from(["a", "bb", "Ä", "c1", "-"]), max_size=6).map(" ".join)


def levenshtein(one, other):
    """The textbook table (Wagner and Fischer 1974)."""
    row = list(range(len(other) + 1))
    for i, x in enumerate(one, start=1):
        diagonal, row[0] = row[0], i
        for j, y in enumerate(other, start=1):
            diagonal, row[j] = row[j], min(diagonal + (x != y), row[j] + 1, row[j - 1] + 1)
    return row[-1]


@settings(deadline=None)
@given(one=words, other=words)
def test_edits_are_those_of_the_textbook(one, other):
    """By the length of the longer text, both normalized."""
    a, b = normalized(one), normalized(other)
    expected = levenshtein(a, b) / max(len(a), len(b), 1)

    assert SameText(by="edit")(one, other).distance == pytest.approx(expected)


@settings(deadline=None)
@given(one=words, other=words)
def test_words_in_common_are_counted_as_defined(one, other):
    """F1 of precision and recall, and Jaccard's index, both over words and not over signs."""
    here, there = ([w for w in normalized(t).split() if w != "-"] for t in (one, other))
    if here or there:
        common = sum(min(n, Counter(there)[w]) for w, n in Counter(here).items())
        precision, recall = common / max(len(here), 1), common / max(len(there), 1)
        f1 = 2 * precision * recall / (precision + recall) if common else 0.0
        jaccard = len({*here} & {*there}) / len({*here, *there})

        assert SameText(by="words")(one, other).distance == pytest.approx(1 - f1)
        assert SameText(by="word_set")(one, other).distance == pytest.approx(1 - jaccard)


@pytest.mark.parametrize(
    ("by", "one", "other", "distance"),
    [
        ("exact", "Yes", "yes", 1),
        ("normalized", " Yes,\n sure", "yes, SURE", 0),
        ("normalized", "\ufb01ne \u2460", "fine 1", 0),  # compatibility forms
        ("normalized", "Straße", "STRASSE", 0),
        ("normalized", "yes.", "yes", 1),
        ("words", "yes.", "Yes!", 0),
        ("words", "?!", "!!", 1),
        ("words", "?!", "?! ", 0),
        ("length", "abcd", "a", 0.75),
        ("length", "", "a", 1),
    ],
)
def test_texts_are_as_far_apart_as_they_should_be(by, one, other, distance):
    """By hand, and the same the other way round."""
    assert SameText(by=by)(one, other).distance == pytest.approx(distance)
    assert SameText(by=by)(other, one).distance == pytest.approx(distance)


def test_what_is_no_text_differs_from_one():
    """7 is not "7", and true is not 1."""
    for one, other in product(["7", 7, True, 1, None, ["7"]], repeat=2):
        agree = SameText(by="words", within=0.5)(one, other).agree
        assert agree is (type(one) is type(other) and one == other)


def test_two_texts_that_differ_are_shown():
    """Rather than a number alone."""
    assert SameText()("a", "b").note == '"a" -> "b"'


def test_a_distance_nobody_knows_is_refused():
    """With those that there are."""
    with pytest.raises(
        ValueError, match="by is 'meaning', must be one of exact, normalized, words"
    ):
        SameText(by="meaning")

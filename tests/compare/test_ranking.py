"""Rankings, checked against SciPy and against published examples."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kendalltau

from harness.compare.ranking import MOST_ITEMS, SameRanking, rank_biased_overlap, tau_b


def test_rank_biased_overlap_is_as_published():
    """The example lists of Webber et al. 2010, with the agreement at each depth as printed there.

    What was seen is weighed by depth, and the agreement at the end goes on for ever.
    """
    agreement = [0, 0, 2 / 3, 1 / 2, 2 / 5, 1 / 3, 2 / 7]
    p = 0.9
    expected = (1 - p) * sum(p**d * a for d, a in enumerate(agreement)) + agreement[-1] * p**7

    found = rank_biased_overlap(list("abcdefg"), list("zcavwxy"), p)

    assert found == pytest.approx(expected)


@pytest.mark.parametrize("p", [0.5, 0.9])
def test_nothing_more_than_the_beginning_is_known_of_identical_lists(p):
    """Their overlap is 1, whatever their length; that of lists without a common item 0."""
    assert rank_biased_overlap(list("abc"), list("abc"), p) == pytest.approx(1)
    assert rank_biased_overlap(list("abc"), list("xyz"), p) == 0


items = st.lists(st.integers(0, 12), min_size=1, max_size=8, unique=True)


@settings(deadline=None)
@given(one=items, other=items, p=st.floats(0.1, 0.95))
def test_extrapolation_assumes_that_agreement_goes_on(one, other, p):
    """Against the definition summed to great depth, with agreement as equation 32 assumes it.

    Beyond the shorter list's end its unseen items overlap with the longer one as its seen ones did.
    """
    short, long = sorted((one, other), key=len)
    s, n = len(short), len(long)
    x_s = len({*short} & {*long[:s]})
    total = 0.0
    for d in range(1, 2000):
        if d <= s:
            agreement = len({*short[:d]} & {*long[:d]}) / d
        elif d <= n:
            agreement = (len({*short} & {*long[:d]}) + x_s * (d - s) / s) / d
        total += (1 - p) * p ** (d - 1) * agreement

    assert rank_biased_overlap(one, other, p) == pytest.approx(total, abs=1e-9)


scores = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 3), min_size=2)


@settings(deadline=None)
@given(data=st.data(), one=scores)
def test_tau_is_that_of_scipy(data, one):
    """With ties, over the same items."""
    other = {item: data.draw(st.integers(0, 3)) for item in one}
    expected = kendalltau([*one.values()], [*other.values()], variant="b").statistic

    found = tau_b({k: float(v) for k, v in one.items()}, {k: float(v) for k, v in other.items()})

    if math.isnan(expected):  # one side is all tied, or both
        tied = [len({*side.values()}) == 1 for side in (one, other)]
        assert found == (1.0 if all(tied) else 0.0)
    else:
        assert found == pytest.approx(expected)


@pytest.mark.parametrize(
    ("compare", "champion", "challenger", "distance"),
    [
        # two of the first three
        (SameRanking(k=3), list("abcd"), list("cbxd"), 1 / 3),
        # all of it: order does not matter, length does
        (SameRanking(), list("ab"), list("ba"), 0),
        (SameRanking(), list("ab"), list("abcd"), 0.5),
        # an item again is no other item; 1 is 1.0 and not "1"
        (SameRanking(), ["a", "a", "b"], ["a", "b"], 0),
        (SameRanking(), [1, 2], [1.0, 2.0], 0),
        (SameRanking(), [1, 2], ["1", "2"], 1),
        # scores are ranks; the order of keys is nothing
        (SameRanking(by="kendall"), {"a": 9, "b": 1}, {"b": 1, "a": 5}, 0),
        (SameRanking(by="kendall"), {"a": 9, "b": 1}, {"b": 9, "a": 1}, 1),
        # a list against scores
        (SameRanking(by="rbo"), ["a", "b"], {"b": 1, "a": 2}, 0),
        # what one side lacks is tied at its end: of 6 pairs 5 ordered alike, 1 tied
        (SameRanking(by="kendall"), list("abcd"), list("ab"), (1 - 5 / math.sqrt(30)) / 2),
        # nothing on one side
        (SameRanking(by="rbo"), [], ["a"], 1),
        (SameRanking(), [], [], 0),
    ],
)
def test_rankings_are_as_far_apart_as_they_should_be(compare, champion, challenger, distance):
    """By hand."""
    assert compare(champion, challenger).distance == pytest.approx(distance)
    assert compare(challenger, champion).distance == pytest.approx(distance)


def test_what_is_no_ranking_is_infinitely_far():
    """A text is none, nor are scores that are no numbers."""
    assert SameRanking()("abc", ["a"]).distance == math.inf
    assert SameRanking()({"a": "high"}, {"a": 1}).distance == math.inf


def test_too_many_items_are_refused():
    """They would be looked at two by two; the remedy is told."""
    with pytest.raises(ValueError, match="set k"):
        SameRanking(by="kendall")(list(range(MOST_ITEMS + 1)), [1])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"by": "tau"}, "by is 'tau', must be overlap, rbo or kendall"),
        ({"k": 0}, "k is 0, must be 1 or more"),
        ({"p": 1.0}, "p is 1, must be between 0 and 1"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, said):
    """With the value and what is allowed."""
    with pytest.raises(ValueError, match=said):
        SameRanking(**options)

import numpy as np
import pytest

from harness.stats.multiplicity import benjamini_hochberg, benjamini_yekutieli, e_bh, holm


def test_one_question_needs_no_adjustment():
    """A single p-value stays what it is."""
    for adjust in (holm, benjamini_hochberg, benjamini_yekutieli):
        assert adjust([0.03]).tolist() == pytest.approx([0.03])


def test_no_question_needs_none_either():
    """No p-values in, none out."""
    for adjust in (holm, benjamini_hochberg, benjamini_yekutieli):
        assert adjust([]).size == 0
    assert e_bh([], rate=0.1).size == 0


def test_holm_keeps_order_and_stops_at_one():
    """A larger p-value never gets a smaller adjusted one, and none exceeds 1."""
    given = np.random.default_rng(1).random(30)

    adjusted = holm(given)

    assert (np.diff(adjusted[np.argsort(given)]) >= 0).all()
    assert (adjusted >= given).all()
    assert adjusted.max() <= 1


def test_e_values_below_the_bar_can_be_finds_in_company():
    """With four of five large, the fourth needs only 5/4 of what one alone needs."""
    assert e_bh([13, 13, 13, 13, 0], rate=0.1).tolist() == [True] * 4 + [False]
    assert not e_bh([13, 0, 0, 0, 0], rate=0.1).any()

"""Grades, checked against scikit-learn."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, log_loss, ndcg_score

from harness.measure.grading import Brier, LogLoss, Ndcg

gains = st.lists(st.integers(0, 4), min_size=2, max_size=7).filter(any)


@settings(deadline=None, max_examples=50)
@given(data=st.data(), gain_of=gains, k=st.integers(1, 8))
def test_ndcg_is_that_of_scikit_learn(data, gain_of, k):
    """Graded relevance, to any depth; a list gives the order, the truth the gains."""
    order = data.draw(st.permutations(range(len(gain_of))))
    scores = np.zeros((1, len(gain_of)))
    scores[0, order] = np.arange(len(gain_of), 0, -1)
    truth = {f"item {i}": gain for i, gain in enumerate(gain_of)}

    found = Ndcg(k)([f"item {i}" for i in order], truth)

    assert found == pytest.approx(ndcg_score([gain_of], scores, k=k))


def test_probabilities_are_scored_as_scikit_learn_does():
    """Of each answer; the mean over answers is the score of a set of answers."""
    p = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6], [0.2, 0.5, 0.3]])
    truth = [0, 2, 2]

    briers = [Brier()(list(row), y) for row, y in zip(p.tolist(), truth, strict=True)]
    losses = [LogLoss()(list(row), y) for row, y in zip(p.tolist(), truth, strict=True)]

    assert np.mean(briers) == pytest.approx(
        brier_score_loss(truth, p, labels=[0, 1, 2], scale_by_half=False)
    )
    assert np.mean(losses) == pytest.approx(log_loss(truth, p, labels=[0, 1, 2]))


def test_one_number_is_the_probability_of_yes():
    """As binary classifiers answer."""
    p, truth = [0.9, 0.2, 0.4], [1, 0, 1]

    briers = [Brier()(x, bool(y)) for x, y in zip(p, truth, strict=True)]
    losses = [LogLoss()(x, y) for x, y in zip(p, truth, strict=True)]

    assert np.mean(briers) == pytest.approx(brier_score_loss(truth, p))
    assert np.mean(losses) == pytest.approx(log_loss(truth, p))


@pytest.mark.parametrize(
    ("grade", "found", "truth"),
    [
        (Brier(), "yes", "yes"),
        (Brier(), {"a": 1.5}, "a"),
        (Brier(), {}, "a"),
        (Brier(), 0.5, "a"),
        (Brier(), {"a": 1.0}, ["a"]),
        (LogLoss(), 0.5, 7),
        (LogLoss(), [True, False], 0),
        (Ndcg(), "abc", ["a"]),
        (Ndcg(), ["a"], "a"),
        (Ndcg(), ["a"], {"a": -1}),
        (Ndcg(), ["a"], {"a": 0}),
        (Ndcg(), ["a"], []),
    ],
)
def test_what_cannot_be_graded_is_missing(grade, found, truth):
    """None is not a bad grade."""
    assert grade(found, truth) is None


def test_a_true_label_nobody_thought_of_has_probability_0():
    """The worst there is, and still a number."""
    assert Brier()({"a": 1.0}, "b") == 2.0
    assert LogLoss()({"a": 1.0}, "b") == pytest.approx(36.04, abs=0.01)
    assert LogLoss()(0.0, 1) == pytest.approx(-math.log(2.0**-52))


def test_items_are_named_as_keys_are():
    """Numbers are graded by an object, whose keys are texts; a repeated item counts once."""
    assert Ndcg()([7, 7, 8], {"7": 1, "8": 1}) == pytest.approx(1.0)


def test_places_are_counted_from_one():
    """0 would grade nothing."""
    with pytest.raises(ValueError, match="k is 0, must be 1 or more"):
        Ndcg(k=0)

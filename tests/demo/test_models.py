"""Each challenger has the place beside the champion that the demo says it has."""

import pytest

from harness.demo.dataset import BRIGHTEST, split
from harness.demo.models import CHAMPION, MODELS, fitted


@pytest.fixture(scope="module")
def right():
    """For each model, which of the asked images it has right."""
    halves = split()
    pixels = halves.asked.pixels / BRIGHTEST
    return {
        name: fitted(name, halves.training).predict_proba(pixels).argmax(axis=1)
        == halves.asked.labels
        for name in MODELS
    }


def test_nearest_neighbours_is_better_beyond_doubt(right):
    """It wins at least four times the images it loses: enough for four challengers' Holm."""
    wins = (right["knn"] & ~right[CHAMPION]).sum()
    losses = (~right["knn"] & right[CHAMPION]).sum()

    assert wins >= 20
    assert wins >= 4 * losses


def test_a_thousandfold_penalty_is_worse_beyond_doubt(right):
    """It is wrong by at least eight points more."""
    assert right["logreg-weak"].mean() < right[CHAMPION].mean() - 0.08


def test_a_weaker_penalty_is_better_by_less_than_can_be_proved(right):
    """A little ahead, within one standard error of nothing: neither promoted nor rejected."""
    wins = (right["logreg-strong"] & ~right[CHAMPION]).sum()
    losses = (~right["logreg-strong"] & right[CHAMPION]).sum()

    assert wins > losses
    assert (wins - losses) ** 2 < wins + losses


def test_gradient_boosting_is_as_right_as_the_champion(right):
    """What it is rejected for is not its accuracy."""
    assert right["gradient-boosting"].mean() == pytest.approx(right[CHAMPION].mean(), abs=0.01)


def test_an_unknown_model_is_named():
    """A name that is not in the table is a KeyError with that name."""
    with pytest.raises(KeyError, match="perceptron"):
        fitted("perceptron", split().training)

import numpy as np
import pytest

from harness.metric import Better
from harness.stats.planning import clusters_needed
from harness.verdict import Estimate
from tests.stats.builders import answers, ask_mean, ask_proportion


def normal_pairs(rng, n, harm):
    champion = rng.normal(0, 1, n)
    return champion, champion + rng.normal(harm, 1, n)


def test_that_many_clusters_pass_four_times_in_five():
    """Planned from a pilot at its own harm and spread, about 80 % of runs pass."""
    rng = np.random.default_rng(1)
    champion, challenger = normal_pairs(rng, 3000, 0.0)
    ask = {"null": 0.15, "bounded": True}
    pilot = ask_mean(champion, challenger - (challenger - champion).mean() + 0.05, **ask)

    needed = clusters_needed(pilot)

    passed = sum(
        ask_mean(*normal_pairs(rng, needed, 0.05), **ask).p_value < 0.05 for _ in range(300)
    )
    assert 500 < needed < 750
    assert 0.7 < passed / 300 < 0.9


def test_a_harm_at_the_margin_needs_no_number():
    """No realistic amount of data tells apart what is the same."""
    champion, challenger = normal_pairs(np.random.default_rng(2), 200, 0.5)
    seen = ask_mean(champion, challenger, null=0.15).harm

    assert clusters_needed(ask_mean(champion, challenger, null=seen + 1e-4)) is None


def test_a_harm_above_the_margin_settles_as_a_fail():
    """As far above the margin as below it, the same number of clusters is needed."""
    champion, challenger = normal_pairs(np.random.default_rng(2), 200, 0.5)
    seen = ask_mean(champion, challenger, null=0.15).harm

    above, below = (
        clusters_needed(ask_mean(champion, challenger, null=seen + gap)) for gap in (-0.05, 0.05)
    )

    assert above == pytest.approx(below, abs=1)


def test_it_works_for_silent_proportions():
    """With no discordant pair the score itself says how many clusters would do."""
    same = np.ones(100)
    found = ask_proportion(same, same, better=Better.HIGHER, null=0.01)

    needed = clusters_needed(found)

    more = np.ones(needed)
    assert found.p_value > 0.05
    assert ask_proportion(more, more, better=Better.HIGHER, null=0.01).p_value < 0.05


def test_what_passes_clearly_needs_no_more():
    """A rule that passed with room to spare needs fewer clusters than there are."""
    champion, challenger, codes = answers(
        np.random.default_rng(3), 8000, n_clusters=800, loss=0.01, win=0.02
    )
    found = ask_proportion(champion, challenger, codes, better=Better.HIGHER, null=0.02)

    assert isinstance(found, Estimate)
    assert 8 <= clusters_needed(found) < 800


@pytest.mark.parametrize("power", [0.5, 0.8, 0.95])
def test_more_power_needs_more_clusters(power):
    """The number grows with the power asked for."""
    champion, challenger = normal_pairs(np.random.default_rng(4), 100, 0.0)
    found = ask_mean(champion, challenger, null=0.3, bounded=True)

    assert clusters_needed(found, power=power) <= clusters_needed(found, power=0.99)

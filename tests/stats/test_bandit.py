"""Shares of the traffic by what arms are likely worth, and what they were worth in the end."""

import numpy as np
import pytest

from harness.stats.bandit import Floors, aipw_scores, chances_best, is_stopped, shares, ucb1
from harness.stats.posterior import Posterior, chance_better


def test_two_arms_are_a_comparison_of_posteriors():
    """The chance to be the best of two is the chance to be better than the other."""
    champion, challenger = Posterior.of(80, 20), Posterior.of(90, 12)

    found = chances_best([champion, challenger])

    assert found[1] == pytest.approx(chance_better(champion, challenger), abs=1e-6)
    assert found.sum() == pytest.approx(1)


def test_three_arms_agree_with_drawing_from_them():
    """As many draws as it takes say the same."""
    arms = [Posterior.of(40, 10), Posterior.of(45, 9), Posterior.of(20, 3)]
    draws = np.random.default_rng(1).beta(
        [arm.a for arm in arms], [arm.b for arm in arms], (400_000, 3)
    )

    best = np.bincount(draws.argmax(axis=1), minlength=3) / len(draws)

    assert chances_best(arms) == pytest.approx(best, abs=0.004)


def test_nobody_starves():
    """A champion that surely loses keeps its tenth, and a hopeless arm its floor."""
    champion, good, bad = Posterior.of(500, 500), Posterior.of(900, 100), Posterior.of(10, 990)

    found = shares([champion, good, bad], Floors(champion=0.1, each=0.03))

    assert found == pytest.approx([0.1, 0.87, 0.03], abs=1e-6)
    assert found.sum() == pytest.approx(1)


def test_floors_that_leave_nothing_are_refused():
    """Twenty arms of five percent beside a tenth are more than all."""
    with pytest.raises(ValueError, match="together at most 1"):
        Floors(0.1, 0.05).of(21)


def test_harm_stops_an_arm_whatever_it_earns():
    """One over the error is an alarm."""
    assert is_stopped(20.0, alpha=0.05)
    assert not is_stopped(19.0, alpha=0.05)


def test_the_upper_bound_asks_the_unknown_first():
    """Then what could be best: few trials count for much."""
    assert ucb1([5, 0, 9], [10, 0, 10]) == 1
    assert ucb1([50, 3], [100, 5]) == 1
    assert ucb1([900, 3], [1000, 1000]) == 0


def test_scores_are_right_where_plain_means_are_not():
    """Two equal arms, the next batch mostly for whoever did better so far: the unlucky one's mean
    stays too low, and its scores do not."""
    rng, plain, scored = np.random.default_rng(2), [], []
    for _ in range(400):
        share, outcomes, is_arm, propensity = 0.5, [], [], []
        won, asked = np.ones(2), np.full(2, 2.0)
        for _ in range(12):
            arm = rng.random(25) < share
            got = (rng.random(25) < 0.5).astype(float)
            outcomes.append(got)
            is_arm.append(arm)
            propensity.append(np.full(25, share))
            won += [got[~arm].sum(), got[arm].sum()]
            asked += [(~arm).sum(), arm.sum()]
            share = 0.95 if won[1] / asked[1] > won[0] / asked[0] else 0.05
        got, arm = np.concatenate(outcomes), np.concatenate(is_arm)
        plain.append(got[arm].mean() if arm.any() else 0.5)
        scored.append(
            aipw_scores(got, arm, np.concatenate(propensity), np.full(got.size, 0.4)).mean()
        )

    error = np.std(scored) / np.sqrt(len(scored))
    assert np.mean(scored) == pytest.approx(0.5, abs=3 * error)
    assert np.mean(plain) < 0.5 - 3 * np.std(plain) / np.sqrt(len(plain))


def test_a_share_that_was_not_logged_is_refused():
    """Without the share an arm had nothing can be put right."""
    with pytest.raises(ValueError, match="log the share"):
        aipw_scores(np.ones(1), np.ones(1, bool), np.zeros(1), np.zeros(1))

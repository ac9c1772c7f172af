import numpy as np
import pytest
from scipy import stats

from harness.metric import Better
from harness.stats.tango import Discordance
from harness.verdict import Estimate, Unavailable
from tests.stats.builders import answers, ask_proportion


@pytest.fixture
def rng():
    return np.random.default_rng(21)


def table(both, wins, losses, neither):
    """Champion and challenger, 1 for right, with that many pairs of each kind."""
    champion = np.repeat([1.0, 0.0, 1.0, 0.0], [both, wins, losses, neither])
    challenger = np.repeat([1.0, 1.0, 0.0, 0.0], [both, wins, losses, neither])
    return champion, challenger


def test_independent_pairs_are_tangos_score():
    """Without clusters the bounds and p-values are Tango's, with a t quantile."""
    champion, challenger = table(300, 20, 12, 68)

    found = ask_proportion(champion, challenger, better=Better.HIGHER, null=0.02)

    seen, t = Discordance(20, 12, 400), stats.t(found.df)
    assert found.harm == pytest.approx(-8 / 400)
    assert found.harm_high == pytest.approx(-seen.lower(t.ppf(0.95)))
    assert found.harm_low == pytest.approx(-seen.upper(t.ppf(0.95)))
    assert found.p_value == pytest.approx(t.sf(seen.score(-0.02)))
    assert found.p_harm == pytest.approx(t.cdf(seen.score(-0.02)))
    assert (found.champion, found.challenger, found.deff) == (0.78, 0.8, 1.0)


def test_failures_are_the_same_question_turned():
    """A failure rate is better lower: counting failures or successes gives the same harm."""
    champion, challenger = table(300, 20, 12, 68)

    right = ask_proportion(champion, challenger, better=Better.HIGHER)
    wrong = ask_proportion(1 - champion, 1 - challenger, better=Better.LOWER)

    assert (right.harm, right.harm_high, right.p_value) == pytest.approx(
        (wrong.harm, wrong.harm_high, wrong.p_value)
    )


@pytest.mark.parametrize(("n_pairs", "passes"), [(200, False), (300, True)])
def test_no_discordant_pair_passes_only_with_enough_of_them(n_pairs, passes):
    """Zero differences show at most one point only from about 270 pairs on."""
    same = np.ones(n_pairs)

    found = ask_proportion(same, same, null=0.01)

    assert (found.p_value < 0.05) is passes
    assert (found.harm_high < 0.01) is passes
    assert found.p_harm > 0.5
    assert str(found.harm) == "0.0"


def test_no_discordant_pair_never_shows_an_improvement():
    """With nothing different, superiority has nothing to go by, and neither has harm."""
    same = np.ones(500)

    found = ask_proportion(same, same, null=0.0)

    assert (found.p_value, found.p_harm) == (1.0, 1.0)


def test_all_losses_are_certain_harm():
    """When the challenger loses every pair nothing passes and harm is sure, without NaN."""
    found = ask_proportion(np.ones(60), np.zeros(60), better=Better.HIGHER, null=0.02)

    assert found.harm == found.harm_high == 1.0
    assert found.p_value == pytest.approx(1.0)
    assert found.p_harm < 1e-6
    assert found.harm_low > 0.9


def test_a_margin_of_zero_is_superiority():
    """Non-inferiority with margin 0 is McNemar's one-sided test."""
    champion, challenger = table(300, 30, 12, 58)

    found = ask_proportion(champion, challenger, better=Better.HIGHER, null=0.0)

    assert found.p_value == pytest.approx(stats.t.sf(18 / 42**0.5, found.df))


def test_pairs_of_a_user_do_not_count_for_themselves(rng):
    """The same answers in clusters that lose and win together give a wider interval."""
    champion, challenger, codes = answers(rng, 4000, n_clusters=200, loss=0.1, win=0.1, spread=0.1)

    apart = ask_proportion(champion, challenger, better=Better.HIGHER)
    together = ask_proportion(champion, challenger, codes, better=Better.HIGHER)

    assert together.deff > 1.3
    assert together.harm_high > apart.harm_high
    assert together.harm == apart.harm


def test_few_clusters_that_differ_make_clusters_the_units():
    """Below twenty differing clusters deff is at least pairs per cluster, and we say why."""
    champion = np.ones(1000)
    challenger = champion.copy()
    challenger[[3, 213, 713]] = 0
    codes = np.repeat(np.arange(100), 10)

    found = ask_proportion(champion, challenger, codes, better=Better.HIGHER, null=0.02)

    assert found.deff >= 10
    assert found.p_value > 0.05
    assert found.warnings == (
        "the sides differ in 3 clusters only, too few to learn how alike pairs of a cluster are: "
        "each cluster counts as one pair",
    )


def test_silent_clusters_count_once_each():
    """No difference in 1000 pairs of 100 users is evidence of 100, not of 1000."""
    same = np.ones(1000)

    found = ask_proportion(same, same, np.repeat(np.arange(100), 10), null=0.01)

    assert found.deff == 10.0
    assert found.p_value > 0.05


def test_too_few_clusters_hold():
    """Seven clusters hold, and so does a cluster with nearly everything."""
    found = ask_proportion(np.ones(70), np.ones(70), np.repeat(np.arange(7), 10))

    assert isinstance(found, Unavailable)
    assert found.clusters_missing == 1


def test_unknown_answers_are_left_out_and_counted():
    """NaN is a pair without truth, not a wrong answer."""
    champion, challenger = table(30, 5, 5, 10)
    champion[0] = np.nan

    found = ask_proportion(champion, challenger)

    assert (found.n_pairs, found.n_left_out) == (49, 1)


def test_wrong_questions_are_refused():
    """Values other than 0 and 1, and relative margins, are mistakes of the caller."""
    with pytest.raises(ValueError, match=r"0\.5 among yes-or-no values"):
        ask_proportion(np.full(20, 0.5), np.ones(20))
    with pytest.raises(ValueError, match="a share has no relative margin"):
        ask_proportion(np.ones(20), np.ones(20), relative=True)


def test_a_margin_no_two_shares_can_reach_holds():
    """A margin of 100 points would pass anything."""
    found = ask_proportion(np.ones(20), np.zeros(20), null=1.0)

    assert found.reason == "two shares never differ by 1 or more"


def test_exceedance_is_a_proportion(rng):
    """Being above a limit is a yes or no; infinite (failed) is above it."""
    champion, challenger = rng.exponential(1, 500), rng.exponential(1, 500)
    challenger[:10] = np.inf

    found = ask_proportion((champion > 3) * 1.0, (challenger > 3) * 1.0, null=0.1)

    assert isinstance(found, Estimate)
    assert found.challenger >= 10 / 500

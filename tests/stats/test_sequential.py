"""Estimates that may be looked at any time: what they need, freeze, remember and promise."""

import dataclasses
import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.metric import Better
from harness.stats.arrival import Arrival, next_checkpoint
from harness.stats.sequential import growth_needed
from harness.stats.sequential_mean import sequential_mean_bound, sequential_mean_harm
from harness.stats.sequential_proportion import sequential_proportion_harm, sequential_rate_bound
from harness.stats.sequential_quantile import sequential_quantile_bound, sequential_quantile_harm
from harness.stats.wager import Wager
from harness.verdict import Estimate, Memory, Tuning, Unavailable
from tests.stats.looks import ALPHA, alarmed, once, over_time, passed, sessions

SEEDS = st.integers(0, 2**32 - 1)
FEW = settings(max_examples=10, deadline=None)
RIGHT = {"better": Better.HIGHER, "unit": "fraction"}


def scores(rng, codes, harm=0.0):
    """Scores with a part of the user's own in the difference."""
    champion = rng.normal(0, 1, codes.size)
    own = rng.normal(0, 0.5, codes.max() + 1)[codes]
    return champion, champion + harm + own + rng.normal(0, 0.8, codes.size)


def waits(rng, codes, slower=1.0):
    habit = rng.lognormal(0, 0.3, codes.max() + 1)[codes]
    return (
        0.1 * habit * rng.lognormal(0, 0.4, codes.size),
        slower * 0.1 * habit * rng.lognormal(0, 0.4, codes.size),
    )


def rights(rng, codes, loss=0.02, win=0.02):
    return (
        (rng.random(codes.size) >= win).astype(float),
        (rng.random(codes.size) >= loss).astype(float),
    )


def second(draw):
    return lambda rng, codes: draw(rng, codes)[1:]


ESTIMATORS = {
    "mean": (sequential_mean_harm, scores, {"null": 0.1, "expected": 0.0}),
    "relative mean": (sequential_mean_harm, waits, {"null": 0.1, "relative": True}),
    "level": (sequential_mean_bound, second(scores), {"null": 0.1}),
    "median": (sequential_quantile_harm, waits, {"null": 0.01, "p": 0.5}),
    "relative p90": (sequential_quantile_harm, waits, {"null": 0.1, "p": 0.9, "relative": True}),
    "p90 level": (sequential_quantile_bound, second(waits), {"null": 0.2, "p": 0.9}),
    "proportion": (sequential_proportion_harm, rights, {"null": 0.02} | RIGHT),
    "any gain": (sequential_proportion_harm, rights, {"null": 0.0} | RIGHT),
    "rate": (sequential_rate_bound, second(rights), {"null": -0.97} | RIGHT),
}
estimators = pytest.mark.parametrize(
    ("ask", "draw", "extra"), ESTIMATORS.values(), ids=ESTIMATORS.keys()
)


@estimators
def test_bounds_and_e_values_never_contradict_each_other(ask, draw, extra):
    """The upper bound is below the null exactly when the e-value reaches 1 / alpha, and the lower
    above it exactly when the alarm does."""
    rng = np.random.default_rng(1)
    codes = sessions(rng, 150, size=4)
    arrays = draw(rng, codes)
    first = once(ask, arrays, codes, **extra)
    assert isinstance(first, Estimate), first
    width = first.harm_high - first.harm_low

    for null in np.linspace(first.harm_low - width / 3, first.harm_high + width / 3, 25):
        found = once(ask, arrays, codes, **extra | {"null": float(null)})

        assert found.harm_low <= found.harm <= found.harm_high
        assert (found.harm_high < null) == (found.p_value < ALPHA)
        assert (found.harm_low > null) == (found.p_harm < ALPHA)
        assert found.p_value == pytest.approx(min(1, 1 / found.e_value) if found.e_value else 1)


def test_any_gain_is_mcnemars_for_users_of_one_pair_each():
    """With one pair a cluster McNemar decides about 0, and the interval says the same."""
    champion = np.array([0.0] * 30 + [1.0] * 10 + [1.0] * 500)
    challenger = np.array([1.0] * 30 + [0.0] * 10 + [1.0] * 500)

    found = once(sequential_proportion_harm, (champion, challenger), null=0.0, **RIGHT)

    assert found.method == "always valid: sequential McNemar"
    assert (found.harm_high < 0) == (found.p_value < ALPHA) == (found.e_value > 20)


@estimators
@given(seed=SEEDS)
@FEW
def test_names_of_clusters_and_the_order_in_the_table_do_not_matter(ask, draw, extra, seed):
    """The order pairs came in is all that counts: shuffled tables give the same bits."""
    rng = np.random.default_rng(seed)
    codes = sessions(rng, 80, size=4)
    arrays, shuffled = draw(rng, codes), rng.permutation(codes.size)
    names = rng.permutation(1000)[:80]
    back = np.argsort(shuffled)

    plain = Arrival.of(np.arange(codes.size), codes)
    again = Arrival.of(back, names[codes[shuffled]])

    assert again.clusters.codes.tolist() == plain.clusters.codes.tolist()
    assert again.checkpoints == plain.checkpoints
    for array in arrays:
        assert array[shuffled].take(again.order).tolist() == array.tolist()


@estimators
def test_a_look_freezes_what_a_later_one_would_find(ask, draw, extra):
    """Whoever looks first, and however often, the tuning is that of the same checkpoint."""
    rng = np.random.default_rng(2)
    codes = sessions(rng, 200, size=4)
    arrays = draw(rng, codes)

    every = list(over_time(ask, arrays, codes, range(20, 801, 20), **extra))
    late = once(ask, arrays, codes, **extra)

    assert every[-1].memory.tuning == late.memory.tuning
    tunings = [found.memory.tuning for found in every]
    assert len({tuning for tuning in tunings if tuning}) <= 1
    assert all(now == after for now, after in pairwise(tunings) if now)
    assert (every[-1].harm_low, every[-1].harm_high) == (late.harm_low, late.harm_high)


def test_what_was_frozen_is_used_whatever_the_pairs_say_now():
    """Pairs that come late would tune otherwise; the bound keeps the number it was given."""
    rng = np.random.default_rng(3)
    codes = sessions(rng, 100)
    arrays = scores(rng, codes)
    kept = Memory(tuning=Tuning(r=7.0, n_pairs=260, n_clusters=52))

    found = once(sequential_mean_harm, arrays, codes, memory=kept)
    plain = once(sequential_mean_harm, arrays, codes)

    assert found.memory.tuning == kept.tuning
    assert found.harm_high != plain.harm_high


@pytest.mark.parametrize("name", ["mean", "relative mean", "level", "median"])
def test_before_the_burn_in_there_is_no_verdict(name):
    """Thirty users are too few for a normal bound that is looked at again and again; fifty are
    not, and nothing is forgotten meanwhile."""
    ask, draw, extra = ESTIMATORS[name]
    rng = np.random.default_rng(4)
    codes = sessions(rng, 30, size=40)

    early = once(ask, draw(rng, codes), codes, **extra, memory=Memory(e_harm=3.0))

    assert isinstance(early, Unavailable)
    assert early.reason == "30 clusters are too few to look at any time, 50 are needed"
    assert early.clusters_missing == 20
    assert early.memory == Memory(e_harm=3.0)


def test_rare_differences_wait_for_twenty_clusters():
    """Costs that differ for a few users only are no ground for a normal bound."""
    champion = np.full(400, 0.01)
    challenger = champion.copy()
    challenger[:10] = 0.0101

    found = once(sequential_mean_harm, (champion, challenger), null=0.001, unit="usd")

    assert isinstance(found, Unavailable)
    assert found.reason.startswith("only 10 clusters have a value out of the ordinary, 20 are")
    assert found.clusters_missing == 400


def test_skewness_is_asked_of_bounded_values_too():
    """A wait ends at its timeout, but its first looks have hardly seen one."""
    rng = np.random.default_rng(5)
    values = np.where(rng.random(300) < 0.1, 2.0, rng.lognormal(-4, 0.3, 300))

    found = once(sequential_mean_bound, (values,), null=0.3)

    assert isinstance(found, Unavailable)
    assert "skewed" in found.reason


def test_between_checkpoints_a_burn_in_waits_for_the_next():
    """Enough by now, and not yet at the last checkpoint: the next one is named."""
    rng = np.random.default_rng(6)
    arrays = waits(rng, np.arange(203))

    found = once(sequential_quantile_harm, arrays, p=0.9, null=0.05)

    assert isinstance(found, Unavailable)
    assert next_checkpoint(203) == 205
    assert found.clusters_missing == 2


def test_an_alarm_stays_raised():
    """Harm in the first half, a gain in the second: the interval comes back, the alarm does not."""
    rng = np.random.default_rng(7)
    codes = np.arange(1200)
    drift = np.where(codes < 400, 0.6, -0.4)
    champion = rng.normal(0, 1, 1200)
    arrays = champion, champion + drift + rng.normal(0, 0.5, 1200)

    looks = list(
        over_time(sequential_mean_harm, arrays, codes, (400, 800, 1200), null=0.1, expected=0.0)
    )

    assert [alarmed(found) for found in looks] == [True, True, True]
    assert looks[-1].harm_high < 0.1
    assert looks[-1].memory.e_harm == looks[0].memory.e_harm


def test_a_pass_is_not_sticky():
    """What was shown last week has to hold now."""
    rng = np.random.default_rng(8)
    codes = np.arange(1200)
    champion = rng.normal(0, 1, 1200)
    arrays = champion, champion + np.where(codes < 400, -0.3, 0.5) + rng.normal(0, 0.5, 1200)

    looks = list(over_time(sequential_mean_harm, arrays, codes, (400, 1200), expected=0.0))

    assert [passed(found) for found in looks] == [True, False]


def test_a_year_of_silence_does_not_overflow():
    """Ten million pairs without a difference: evidence is capped, and p is small but not 0."""
    silent = Wager(np.zeros(1), np.array([1e7]), -1.0, 1.0)
    seen = silent.against(0.01, alpha=ALPHA)

    found = once(sequential_proportion_harm, (np.ones(200_000),) * 2, null=0.01, **RIGHT)

    assert seen.log_e_below > 10_000
    assert found.e_value == pytest.approx(1e300)
    assert 0 < found.p_value < 1e-290
    assert found.p_harm == 1.0


def test_all_losses_are_no_evidence_and_an_alarm():
    """Every pair lost: passing is out of reach, the harm is at its largest, nothing is NaN."""
    found = once(sequential_proportion_harm, (np.ones(300), np.zeros(300)), null=0.01, **RIGHT)

    assert found.e_value < 1
    assert found.p_value == 1.0
    assert found.harm == found.harm_high == 1.0
    assert alarmed(found)
    assert all(
        not math.isnan(value)
        for value in dataclasses.asdict(found).values()
        if isinstance(value, float)
    )


@pytest.mark.parametrize("null", [0.0, 1.0])
def test_limits_at_the_ends_are_refuted_by_one_event(null):
    """ "At most 0" fails with the first event and never passes; "at most 1" passes with the first
    that did not happen."""
    some = np.array([1.0] * 5 + [0.0] * 95)

    found = once(sequential_rate_bound, (some,), null=null, unit="fraction")

    assert passed(found) == (null == 1.0)
    assert alarmed(found) == (null == 0.0)


@pytest.mark.parametrize("n", [0, 1, 7])
@estimators
def test_next_to_nothing_is_refused(ask, draw, extra, n):
    """No pair, one, seven clusters: a reason and no number."""
    codes = np.arange(n)
    arrays = (
        draw(np.random.default_rng(9), codes)
        if n
        else [np.empty(0)] * len(draw(np.random.default_rng(9), np.arange(1)))
    )

    found = once(ask, arrays, codes, **extra)

    assert isinstance(found, Unavailable)
    assert found.reason


def test_equal_prices_pass_by_bets_on_the_largest():
    """No pair differs: a share of pairs that could is bet against, and the assumption is said."""
    price = np.full(2000, 0.002)

    found = once(sequential_mean_harm, (price, price), null=0.05, relative=True, unit="usd")

    assert passed(found)
    assert found.method == "no difference seen, always valid: bets"
    assert "largest value seen" in found.warnings[0]


def test_a_price_that_is_higher_by_the_same_on_every_pair_raises_an_alarm():
    """No spread at all: the sign of every user speaks, and no p-value is 0."""
    price = np.full(200, 0.002)

    found = once(sequential_mean_harm, (price, 1.2 * price), null=0.05, relative=True, unit="usd")

    assert alarmed(found)
    assert found.p_harm > 0
    assert found.harm == pytest.approx(0.2)


def test_a_challenger_surely_among_its_failures_is_harm_without_a_number():
    """Half its requests fail: no p90, and certainty by bets."""
    rng = np.random.default_rng(10)
    champion = rng.lognormal(-3, 0.3, 400)
    challenger = np.where(rng.random(400) < 0.5, np.inf, champion)

    both = once(sequential_quantile_harm, (champion, challenger), p=0.9)
    alone = once(sequential_quantile_bound, (challenger,), p=0.9, null=0.3)

    assert isinstance(both, Unavailable)
    assert both.certain_harm
    assert isinstance(alone, Unavailable)
    assert alone.certain_harm
    assert alone.memory.e_harm > 20


def test_strict_counts_a_user_once_the_window_has_passed():
    """Users whose first request is younger than the window wait; later requests are left out."""
    codes = np.repeat(np.arange(60), 3)
    at_ns = (codes * 60 + np.tile([0, 10, 4000], 60)) * 10**9
    order = np.argsort(at_ns, kind="stable")
    arrival = Arrival.of(np.arange(codes.size), codes[order])

    matured = arrival.matured(at_ns[order], 3600.0)

    counted = {
        int(user): int(n)
        for user, n in zip(
            *np.unique(arrival.clusters.codes[matured], return_counts=True), strict=True
        )
    }
    ready = (at_ns.max() / 1e9 - 3600) // 60 + 1
    assert len(counted) == min(60, ready)
    assert set(counted.values()) == {2}


def test_strict_weighs_users_alike():
    """One user who loses a hundred times is one loss."""
    codes = np.array([0] * 100 + list(range(1, 400)))
    champion, challenger = np.ones(499), np.where(codes == 0, 0.0, 1.0)

    found = once(
        sequential_proportion_harm,
        (champion, challenger),
        codes,
        null=0.02,
        matured=np.ones(499, dtype=bool),
        **RIGHT,
    )

    assert found.harm == pytest.approx(1 / 400)
    assert found.estimand == "cluster-weighted"
    assert found.method == "always valid: bets, one per cluster"


@given(seed=SEEDS, margin=st.floats(0.001, 0.5))
@FEW
def test_more_losses_are_less_evidence_and_a_wider_margin_is_more(seed, margin):
    """Evidence of "not worse" falls with every loss and rises with the margin."""
    rng = np.random.default_rng(seed)
    wins, losses, ties = rng.integers(0, 50, 3)

    def log_e(losses, margin):
        weights = np.array([losses, ties, wins], dtype=float)
        return Wager(np.array([-1.0, 0.0, 1.0]), weights, -1.0, 1.0).log_e(margin)

    assert log_e(losses + 1, margin) < log_e(losses, margin)
    assert log_e(losses, margin) <= log_e(losses, margin * 1.1) + 1e-12


def test_clusters_that_are_said_to_do_would_do():
    """With so many times the same data the bet reaches its goal, with a little less it does not."""
    wager = Wager(np.array([-1.0, 0.0, 1.0]), np.array([2.0, 194.0, 4.0]), -1.0, 1.0)

    growth = growth_needed(lambda times: wager.times(times).log_e(0.02), alpha=ALPHA)

    assert growth > 1
    assert wager.times(growth).log_e(0.02) >= math.log(20)
    assert wager.times(growth / 1.01).log_e(0.02) < math.log(20)


def test_no_realistic_number_is_said_for_a_harm_at_the_margin():
    """A harm exactly at its margin never settles."""
    assert growth_needed(lambda times: -math.log(times), alpha=ALPHA) is None


def test_no_harm_on_any_pair_can_pass_where_its_largest_is_known():
    """An excess of zero throughout is bounded by bets; without a largest value nothing is."""
    nothing = (np.zeros(2000),)

    passes = once(sequential_mean_bound, nothing, null=0.02, reach=2.0)
    early = once(sequential_mean_bound, (np.zeros(60),), null=0.02, reach=2.0)
    unknown = once(sequential_mean_bound, nothing, null=0.02)

    assert passed(passes)
    assert passes.method == "no harm seen, always valid: bets"
    assert (passes.champion, passes.challenger, passes.harm) == (None, 0.0, 0.0)
    assert not passed(early)
    assert early.clusters_enough > 60
    assert isinstance(unknown, Unavailable)


@pytest.mark.parametrize("ask", [sequential_mean_harm, sequential_mean_bound])
def test_differences_too_small_to_square_are_none(ask):
    """A variance below the smallest number there is is no reason to divide by zero."""
    tiny = 1e-200 * np.arange(100.0)
    arrays = (np.zeros(100), tiny) if ask is sequential_mean_harm else (tiny,)

    found = once(ask, arrays)

    assert isinstance(found, Unavailable)
    assert found.reason.startswith("the harm is 0 on every pair")

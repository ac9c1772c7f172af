import math

import numpy as np
import pytest
from scipy import stats

from harness.metric import Better
from harness.stats.clusters import Clusters
from harness.stats.mean import mean_bound
from harness.verdict import Estimate, Unavailable
from tests.stats.builders import ask_mean, latencies


@pytest.fixture
def rng():
    return np.random.default_rng(11)


def test_independent_pairs_are_the_paired_t_test(rng):
    """Without clusters the numbers are those of the t-test everybody knows."""
    champion, challenger = rng.normal(5, 1, 200), rng.normal(5.1, 1, 200)

    found = ask_mean(champion, challenger, null=0.3)

    reference = stats.ttest_rel(challenger, champion, alternative="less")
    shifted = stats.ttest_rel(challenger - 0.3, champion, alternative="less")
    assert found.harm == pytest.approx((challenger - champion).mean())
    assert found.harm_high == pytest.approx(reference.confidence_interval(0.95).high)
    assert found.p_value == pytest.approx(shifted.pvalue)
    assert found.p_harm == pytest.approx(1 - shifted.pvalue)
    assert (found.df, found.deff) == (pytest.approx(199), pytest.approx(1))
    assert found.method == "mean difference, clustered t, CR2"


def test_higher_is_better_turns_the_sign(rng):
    """A score that falls is a harm."""
    champion, challenger = rng.normal(5, 1, 100), rng.normal(4, 1, 100)

    assert ask_mean(champion, challenger, better=Better.HIGHER).harm > 0.5
    assert ask_mean(champion, challenger, better=Better.LOWER).harm < -0.5


@pytest.mark.parametrize(
    ("better", "factor", "harm"),
    [
        (Better.LOWER, 1.2, 0.2),  # a fifth dearer
        (Better.LOWER, 0.8, -0.2),  # a fifth cheaper
        (Better.HIGHER, 0.8, 0.2),  # a fifth of the score gone
        (Better.HIGHER, 1.2, -0.2),
    ],
)
def test_relative_harm_is_the_share_by_which_it_is_worse(rng, better, factor, harm):
    """A relative harm is the change of the mean as a share of the champion's."""
    champion, challenger, codes = latencies(rng, 4000, n_clusters=300, slower=factor)
    challenger *= champion.mean() * factor / challenger.mean()

    found = ask_mean(champion, challenger, codes, better=better, relative=True, null=0.1)

    assert found.harm == pytest.approx(harm)
    assert found.harm_low < harm < found.harm_high
    assert found.relative
    assert found.method == "log ratio of means, clustered t, CR2"


def test_relative_margin_is_tested_on_the_log_scale(rng):
    """For what is better when lower, a margin m is ln(1 + m); when higher, ln(1 - m)."""
    champion, challenger, _ = latencies(rng, 2000, slower=1.05)

    lower = ask_mean(champion, challenger, relative=True, null=0.1)
    higher = ask_mean(champion, challenger, relative=True, null=0.1, better=Better.HIGHER)

    ratio = challenger.mean() / champion.mean()
    influence = challenger / challenger.mean() - champion / champion.mean()
    se = influence.std(ddof=1) / math.sqrt(2000)
    assert lower.p_value == pytest.approx(stats.t.cdf(math.log(ratio / 1.1) / se, 1999), rel=1e-6)
    assert higher.p_value == pytest.approx(stats.t.sf(math.log(ratio / 0.9) / se, 1999), rel=1e-6)


def test_pairs_without_a_value_are_left_out_and_counted(rng):
    """A pair with NaN on a side is not there, and the estimate says how many were."""
    champion, challenger = rng.normal(5, 1, 100), rng.normal(5, 1, 100)
    champion[:3], challenger[2:7] = np.nan, np.nan

    found = ask_mean(champion, challenger)

    assert (found.n_pairs, found.n_clusters, found.n_left_out) == (93, 93, 7)
    assert found.harm == pytest.approx((challenger - champion)[7:].mean())


@pytest.mark.parametrize(
    ("n_pairs", "reason", "missing"),
    [
        (0, "no pair has a value on both sides", 8),
        (1, "1 cluster is too few, 8 are needed", 7),
        (7, "7 clusters are too few, 8 are needed", 1),
    ],
)
def test_too_few_clusters_hold(rng, n_pairs, reason, missing):
    """Fewer than eight clusters give no estimate, and say how many are missing."""
    found = ask_mean(rng.normal(size=n_pairs), rng.normal(size=n_pairs))

    assert isinstance(found, Unavailable)
    assert (found.reason, found.clusters_missing) == (reason, missing)


def test_one_cluster_with_nearly_everything_holds(rng):
    """Below two degrees of freedom there is no estimate, however many pairs there are."""
    codes = np.r_[np.zeros(5000, int), np.arange(1, 60)]

    found = ask_mean(rng.normal(size=5059), rng.normal(size=5059), codes)

    assert found.reason == (
        "one cluster holds 99% of the pairs, which leaves 1.0 degrees of freedom; 2 are needed"
    )


def test_a_large_cluster_is_warned_about(rng):
    """One user with a fifth of the pairs is worth a sentence."""
    codes = np.r_[np.zeros(200, int), np.arange(1, 801)]

    found = ask_mean(rng.normal(size=1000), rng.normal(size=1000), codes)

    assert found.warnings == ("one cluster holds 20% of the pairs",)


def test_few_clusters_have_to_convince_the_sign_flips_too(rng):
    """Below twenty clusters the larger p-value and the wider bound count."""
    codes = np.repeat(np.arange(9), 20)
    champion = rng.normal(size=180)
    challenger = champion + rng.normal(0.2, 0.05, 9)[codes] + rng.normal(0, 0.1, 180)

    found = ask_mean(champion, challenger, codes, null=0.35)

    assert found.method == "mean difference, clustered t, CR2, and sign flips"
    assert found.p_value == 1 / 512  # the t-test alone would be far surer
    assert (found.harm_high < 0.35) == (found.p_value < 0.05)


def test_more_confidence_than_sign_flips_can_give_holds(rng):
    """Eight clusters cannot support 99.9 %, and we say how many could."""
    found = ask_mean(rng.normal(size=8), rng.normal(size=8), confidence=0.999, bounded=True)

    assert found.reason == "8 clusters cannot show anything at confidence 0.999"
    assert found.clusters_missing == 2


def test_no_difference_at_all_is_not_certainty(rng):
    """When every pair agrees the rule of three says how much harm could hide; never p = 0."""
    champion = rng.uniform(1, 2, 100)
    hidden = champion.max() * (1 - 0.05 ** (1 / 100))

    found = ask_mean(champion, champion, null=0.1)

    assert (found.harm, found.harm_high) == (0.0, pytest.approx(hidden))
    assert found.p_value == pytest.approx((1 - 0.1 / champion.max()) ** 100)
    assert (found.harm_high < 0.1) == (found.p_value < 0.05)
    assert "no pair differs" in found.warnings[0]


def test_a_fixed_price_passes_a_relative_margin():
    """The same cost on every call of 100 users: a mean 5 % higher would have shown."""
    price = np.full(100, 0.01)

    found = ask_mean(price, price, null=0.05, relative=True)

    assert found.harm_high == pytest.approx(1 - 0.05 ** (1 / 100))
    assert found.p_value < 0.05
    assert ask_mean(price[:40], price[:40], null=0.05, relative=True).p_value > 0.05


def test_nothing_but_zeros_is_no_evidence():
    """Where every value is zero there is no largest value to reckon with."""
    found = ask_mean(np.zeros(100), np.zeros(100), null=0.1)

    assert isinstance(found, Unavailable)
    assert found.reason.startswith("the harm is 0 on every pair")


def test_the_same_difference_everywhere_goes_to_the_sign_flips(rng):
    """A constant difference has no standard error; its p-value is that of the flips, never 0."""
    champion = rng.normal(5, 1, 100)

    below = ask_mean(champion, champion + 0.01, null=0.05)
    above = ask_mean(champion, champion + 0.1, null=0.05)

    assert (below.harm_low, below.harm_high) == (pytest.approx(0.01), pytest.approx(0.01))
    assert (below.p_value, below.p_harm) == (1 / 10_000, 1.0)
    assert (above.p_value, above.p_harm) == (1.0, 1 / 10_000)
    assert below.df is None
    assert below.detectable is None


def test_a_rare_huge_value_holds_unless_values_are_bounded(rng):
    """Skewed differences need 355 times their squared skewness in pairs; bounded ones do not."""
    champion, challenger = np.zeros(1000), rng.normal(0, 0.01, 1000)
    challenger[0] = 50.0

    found = ask_mean(champion, challenger)

    assert isinstance(found, Unavailable)
    assert "so skewed that 35" in found.reason
    assert found.clusters_missing > 100_000
    assert isinstance(ask_mean(champion, challenger, bounded=True), Estimate)


def test_a_champion_near_zero_has_no_relative_margin(rng):
    """Dividing by a mean within ten standard errors of zero is refused."""
    champion, challenger = rng.exponential(1, 50), rng.exponential(1, 50)

    found = ask_mean(champion, challenger, relative=True)

    assert "too close to zero for a relative margin: use an absolute one" in found.reason


def test_free_challenger_has_no_ratio(rng):
    """A challenger that costs nothing is not infinitely better, it is another question."""
    found = ask_mean(rng.uniform(1, 2, 50), np.zeros(50), relative=True)

    assert found.reason == "the challenger's mean, 0, has no ratio: use an absolute margin"


def test_losing_everything_is_no_margin(rng):
    """Nothing positive can lose 100 %, so such a margin would always pass: refused."""
    values = rng.uniform(1, 2, 50)

    found = ask_mean(values, values, relative=True, null=1.0, better=Better.HIGHER)

    assert found.reason == "no ratio of two positive values is a change of 100%"


def test_infinite_values_have_no_mean(rng):
    """A failed request without a time-out has no latency to average."""
    values = rng.uniform(1, 2, 50)
    values[3] = np.inf

    for relative in (False, True):
        found = ask_mean(np.ones(50), values, relative=relative)

        assert found.reason == "a value is infinite, so there is no mean"


def test_detectable_is_the_distance_found_four_times_in_five():
    """A true harm that far below the margin passes in about 80 % of runs."""
    rng = np.random.default_rng(2)
    probe = ask_mean(rng.normal(size=400), rng.normal(size=400), null=0.5)

    passed = 0
    for _ in range(400):
        champion = rng.normal(size=400)
        challenger = rng.normal(0.5 - probe.detectable, 1, 400)
        passed += ask_mean(champion, challenger, null=0.5).p_value < 0.05

    assert 0.72 < passed / 400 < 0.88


def test_mean_of_one_value_per_pair(rng):
    """A distance is a harm by itself; "at least" turns it."""
    distances = rng.uniform(0, 1, 300)
    ask = {"confidence": 0.95, "metric": "text.mean", "unit": "distance", "bounded": True}

    at_most = mean_bound(distances, Clusters.independent(300), null=0.6, **ask)
    at_least = mean_bound(
        distances, Clusters.independent(300), null=-0.4, better=Better.HIGHER, **ask
    )

    reference = stats.ttest_1samp(distances, 0.6, alternative="less")
    assert at_most.harm == pytest.approx(distances.mean())
    assert at_most.p_value == pytest.approx(reference.pvalue)
    assert (at_most.champion, at_most.challenger) == (None, pytest.approx(distances.mean()))
    assert at_least.harm == pytest.approx(-distances.mean())
    assert at_least.harm_high == pytest.approx(-at_most.harm_low)
    assert at_least.p_value < 0.05


def test_zeros_of_a_known_reach_are_bounded_by_the_rule_of_three():
    """No value of 2 in 100 clusters: fewer than 3 % have one. Without a reach nobody knows."""
    zeros, threes = np.zeros(300), Clusters.of(np.repeat(np.arange(100), 3))
    ask = {"null": 0.1, "confidence": 0.95, "metric": "label.excess", "unit": "fraction"}

    found = mean_bound(zeros, threes, reach=2.0, **ask)
    unknown = mean_bound(zeros, threes, **ask)

    assert found.harm_high == -found.harm_low == pytest.approx(2 * (1 - 0.05**0.01))
    assert found.p_value == pytest.approx((1 - 0.1 / 2) ** 100)
    assert (found.harm, found.challenger, found.p_harm) == (0.0, 0.0, 1.0)
    assert isinstance(unknown, Unavailable)

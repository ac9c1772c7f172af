"""How much data a test needs: against statsmodels, against the gate's own tests, and by itself."""

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower
from statsmodels.stats.proportion import proportion_confint

from harness.stats.power import mcnemar_pairs, pairs_needed
from harness.stats.prospects import (
    Clustering,
    MeanProspect,
    PairedRatesProspect,
    RateProspect,
    SilentProspect,
    clusters_for,
    provable_harm,
    smallest_margin,
)
from harness.stats.tango import Discordance

ALONE = Clustering()


@pytest.mark.parametrize("distance", [0.05, 0.2, 0.5, 1.0])
@pytest.mark.parametrize(("alpha", "power"), [(0.05, 0.8), (0.0125, 0.95)])
def test_a_mean_needs_what_statsmodels_says(distance, alpha, power):
    """One pair a cluster: the paired t-test of statsmodels, rounded up."""
    theirs = TTestPower().solve_power(
        effect_size=distance, alpha=alpha, power=power, alternative="larger"
    )

    ours = clusters_for(
        MeanProspect(null=distance, cluster_sd=1.0), harm=0.0, alpha=alpha, power=power
    )

    assert ours == max(8, math.ceil(theirs - 1e-6))


def test_what_a_mean_can_show_is_what_statsmodels_says():
    """The largest harm below a margin, from the number of pairs."""
    theirs = TTestPower().solve_power(nobs=400, alpha=0.05, power=0.8, alternative="larger")

    prospect = MeanProspect(null=0.5, cluster_sd=1.0)
    shown = provable_harm(prospect, n_clusters=400, alpha=0.05, power=0.8)

    assert shown == pytest.approx(0.5 - theirs, abs=1e-6)
    assert smallest_margin(prospect, n_clusters=400, alpha=0.05, power=0.8) == pytest.approx(
        theirs, abs=1e-6
    )


def test_superiority_of_rates_is_connors_formula():
    """With a null of 0 the score test is McNemar's; only the t quantile makes it a little more."""
    theirs = mcnemar_pairs(wins=0.12, losses=0.08, alpha=0.05, power=0.8)

    ours = clusters_for(PairedRatesProspect(0.0, 0.20, ALONE), harm=-0.04, alpha=0.05, power=0.8)

    assert theirs < ours < theirs + 5


def test_without_any_difference_it_is_the_smallest_sample_that_can_pass():
    """No discordant pair: `z^2 (1 - margin) / margin`, up to the t quantile."""
    ours = clusters_for(PairedRatesProspect(0.01, 0.0, ALONE), harm=0.0, alpha=0.05, power=0.8)

    assert ours == pytest.approx(stats.norm.isf(0.05) ** 2 * 0.99 / 0.01, rel=0.02)


@pytest.mark.parametrize(
    ("margin", "differ", "harm"),
    [
        (0.01, 0.02, 0.0),
        (0.01, 0.005, 0.0),  # the textbook formula has 53 % power here
        (0.05, 0.10, 0.0),
        (0.02, 0.02, 0.005),
        (0.0, 0.10, -0.02),
    ],
)
def test_the_gates_own_test_has_the_planned_power(margin, differ, harm):
    """Tango's score on simulated pairs passes about as often as planned."""
    n_runs = 4000
    n_pairs = clusters_for(
        PairedRatesProspect(margin, differ, ALONE), harm=harm, alpha=0.05, power=0.8
    )
    wins, losses = (differ - harm) / 2, (differ + harm) / 2
    drawn = np.random.default_rng(5).multinomial(n_pairs, [wins, losses, 1 - differ], n_runs)
    critical = stats.t.isf(0.05, n_pairs - 1)

    passed = [Discordance(*row[:2], n_pairs).score(-margin) > critical for row in drawn]

    assert np.mean(passed) == pytest.approx(0.8, abs=0.03)


def test_the_textbook_formula_for_rates_asks_for_too_little():
    """Its variance is the data's; the gate's is the null's, which is more with few differences."""
    textbook = pairs_needed(variance=0.005, distance=0.01, alpha=0.05, power=0.8)
    ours = clusters_for(PairedRatesProspect(0.01, 0.005, ALONE), harm=0.0, alpha=0.05, power=0.8)

    assert ours > 1.9 * textbook


@pytest.mark.parametrize(("limit", "rate"), [(0.05, 0.02), (0.01, 0.0), (0.2, 0.1)])
def test_a_rate_has_the_exact_binomial_power(limit, rate):
    """The chance of a count whose Clopper-Pearson bound, by statsmodels, is below the limit."""
    n_pairs = 200
    counts = np.arange(n_pairs + 1)
    _, upper = proportion_confint(counts, n_pairs, alpha=0.1, method="beta")
    exact = stats.binom.pmf(counts[upper < limit], n_pairs, rate).sum()

    ours = RateProspect(limit, ALONE).power(rate, n_pairs, alpha=0.05)

    assert ours == pytest.approx(exact, abs=1e-9)


def test_a_rate_without_events_is_the_rule_of_three():
    """299 pairs without a failure show that fewer than 1 % fail."""
    prospect = RateProspect(0.01, ALONE)

    assert clusters_for(prospect, harm=0.0, alpha=0.05, power=0.8) == 299


def test_at_least_is_at_most_of_the_rest():
    """At least 95 % with 98 % in truth is at most 5 % with 2 %."""
    at_most = clusters_for(RateProspect(0.05, ALONE), harm=0.02, alpha=0.05, power=0.8)
    at_least = clusters_for(
        RateProspect(-0.95, ALONE, offset=1.0), harm=-0.98, alpha=0.05, power=0.8
    )

    assert at_most == at_least


def test_clusters_cost_pairs():
    """Ten pairs a user with a design effect of 1.9 need 1.9 times the pairs."""
    alone = clusters_for(PairedRatesProspect(0.01, 0.02, ALONE), harm=0.0, alpha=0.05, power=0.8)
    together = clusters_for(
        PairedRatesProspect(0.01, 0.02, Clustering(10, 1.9)), harm=0.0, alpha=0.05, power=0.8
    )

    assert 10 * together == pytest.approx(1.9 * alone, rel=0.02)


def test_rare_events_are_counted_by_cluster():
    """Where fewer than 20 users would differ, each counts as one pair, as in the gate."""
    rare = PairedRatesProspect(0.01, 0.0001, Clustering(10, 1.2))
    alone = PairedRatesProspect(0.01, 0.0001, ALONE)

    needed = [clusters_for(one, harm=0.0, alpha=0.05, power=0.8) for one in (rare, alone)]

    assert needed[0] == needed[1]


@pytest.mark.parametrize(
    "prospect",
    [
        MeanProspect(0.1, 1.0),
        PairedRatesProspect(0.01, 0.05, Clustering(3, 1.5)),
        RateProspect(0.05, Clustering(2, 1.3)),
    ],
)
def test_needing_and_showing_are_one_equation(prospect):
    """So many clusters as a harm needs show that harm, and, but for steps, no larger one."""
    n_clusters = clusters_for(prospect, harm=prospect.null / 3, alpha=0.05, power=0.8)

    shown = provable_harm(prospect, n_clusters=n_clusters, alpha=0.05, power=0.8)

    assert prospect.null / 3 <= shown < 1.15 * prospect.null / 3
    assert prospect.power(shown + 1e-6, n_clusters, alpha=0.05) < 0.81


def test_what_is_always_equal_passes_by_the_rule_of_three():
    """59 silent clusters bound a share of 5 %, and one that differs could cost its whole value."""
    assert clusters_for(SilentProspect(0.05, 1.0), harm=0.0, alpha=0.05, power=0.8) == 59
    margin = smallest_margin(SilentProspect(0.2, 1.0), n_clusters=59, alpha=0.05, power=0.8)
    assert margin == pytest.approx(1 - 0.05 ** (1 / 59))


@pytest.mark.parametrize("harm", [0.1, 0.2])
def test_no_amount_of_data_shows_what_is_not_so(harm):
    """A harm at the margin or beyond."""
    assert clusters_for(MeanProspect(0.1, 1.0), harm=harm, alpha=0.05, power=0.8) is None


def test_too_few_clusters_show_nothing():
    """The gate refuses below eight, so nothing can be promised for them."""
    assert provable_harm(MeanProspect(0.1, 1e-6), n_clusters=7, alpha=0.05, power=0.8) is None
    assert smallest_margin(MeanProspect(0.1, 1e-6), n_clusters=7, alpha=0.05, power=0.8) is None
    assert clusters_for(MeanProspect(0.1, 1e-6), harm=0.0, alpha=0.05, power=0.8) == 8

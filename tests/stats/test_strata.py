"""Parts side by side, and another mix of them."""

import numpy as np
import pytest

from harness.metric import Better
from harness.stats.clustered import clustered_mean
from harness.stats.clusters import Clusters
from harness.stats.linearised import Linearised
from harness.stats.mean import Moments, harm_column, mean_harm
from harness.stats.paired import Paired
from harness.stats.paired_sums import PairedSums
from harness.stats.question import Question
from harness.stats.segment_tests import both_directions, cochran_q, wald
from harness.stats.strata import Mix, Strata, Stratum
from harness.verdict import Estimate, Unavailable

ABSOLUTE = Question("m", "usd", Better.LOWER, 0.0, 0.95)
RELATIVE = Question("m", "usd", Better.LOWER, 0.1, 0.95, relative=True)


def pairs(n, *, n_clusters=None, harm=0.0, seed=1):
    dice = np.random.default_rng(seed)
    champion = dice.lognormal(0, 0.3, n)
    codes = np.arange(n) if n_clusters is None else dice.integers(0, n_clusters, n)
    challenger = champion + harm + dice.normal(0, 0.1, n)
    return Paired.complete(champion, challenger, Clusters.of(codes))


def strata(of, parts):
    """Split pairs by `parts`."""
    columns, codes = [], []
    for part in np.unique(parts):
        rows = parts == part
        own = of.clusters.codes[rows]
        split = Paired(of.champion[rows], of.challenger[rows], Clusters.of(own), 0)
        column = harm_column(ABSOLUTE, split)
        assert isinstance(column, Linearised)
        columns.append(column.summed())
        codes.append(np.unique(own))
    return Strata.of(columns, codes, of.clusters.n_clusters)


def reweighted(question, of, parts, shares):
    """The mean harm of pairs in another mix of their parts."""
    splits, strata = [], []
    for part, share in enumerate(shares):
        rows = parts == part
        own = of.clusters.codes[rows]
        split = Paired(of.champion[rows], of.challenger[rows], Clusters.of(own), 0)
        splits.append(split)
        strata.append(Stratum(PairedSums.of(split), np.unique(own), share))
    mix = Mix.of(question, strata)
    if isinstance(mix, Unavailable):
        return mix
    moments = [
        Moments.of(harm.influence(split.champion, split.challenger))
        for harm, split in zip(mix.within, splits, strict=True)
    ]
    return mix.judged(question, moments)


def test_the_variance_of_a_part_is_that_of_its_own_test():
    """The diagonal is CR2."""
    of = pairs(200, n_clusters=40)
    parts = of.clusters.codes % 2

    found = strata(of, parts)

    rows = parts == 0
    own = Clusters.of(of.clusters.codes[rows])
    alone = clustered_mean((of.challenger - of.champion)[rows], own)
    assert found.standard_errors[0] == pytest.approx(alone.se, rel=1e-12)
    assert not found.is_shared


def test_parts_that_share_no_cluster_are_cochrans():
    """The joint test is Cochran's where nothing is shared."""
    of = pairs(300)

    found = strata(of, np.arange(300) % 3)

    assert found.method == "Cochran's Q"
    assert np.abs(found.covariance - np.diag(np.diag(found.covariance))).max() == 0
    joint = wald(found.harms, found.covariance)
    assert joint.statistic == pytest.approx(cochran_q(found.harms, found.standard_errors).statistic)


def test_parts_that_share_clusters_vary_together():
    """Users who are in both parts and like the challenger like it in both."""
    dice = np.random.default_rng(3)
    liking = dice.normal(0, 1, 60)
    codes = np.repeat(np.arange(60), 10)
    champion = np.full(600, 5.0)
    challenger = champion + liking[codes] + dice.normal(0, 0.1, 600)
    of = Paired.complete(champion, challenger, Clusters.of(codes))
    parts = np.tile([0, 1], 300)

    found = strata(of, parts)

    apart = cochran_q(found.harms, found.standard_errors)
    assert found.is_shared
    assert found.method == "Wald, joint"
    assert found.covariance[0, 1] > 0.9 * found.covariance[0, 0]
    assert found.heterogeneity().statistic > 10 * apart.statistic


def test_both_directions_need_a_gain_and_a_harm():
    """Harm alone is no interaction; both, ten errors from zero, are."""
    errors = np.array([0.01, 0.01])

    assert both_directions(np.array([0.1, 0.1]), errors) == 1.0
    assert both_directions(np.array([0.1, -0.1]), errors) < 1e-9


def test_the_runs_own_mix_gives_the_mean_back():
    """Weights as observed: the same harm, with a spread that leaves out that between parts."""
    of = pairs(400, harm=0.05)
    parts = np.arange(400) % 4

    found = reweighted(ABSOLUTE, of, parts, np.full(4, 0.25))

    plain = mean_harm(
        of.champion, of.challenger, of.clusters, better=Better.LOWER, null=0.0, confidence=0.95,
        metric="m", unit="usd",
    )  # fmt: skip
    assert isinstance(found, Estimate)
    assert isinstance(plain, Estimate)
    assert found.harm == pytest.approx(plain.harm, rel=1e-12)
    assert found.harm_high == pytest.approx(plain.harm_high, rel=0.02)


@pytest.mark.parametrize("question", [ABSOLUTE, RELATIVE], ids=["absolute", "relative"])
def test_another_mix_is_the_weighted_sum_of_the_parts(question):
    """0.7 of one part and 0.3 of the other, by hand."""
    of = pairs(300)
    parts = (np.arange(300) % 3 == 0).astype(int)
    shifted = Paired(of.champion, of.challenger + parts, of.clusters, 0)

    found = reweighted(question, shifted, parts, np.array([0.3, 0.7]))

    sides = [
        0.3 * side[parts == 0].mean() + 0.7 * side[parts == 1].mean()
        for side in (shifted.champion, shifted.challenger)
    ]
    expected = sides[1] / sides[0] - 1 if question.relative else sides[1] - sides[0]
    assert isinstance(found, Estimate)
    assert found.harm == pytest.approx(expected, rel=1e-9)
    assert found.harm_low < found.harm < found.harm_high


def test_a_rare_part_that_counts_for_much_widens_the_interval():
    """Ten pairs that stand for nine tenths of production decide how sure one can be."""
    of = pairs(300)
    parts = (np.arange(300) < 10).astype(int)

    own = reweighted(ABSOLUTE, of, parts, np.array([29 / 30, 1 / 30]))
    other = reweighted(ABSOLUTE, of, parts, np.array([0.1, 0.9]))

    assert isinstance(own, Estimate)
    assert isinstance(other, Estimate)
    ratio = (other.harm_high - other.harm_low) / (own.harm_high - own.harm_low)
    assert ratio > 3


def test_too_few_clusters_give_no_other_mix():
    """Seven clusters are no interval here either."""
    found = reweighted(ABSOLUTE, pairs(7), np.zeros(7, dtype=int), np.ones(1))

    assert isinstance(found, Unavailable)
    assert found.clusters_missing == 1

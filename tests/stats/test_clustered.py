import numpy as np
import pytest

from harness.stats.clustered import (
    clustered_mean,
    cr1,
    cr2,
    satterthwaite_df,
    size_design_effect,
)
from harness.stats.clusters import Clusters


def test_equal_clusters_are_the_t_test_on_their_means():
    """With equal sizes CR2 is the variance of cluster means, with K - 1 degrees of freedom."""
    values = np.random.default_rng(1).normal(size=(12, 5))
    means = values.mean(axis=1)

    moment = clustered_mean(values.ravel(), Clusters.of(np.repeat(np.arange(12), 5)))

    assert moment.variance == pytest.approx(means.var(ddof=1) / 12, rel=1e-12)
    assert moment.df == pytest.approx(11)
    assert moment.largest_share == pytest.approx(1 / 12)


def test_pairs_that_move_together_count_for_less():
    """Repeating every pair five times within its cluster adds no evidence."""
    values = np.random.default_rng(2).normal(size=40)

    once = clustered_mean(values, Clusters.independent(40))
    repeated = clustered_mean(np.repeat(values, 5), Clusters.of(np.repeat(np.arange(40), 5)))

    assert repeated.variance == pytest.approx(once.variance, rel=1e-12)


def test_nearly_equal_clusters_have_nearly_all_degrees_of_freedom():
    """Equal sizes give K - 1, and a pair more in one cluster changes next to nothing."""
    sizes = np.full(40, 1000.0)
    nearly = sizes + np.eye(40)[0]

    assert satterthwaite_df(sizes) == 39
    assert satterthwaite_df(nearly) == pytest.approx(39, rel=1e-4)


def test_one_huge_cluster_leaves_about_one_degree_of_freedom():
    """Degrees of freedom see who dominates, not how many clusters there are."""
    assert satterthwaite_df(np.array([10_000.0] + [1.0] * 50)) < 2


def test_one_cluster_has_no_variance():
    """A variance between clusters needs two."""
    with pytest.raises(ValueError, match="1 clusters, a variance between them needs 2"):
        cr2(0.0, np.array([0.0]), np.array([5.0]))


def test_bias_reduction_widens_what_the_textbook_gives():
    """With unequal sizes CR2 is larger than CR1."""
    totals, sizes = np.array([3.0, -1.0, -1.0, -1.0]), np.array([9.0, 1.0, 1.0, 1.0])

    assert cr2(0.0, totals, sizes).variance > cr1(0.0, totals, sizes).variance


@pytest.mark.parametrize(("icc", "expected"), [(0.0, 1.0), (1.0, 10.0)])
def test_the_design_effect_of_sizes_runs_from_pairs_to_clusters(icc, expected):
    """Pairs of a cluster that have nothing in common all count; equal ones count as one."""
    rng = np.random.default_rng(3)
    clusters = Clusters.of(np.repeat(np.arange(300), 10))
    values = rng.normal(size=3000) if icc == 0 else rng.normal(size=300)[clusters.codes]

    assert size_design_effect(values, clusters) == pytest.approx(expected, rel=0.1)


def test_pairs_on_their_own_have_nothing_in_common():
    """Without clusters there is no correlation to ask for."""
    values = np.arange(10.0)

    assert size_design_effect(values, Clusters.independent(10)) == 1.0
    assert size_design_effect(values, Clusters.of(np.zeros(10, int))) == 1.0

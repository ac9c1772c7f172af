"""Pairs that are alike by user, and by what was asked."""

import numpy as np
import pytest
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.sandwich_covariance import cov_cluster_2groups

from harness.stats.clustered import clustered_mean
from harness.stats.clusters import Clusters
from harness.stats.two_way import shared_content, two_way


def asked(rng, *, n_users=60, n_contents=50, size=10, user=0.5, content=0.5):
    """Requests of users about a few contents, with something of either in each value."""
    n_pairs = n_users * size
    users, contents = rng.integers(0, n_users, n_pairs), rng.integers(0, n_contents, n_pairs)
    values = (
        user * rng.normal(size=n_users)[users]
        + content * rng.normal(size=n_contents)[contents]
        + rng.normal(size=users.size)
    )
    return values, Clusters.of(users), Clusters.of(contents)


def of_mean(values, users, contents):
    mean = float(values.mean())
    return two_way(mean, values - mean, users, contents)


def test_it_is_statsmodels_two_way_variance():
    """Up to the small-sample factors, which are of another kind, with many clusters."""
    values, users, contents = asked(np.random.default_rng(1))

    found = of_mean(values, users, contents)

    groups = np.column_stack((users.codes, contents.codes))
    fit = OLS(values, np.ones((values.size, 1))).fit()
    theirs = float(cov_cluster_2groups(fit, groups)[0].item())
    assert found.estimate == pytest.approx(float(fit.params[0]))
    assert found.variance == pytest.approx(theirs, rel=0.03)


def test_contents_of_their_own_change_nothing():
    """Where nobody asks what another asked, users are the only clusters."""
    values, users, _ = asked(np.random.default_rng(2))
    own = Clusters.independent(values.size)

    found, plain = of_mean(values, users, own), clustered_mean(values, users)

    assert found.variance == pytest.approx(
        max(plain.variance, clustered_mean(values, own).variance)
    )
    assert found.df == plain.df


def test_the_order_of_the_two_does_not_matter():
    """Users by contents are contents by users."""
    values, users, contents = asked(np.random.default_rng(3))

    one, other = of_mean(values, users, contents), of_mean(values, contents, users)

    assert one.variance == pytest.approx(other.variance, rel=1e-12)
    assert one.df == other.df


def test_it_is_never_below_either_way_alone():
    """A sum that comes out too small is not believed."""
    for seed in range(20):
        rng = np.random.default_rng(seed)
        values, users, contents = asked(rng, n_users=9, n_contents=9, size=7, user=0, content=0)

        found = of_mean(values, users, contents)

        assert found.variance >= clustered_mean(values, users).variance
        assert found.variance >= clustered_mean(values, contents).variance


def test_intervals_by_user_alone_are_too_narrow():
    """With fifty contents that all users ask, one way of clustering misses much of the spread."""
    rng, narrow, held = np.random.default_rng(4), 0, 0
    for _ in range(200):
        values, users, contents = asked(rng, user=0.2, content=0.8)
        narrow += abs(values.mean()) <= 1.96 * clustered_mean(values, users).se
        found = of_mean(values, users, contents)
        held += abs(found.estimate) <= 2.01 * found.se

    assert narrow / 200 < 0.75
    assert held / 200 >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / 200) - 0.01


@pytest.mark.parametrize(
    ("users", "contents", "share"),
    [
        ([0, 1, 2], [0, 1, 2], 0.0),
        ([0, 0, 0], [7, 7, 7], 0.0),
        ([0, 1, 2], [7, 7, 8], 2 / 3),
        ([], [], 0.0),
    ],
    ids=["all of their own", "one user repeats", "two users ask the same", "nobody asks"],
)
def test_content_is_shared_when_another_user_sent_it_too(users, contents, share):
    """A user's own repetitions are in the user's cluster already."""
    assert shared_content(Clusters.of(users), Clusters.of(contents)) == share

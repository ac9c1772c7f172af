"""The t-test on clusters, and where the sign flips have a say."""

import numpy as np
import pytest

from harness.stats.clustered_t import t_test


def asked(sizes, **overrides):
    rng = np.random.default_rng(8)
    means = rng.normal(0.1, 1, sizes.size)
    estimate = float((sizes * means).sum() / sizes.sum())
    return t_test(
        estimate, sizes * (means - estimate), sizes, **{"null": 0.5, "alpha": 0.05} | overrides
    )


@pytest.mark.parametrize(
    ("sizes", "is_asked"),
    [
        (np.ones(20), False),
        (np.ones(19), True),
        (np.r_[np.ones(200), np.full(3, 100.0)], True),
        (np.r_[np.ones(800), np.full(3, 100.0)], True),
        (np.r_[np.ones(2000), np.full(3, 100.0)], False),
    ],
    ids=["twenty", "nineteen", "heavy users", "less heavy ones", "users that are hardly heavy"],
)
def test_few_degrees_of_freedom_ask_the_sign_flips_too(sizes, is_asked):
    """Not how many clusters there are, but how many of them speak."""
    assert ("sign flips" in asked(sizes).method) == is_asked


def test_fewer_degrees_of_freedom_than_clusters_widen_the_interval():
    """An estimate may say that fewer clusters speak than there are."""
    sizes = np.ones(200)

    plain, limited = asked(sizes), asked(sizes, most_df=25.0)

    assert limited.df == 25.0
    assert limited.low < plain.low < plain.high < limited.high

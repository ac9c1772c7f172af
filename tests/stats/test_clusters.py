import numpy as np
import pytest

from harness.stats.clusters import Clusters


@pytest.mark.parametrize("codes", [[3, 1, 3, 3], [-7, -9, -7, -7], [10**12, 5, 10**12, 10**12]])
def test_any_integers_will_do(codes):
    """Codes need not start at 0, be dense, or be positive."""
    clusters = Clusters.of(codes)

    assert clusters.n_clusters == 2
    assert clusters.sizes.tolist() == [1.0, 3.0]
    assert clusters.totals([1.0, 10.0, 2.0, 3.0]).tolist() == [10.0, 6.0]


def test_floats_are_no_codes():
    """Codes that would have to be rounded are refused."""
    with pytest.raises(TypeError, match="cluster codes are float64, must be integers"):
        Clusters.of([0.5, 1.0])


def test_a_cluster_left_without_pairs_is_gone():
    """Leaving pairs out leaves no empty clusters, which would count as evidence."""
    clusters = Clusters.of([0, 0, 1, 2, 2]).where(np.array([True, False, False, True, True]))

    assert clusters.codes.tolist() == [0, 1, 1]
    assert clusters.sizes.tolist() == [1.0, 2.0]


def test_no_pairs_are_no_clusters():
    """Nothing in, nothing out, and no error."""
    assert Clusters.of([]).n_clusters == 0
    assert Clusters.of(np.empty(0, dtype=int)).totals([]).tolist() == []


def test_independent_pairs_are_clusters_of_one():
    """Every pair is a cluster of its own."""
    clusters = Clusters.independent(3)

    assert clusters.sizes.tolist() == [1.0, 1.0, 1.0]
    assert clusters.totals([5.0, 6.0, 7.0]).tolist() == [5.0, 6.0, 7.0]

"""Order within a cluster, none between clusters."""

from harness.traffic.ordering import ClusterOrder


def test_the_second_request_of_a_cluster_waits_for_the_first():
    """It is handed out by the answer to the first, and the third by the answer to the second."""
    order = ClusterOrder[str]()

    assert [order.offer("ann", name) for name in ("a1", "a2", "a3")] == [True, False, False]
    assert order.n_waiting == 2
    assert [order.answered("ann") for _ in range(3)] == ["a2", "a3", None]


def test_clusters_do_not_wait_for_each_other():
    """Ben goes although Ann is not answered."""
    order = ClusterOrder[str]()
    order.offer("ann", "a1")

    assert order.offer("ben", "b1")


def test_nothing_is_kept_of_a_cluster_that_is_done():
    """After its last answer a cluster starts anew."""
    order = ClusterOrder[str]()
    order.offer("ann", "a1")
    order.answered("ann")

    assert order.offer("ann", "a2")
    assert order.n_waiting == 0

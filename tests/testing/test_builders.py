"""Builders give ordinary nouns that fit together."""

from harness.exchange import Failure, FailureKind
from harness.testing.builders import exchange, failure, pair


def test_a_pair_is_of_one_request():
    """Both sides and the pair carry the same id, and champion stands first."""
    built = pair("r9")

    assert {built.request_id, built.champion.request_id, built.challenger.request_id} == {"r9"}
    assert (built.champion.deployment, built.challenger.deployment) == ("champion", "challenger")
    assert (built.champion.call_order, built.challenger.call_order) == (0, 1)


def test_a_request_without_a_user_is_its_own_unknown_cluster():
    """The cluster id is made up, and the pair says so."""
    assert (pair("r9").cluster_id, pair("r9").cluster_known) == ("r9", False)
    assert (pair("r9", cluster_id="u1").cluster_id, pair(cluster_id="u1").cluster_known) == (
        "u1",
        True,
    )


def test_a_failure_is_an_outcome_like_any_other():
    """An exchange takes what became of it."""
    timed_out = exchange(outcome=failure(FailureKind.TIMEOUT), latency_s=1.0)

    assert isinstance(timed_out.outcome, Failure)
    assert timed_out.timing.latency_s == 1.0

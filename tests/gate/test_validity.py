from __future__ import annotations

import math

import pytest

from harness.gate.policy import Policy
from harness.gate.validity import Missingness, Observed, validate
from harness.pair import Conservation, LossReason
from harness.verdict import Status
from tests.gate.evidence import checked, observed


def failed(seen: Observed) -> dict[str, str]:
    return {check.check: check.sentence for check in checked(seen) if check.status is Status.FAIL}


def test_a_sound_run_passes_every_check():
    """All nine, when everything is known."""
    sound = observed(lag_p99_s=0.004, n_champion_first=441, missingness=Missingness(0.3, 0.05))

    checks = checked(sound)

    assert [check.check for check in checks] == [
        "pairs",
        "conservation",
        "pairing_rate",
        "champion_answered",
        "duplicate_request_ids",
        "negative_latencies",
        "schedule_lag_p99_s",
        "missing_at_random",
        "call_order",
    ]
    assert {check.status for check in checks} == {Status.PASS}


def test_what_does_not_apply_is_not_checked():
    """Lateness only where latency is judged, order only where it was ours."""
    names = {check.check for check in checked(observed())}

    assert names.isdisjoint({"schedule_lag_p99_s", "missing_at_random", "call_order"})


LOST = {LossReason.SHED_LINK: 12, LossReason.SAMPLED_OUT: 100}


@pytest.mark.parametrize(
    ("changes", "check", "sentence"),
    [
        (
            {"n_pairs": 0, "conservation": Conservation(5, 0, {LossReason.SAMPLED_OUT: 5})},
            "pairs",
            "there is not one pair",
        ),
        (
            {"conservation": Conservation(1000, 900, LOST)},
            "conservation",
            "1,000 requests received, 1,012 accounted for",
        ),
        (
            {"conservation": Conservation(1012, 900, LOST)},
            "pairing_rate",
            "900 of 912 requests due became pairs (98.7 %), 99 % needed",
        ),
        (
            {"conservation": Conservation(0, 0)},
            "pairing_rate",
            "no request was due to be paired",
        ),
        (
            {"n_champion_failed": 900},
            "champion_answered",
            "the champion failed on 900 of 900 requests",
        ),
        ({"n_duplicate_ids": 2}, "duplicate_request_ids", "request ids that occur twice: 2"),
        ({"n_negative_latencies": 1}, "negative_latencies", "latencies below zero: 1"),
        (
            {"lag_p99_s": 0.061},
            "schedule_lag_p99_s",
            "our own lateness has a p99 of 61 ms, 50 ms allowed",
        ),
        (
            {"missingness": Missingness(1e-5, -0.4)},
            "missing_at_random",
            "requests with missing values differ from the others by 0.40 standard deviations "
            "(p = 1e-05), 0.1 allowed",
        ),
        (
            {"n_champion_first": 900},
            "call_order",
            "the champion was called first in 100 % of the pairs, half expected",
        ),
    ],
)
def test_each_way_to_be_no_evidence_is_named(changes, check, sentence):
    """One broken number at a time, and the sentence it gives."""
    assert failed(observed(**changes))[check] == sentence


@pytest.mark.parametrize(
    "missingness",
    [Missingness(1e-5, 0.05), Missingness(0.2, 0.5)],
    ids=["sure but small", "large but unsure"],
)
def test_missing_requests_must_differ_surely_and_by_enough(missingness):
    """Both conditions, so that neither huge runs nor tiny ones are called invalid for noise."""
    assert failed(observed(missingness=missingness)) == {}


def test_a_check_on_what_is_not_a_number_fails():
    """NaN is not `small`."""
    assert "missing_at_random" in failed(observed(missingness=Missingness(math.nan, 0.0)))
    assert "schedule_lag_p99_s" in failed(observed(lag_p99_s=math.nan))


def test_few_pairs_may_be_called_in_an_uneven_order():
    """14 of 20 is a fair coin's luck, 800 of 900 is not."""
    few = Conservation(20, 20)

    assert failed(observed(conservation=few, n_pairs=20, n_champion_first=14)) == {}
    assert "call_order" in failed(observed(n_champion_first=800))


def test_the_policy_sets_what_is_allowed():
    """`min_pairing_rate` and `max_lag_s` are the user's."""
    lax = Policy(rules=(), min_pairing_rate=0.9, max_lag_s=1.0)
    seen = observed(conservation=Conservation(1012, 900, LOST), lag_p99_s=0.5)

    assert {check.status for check in validate(seen, lax)} == {Status.PASS}

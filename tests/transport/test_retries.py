"""Whether and when something is sent again."""

import pytest

from harness.exchange import Failure, FailureKind, Response
from harness.transport.retries import Retries, back_off_s, next_pause_s, retry_after_s

NOON_NS = 1_735_732_800 * 10**9  # 2025-01-01 12:00:00 UTC
POLICY = Retries(n=2, back_off_s=1.0)


def pause(outcome, *, n_tries=1, policy=POLICY):
    return next_pause_s(policy, outcome, n_tries=n_tries, draw=lambda: 0.0, wall_ns=lambda: NOON_NS)


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Response(200), None),
        # a status may be wanted without counting as failed
        (Response(503), 0.5),
        (Failure(FailureKind.HTTP_ERROR, "", Response(503)), 0.5),
        (Failure(FailureKind.HTTP_ERROR, "", Response(500)), None),
        (Failure(FailureKind.CONNECT_ERROR, ""), 0.5),
        (Failure(FailureKind.DISCONNECTED, ""), None),
        # the partial answer of a failure says nothing about its status
        (Failure(FailureKind.DISCONNECTED, "", Response(503)), None),
        (Failure(FailureKind.TIMEOUT, ""), None),
        (Failure(FailureKind.UNREADABLE, ""), None),
        (Failure(FailureKind.HTTP_ERROR, "", Response(429, (("retry-after", "7"),))), 7.0),
        # our own pause is longer than what is asked
        (Failure(FailureKind.HTTP_ERROR, "", Response(429, (("Retry-After", "0"),))), 0.5),
    ],
)
def test_the_policy_says_what_is_tried_again(outcome, expected):
    """By status or by kind, and after how long."""
    assert pause(outcome) == expected


def test_retries_run_out():
    """Two more means three in all."""
    assert pause(Response(503), n_tries=2) == 1.0
    assert pause(Response(503), n_tries=3) is None


def test_without_retries_everything_stands():
    """The default."""
    assert pause(Response(503), policy=Retries()) is None


@pytest.mark.parametrize(
    ("n_tries", "draw", "expected"),
    [(1, 0.0, 0.5), (1, 1.0, 1.0), (2, 0.0, 1.0), (3, 0.5, 3.0), (10, 1.0, 5.0), (2000, 0.0, 2.5)],
)
def test_pauses_double_up_to_the_longest(n_tries, draw, expected):
    """Half of each is drawn."""
    assert back_off_s(POLICY, n_tries, draw) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0", 0.0),
        (" 120 ", 120.0),
        ("Wed, 01 Jan 2025 12:00:30 GMT", 30.0),
        ("Wed, 01 Jan 2025 11:00:00 GMT", 0.0),
        ("Wed, 01 Jan 2025 12:00:30 -0000", 30.0),
        ("soon", None),
        ("-1", None),
        ("1.5", None),
        ("", None),
        ("²", None),
    ],
)
def test_retry_after_in_both_its_forms(value, expected):
    """Seconds or a date; what is neither asks for nothing."""
    assert retry_after_s((("A", "b"), ("RETRY-after", value)), lambda: NOON_NS) == expected


def test_no_retry_after_asks_for_nothing():
    """None, which is not zero."""
    assert retry_after_s((("A", "b"),), lambda: NOON_NS) is None

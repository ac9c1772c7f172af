"""Mean time to an answer, up to the smaller timeout."""

import polars as pl
import pytest

from harness.collected import Collected
from harness.gate.policy import Policy
from harness.pair import Conservation
from harness.verdict import Arm
from harness.waiting import with_waiting
from tests.measure.tables import values

ROWS = [{"champion_latency_s": s} for s in (0.1, 0.2, 0.3)]
FAILED = {"champion_latency_s": 0.01, "champion_failed": True}


def waiting(*rows, given_up=None):
    table = values(*rows)
    conservation = Conservation(len(table), len(table))
    one = Collected("new", "old", table.lazy(), conservation, Policy(()), (), given_up=given_up)
    return with_waiting(Arm("old", {}, {}), one, "champion")


def given_up(*rows):
    columns = ("champion_outcome", "champion_latency_s")
    return pl.DataFrame(rows, schema=columns, orient="row")


def test_a_failure_never_answers():
    """It counts as the timeout of 2 s, not as the 10 ms it took to fail."""
    arm = waiting(*ROWS, FAILED)

    assert arm.horizon_s == 2.0
    assert arm.restricted_mean_s == pytest.approx((0.1 + 0.2 + 0.3 + 2.0) / 4)
    assert arm.n_given_up == 0


def test_what_was_given_up_on_counts_as_far_as_it_got():
    """Kaplan & Meier: after 0.25 s two remain of which one answers at 0.3 s, one is unknown; the
    rest of that curve is the other failure's."""
    arm = waiting(*ROWS, FAILED, given_up=given_up(("cancelled", 0.25)))

    # 1 until 0.1, 4/5 until 0.2, 3/5 until 0.3; then the one of two that still wait.
    assert arm.restricted_mean_s == pytest.approx(0.1 + 0.08 + 0.06 + 0.3 * 1.7)
    assert arm.n_given_up == 1
    assert arm.restricted_se_s > 0


def test_the_other_sides_answer_is_known_and_its_failure_too():
    """The client left the challenger: what the champion said, or failed to, is known in full."""
    answered = waiting(*ROWS, given_up=given_up(("ok", 0.4), ("timeout", 0.5)))

    assert answered.n_given_up == 0
    assert answered.restricted_mean_s == pytest.approx((0.1 + 0.2 + 0.3 + 0.4 + 2.0) / 5)


def test_without_a_timeout_there_is_no_horizon():
    """A log has none, so that nothing can be said about what failed."""
    arm = waiting({"champion_timeout_s": None, "challenger_timeout_s": None})

    assert (arm.horizon_s, arm.restricted_mean_s) == (None, None)

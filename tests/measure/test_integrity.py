"""How a run was collected."""

import pytest

from harness.measure.integrity import (
    Integrity,
    integrity,
    n_repeated,
    order_effect,
)
from harness.verdict import OrderEffect
from tests.measure.tables import values

ROWS = (
    {"champion_sender_lag_s": 0.001, "challenger_sender_lag_s": 0.2, "content_hash": "a"},
    {"request_id": "r0", "content_hash": "b", "challenger_latency_s": -0.1},
    {"champion_order": 1, "champion_latency_s": 0.3, "content_hash": "a"},
    {"champion_order": 1, "champion_failed": True, "champion_latency_s": 9.0},
)


def test_lateness_clocks_ids_and_failures_are_looked_at():
    """The side where we were later counts, and nothing is hidden by the other."""
    seen = integrity(values(*ROWS))

    assert seen == Integrity(
        n_rows=4,
        lag_p99_s=0.2,
        n_negative_latencies=1,
        n_repeated_ids=1,
        n_failed={"champion": 1, "challenger": 0},
        n_champion_first=seen.n_champion_first,
    )
    assert 0 <= seen.n_champion_first <= 4


def test_repeated_content_is_counted():
    """One of the four asks what another has asked."""
    assert n_repeated(values(*ROWS).lazy(), "content_hash") == 1


def test_a_side_asked_later_may_profit():
    """Medians by who was first; failed exchanges do not count."""
    table = values(*ROWS)

    assert order_effect(table, "champion") == OrderEffect(
        "champion", pytest.approx(0.1), pytest.approx(0.3), 2, 1
    )
    assert order_effect(table, "challenger") == OrderEffect(
        "challenger", pytest.approx(0.1), None, 4, 0
    )


def test_an_empty_table_is_no_trouble():
    """Nothing collected, nothing known."""
    empty = values({}).clear().lazy()

    seen = integrity(empty)

    assert seen.lag_p99_s is None
    assert (seen.n_rows, seen.n_negative_latencies, seen.n_repeated_ids) == (0, 0, 0)
    assert order_effect(empty, "champion") == OrderEffect("champion", None, None, 0, 0)

"""How a run was collected."""

import pytest

from harness.measure.integrity import Integrity, OrderEffect, integrity
from tests.measure.tables import values


def test_lateness_clocks_ids_and_contents_are_looked_at():
    """The side where we were later counts, and nothing is hidden by the other."""
    table = values(
        {"champion_sender_lag_s": 0.001, "challenger_sender_lag_s": 0.2, "content_hash": "a"},
        {"request_id": "r0", "content_hash": "b", "challenger_latency_s": -0.1},
        {"champion_order": 1, "champion_latency_s": 0.3, "content_hash": "a"},
        {"champion_order": 1, "champion_failed": True, "champion_latency_s": 9.0},
    )

    seen = integrity(table)

    assert seen == Integrity(
        lag_p99_s=0.2,
        n_negative_latencies=1,
        n_repeated_ids=1,
        repeated_content_share=0.25,
        order={
            "champion": OrderEffect(pytest.approx(0.1), pytest.approx(0.3), 2, 1),
            "challenger": OrderEffect(pytest.approx(0.1), None, 4, 0),
        },
    )


def test_an_empty_table_is_no_trouble():
    """Nothing collected, nothing known."""
    seen = integrity(values({}).clear().lazy())

    assert seen.lag_p99_s is None
    assert (seen.n_negative_latencies, seen.n_repeated_ids) == (0, 0)
    assert seen.repeated_content_share == 0.0
    assert seen.order["champion"] == OrderEffect(None, None, 0, 0)

"""One side by itself."""

from harness.measure.arms import arm
from harness.verdict import Arm
from tests.measure.tables import values


def test_an_arm_counts_outcomes_and_describes_what_succeeded():
    """Latencies are those of answers; cost is the sum of what was billed."""
    table = values(
        *({"champion_latency_s": i / 100, "champion_cost_usd": 0.5} for i in range(1, 101)),
        {"champion_failed": True, "champion_failure": "timeout", "champion_latency_s": 9.0},
        {"champion_latency_s": None},
    )

    assert arm(table, "champion", "digits-logreg") == Arm(
        "digits-logreg",
        outcomes={"ok": 101, "timeout": 1},
        latency_s={"mean": 0.505, "p50": 0.5, "p95": 0.95, "p99": 0.99},
        cost_usd=50.0,
    )


def test_an_arm_without_values_has_none():
    """Nothing known is None, not zero."""
    table = values({"champion_failed": True, "champion_failure": "shed"})

    described = arm(table.lazy(), "champion", "x")

    assert described.outcomes == {"shed": 1}
    assert described.latency_s == {"mean": None, "p50": None, "p95": None, "p99": None}
    assert described.cost_usd is None

"""Each side by itself, for the reader: how it ended, how long it took, what it cost."""

from __future__ import annotations

import polars as pl

from harness.verdict import Arm

_QUANTILES = {"p50": 0.50, "p95": 0.95, "p99": 0.99}


def arm(values: pl.DataFrame | pl.LazyFrame, side: str, deployment: str) -> Arm:
    """Describe one side of a value table.

    Latencies are those of the exchanges that did not fail, so that they can be read beside the
    outcomes; rules count failures in (see `harness.measure.sides`). Nothing here is judged.

    Args:
        side: `champion` or `challenger`.
        deployment: Its name.
    """
    failure, latency, cost = (
        pl.col(f"{side}_{name}") for name in ("failure", "latency_s", "cost_usd")
    )
    seconds = latency.filter(failure.is_null()).drop_nulls()
    lazy = values.lazy()
    counts = (
        lazy.select(outcome=failure.fill_null("ok"))
        .group_by("outcome")
        .len()
        .sort("len", "outcome", descending=[True, False])
        .collect()
    )
    # One expression for each number, so that they are computed beside each other.
    seen = (
        lazy.select(
            mean=seconds.mean(),
            **{name: seconds.quantile(p, "equiprobable") for name, p in _QUANTILES.items()},
            cost=pl.when(cost.count() > 0).then(cost.sum()),
        )
        .collect()
        .row(0, named=True)
    )
    return Arm(
        deployment,
        outcomes=dict(counts.iter_rows()),
        latency_s={name: _number(seen[name]) for name in ("mean", *_QUANTILES)},
        cost_usd=_number(seen["cost"]),
    )


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None

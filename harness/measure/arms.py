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
    failure, latency, cost = (f"{side}_{name}" for name in ("failure", "latency_s", "cost_usd"))
    frame = values.lazy().select(failure, latency, cost).collect()
    counts = frame[failure].fill_null("ok").value_counts(sort=True)
    seconds = frame.filter(pl.col(failure).is_null())[latency].drop_nulls()
    return Arm(
        deployment,
        outcomes=dict(counts.iter_rows()),
        latency_s={
            "mean": _number(seconds.mean()),
            **{
                name: _number(seconds.quantile(p, interpolation="equiprobable"))
                for name, p in _QUANTILES.items()
            },
        },
        cost_usd=_number(frame[cost].sum()) if frame[cost].count() else None,
    )


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None

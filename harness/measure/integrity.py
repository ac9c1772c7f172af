"""Whether a run was collected as it should have been: what validity checks look at."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

_SIDES = ("champion", "challenger")


@dataclass(frozen=True, slots=True)
class OrderEffect:
    """One side's median latency when it was asked first, and when it was not.

    A side that is faster when asked later profits from what the other one warmed up.

    Attributes:
        first_s: None when it never was, or failed each time; `later_s` likewise.
    """

    first_s: float | None
    later_s: float | None
    n_first: int
    n_later: int


@dataclass(frozen=True, slots=True)
class Integrity:
    """What a value table tells about how it came to be.

    Attributes:
        lag_p99_s: 99th percentile of the measuring process's own lateness, of the side where it
            is larger; None when nothing was sent.
        n_negative_latencies: Latencies below 0 on either side: a clock that stepped.
        n_repeated_ids: Rows whose request id stood before; ids are unique, so that it is 0.
        repeated_content_share: Share of rows with the content of an earlier row: health checks,
            retries, or a log made of few requests.
        order: By side.
    """

    lag_p99_s: float | None
    n_negative_latencies: int
    n_repeated_ids: int
    repeated_content_share: float
    order: dict[str, OrderEffect]


def integrity(values: pl.DataFrame | pl.LazyFrame) -> Integrity:
    """Look at how the pairs of a value table were collected."""
    lazy = values.lazy()
    seen = lazy.select(
        n=pl.len(),
        n_ids=pl.col("request_id").n_unique(),
        n_contents=pl.col("content_hash").n_unique(),
        lag=pl.max_horizontal(
            pl.col(f"{side}_sender_lag_s").quantile(0.99, interpolation="equiprobable")
            for side in _SIDES
        ),
        n_negative=pl.sum_horizontal((pl.col(f"{side}_latency_s") < 0).sum() for side in _SIDES),
    ).collect()
    n, n_ids, n_contents, lag, n_negative = seen.row(0)
    return Integrity(
        lag_p99_s=lag,
        n_negative_latencies=n_negative,
        n_repeated_ids=n - n_ids,
        repeated_content_share=(n - n_contents) / n if n else 0.0,
        order={side: _order_effect(lazy, side) for side in _SIDES},
    )


def _order_effect(values: pl.LazyFrame, side: str) -> OrderEffect:
    latency = pl.col(f"{side}_latency_s").filter(~pl.col(f"{side}_failed"))
    is_first = (pl.col(f"{side}_order") == 0).filter(~pl.col(f"{side}_failed"))
    first, later = latency.filter(is_first), latency.filter(~is_first)
    seen = values.select(
        first_s=first.median(), later_s=later.median(), n_first=first.count(), n_later=later.count()
    ).collect()
    return OrderEffect(**seen.row(0, named=True))

"""Whether a run was collected as it should have been: what validity checks look at."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from harness.verdict import OrderEffect

_SIDES = ("champion", "challenger")


@dataclass(frozen=True, slots=True)
class Integrity:
    """What a value table tells about how it came to be.

    Attributes:
        lag_p99_s: 99th percentile of the measuring process's own lateness, of the side where it
            is larger; None when nothing was sent.
        n_negative_latencies: Latencies below 0 on either side: a clock that stepped.
        n_repeated_ids: Rows whose request id stood before; ids are unique, so that it is 0.
        n_failed: By side, rows without a usable answer.
        n_champion_first: Rows in which the champion was called before the challenger.
    """

    n_rows: int
    lag_p99_s: float | None
    n_negative_latencies: int
    n_repeated_ids: int
    n_failed: dict[str, int]
    n_champion_first: int


def integrity(values: pl.DataFrame | pl.LazyFrame) -> Integrity:
    """Look at how the pairs of a value table were collected."""
    lazy = values.lazy()
    seen = (
        lazy.select(
            n=pl.len(),
            lag=pl.max_horizontal(
                pl.col(f"{side}_sender_lag_s").quantile(0.99, interpolation="equiprobable")
                for side in _SIDES
            ),
            n_negative=pl.sum_horizontal(
                (pl.col(f"{side}_latency_s") < 0).sum() for side in _SIDES
            ),
            champion=pl.col("champion_failed").sum(),
            challenger=pl.col("challenger_failed").sum(),
            n_champion_first=(pl.col("champion_order") < pl.col("challenger_order")).sum(),
        )
        .collect()
        .row(0, named=True)
    )
    return Integrity(
        n_rows=seen["n"],
        lag_p99_s=seen["lag"],
        n_negative_latencies=seen["n_negative"],
        n_repeated_ids=n_repeated(lazy, "request_id"),
        n_failed={side: seen[side] for side in _SIDES},
        n_champion_first=seen["n_champion_first"],
    )


def n_repeated(values: pl.LazyFrame, column: str) -> int:
    """Rows whose value of a column stood before: health checks and retries, for `content_hash`.

    Counted by 64-bit hashes, which are fast to count; as many hashes as rows are as many values.
    Only where that is not so are the values themselves counted.
    """
    n, n_hashes = (
        values.select(n=pl.len(), hashes=pl.col(column).hash().n_unique()).collect().row(0)
    )
    if n_hashes == n:
        return 0
    return int(n - values.select(pl.col(column).n_unique()).collect().item())


def order_effect(values: pl.DataFrame | pl.LazyFrame, side: str) -> OrderEffect:
    """One side's median latency by whether it was asked first; failed exchanges aside."""
    latency = pl.col(f"{side}_latency_s").filter(~pl.col(f"{side}_failed"))
    is_first = (pl.col(f"{side}_order") == 0).filter(~pl.col(f"{side}_failed"))
    first, later = latency.filter(is_first), latency.filter(~is_first)
    seen = (
        values.lazy()
        .select(
            first_s=first.median(),
            later_s=later.median(),
            n_first=first.count(),
            n_later=later.count(),
        )
        .collect()
    )
    return OrderEffect(side, **seen.row(0, named=True))

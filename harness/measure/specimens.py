"""Pairs that stand for many, and how many there are of each kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from harness.measure.disagreements import differs, size

MOST_WAYS = 6
_MOST_COMPARISONS = 60
"""A way to differ is a set of comparisons, kept as the bits of a number."""


def typical(
    values: pl.LazyFrame, comparisons: Sequence[str], *, most: int = MOST_WAYS
) -> dict[str, int]:
    """For the most frequent ways to differ, a pair that differs as much as most of them do.

    A way is the set of comparisons that differ, and whether the challenger alone failed.

    Args:
        most: How many ways.

    Returns:
        The id of each way's pair of median size, and how many pairs differ in that way; the most
        frequent way first.
    """
    bits = [
        differs(name).cast(pl.Int64) * (1 << i)
        for i, name in enumerate(comparisons[:_MOST_COMPARISONS])
    ]
    failed = (pl.col("challenger_failed") & ~pl.col("champion_failed")).cast(pl.Int64)
    way = pl.sum_horizontal(*bits, failed * (1 << _MOST_COMPARISONS))
    middle = pl.col("row").sort_by("size", "row").get((pl.len() - 1) // 2)
    chosen = (
        values.select(way=way, size=size(comparisons))
        .with_row_index("row")
        .filter(pl.col("size") > 0)
        .group_by("way")
        .agg(n=pl.len(), row=middle)
        .sort("n", "row", descending=[True, False])
        .head(most)
        .collect()
    )
    ids = (
        values.select("request_id")
        .with_row_index("row")
        .filter(pl.col("row").is_in(chosen["row"].implode()))
        .collect()
    )
    named = dict(ids.select("row", "request_id").iter_rows())
    return {named[row]: n for n, row in chosen.select("n", "row").iter_rows()}


def disagreeing(values: pl.LazyFrame, comparisons: Sequence[str]) -> Mapping[str, tuple[int, int]]:
    """By comparison, on how many pairs the two differ, and how many could be compared."""
    if not comparisons:
        return {}
    row = (
        values.select(
            *(differs(name).sum().alias(f"n {name}") for name in comparisons),
            *(pl.col(f"{name}.agree").count().alias(f"of {name}") for name in comparisons),
        )
        .collect()
        .row(0, named=True)
    )
    return {name: (row[f"n {name}"], row[f"of {name}"]) for name in comparisons}


def failing(values: pl.LazyFrame) -> dict[str, int]:
    """How many pairs no side failed, or which of them did."""
    sides = ("champion_failed", "challenger_failed")
    counted = values.group_by(sides).len().collect()
    found = {(left, right): n for left, right, n in counted.iter_rows()}
    named = {
        "both answered": found.get((False, False), 0),
        "champion alone failed": found.get((True, False), 0),
        "challenger alone failed": found.get((False, True), 0),
        "both failed": found.get((True, True), 0),
    }
    return {name: n for name, n in named.items() if n}

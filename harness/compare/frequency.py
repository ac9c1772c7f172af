"""Which JSON paths differ how often, over many pairs."""

from __future__ import annotations

import polars as pl

from harness.verdict import PathDifference


def path_differences(comparison: str, paths: pl.Series, *, most: int = 20) -> list[PathDifference]:
    """Count in how many pairs each path differs, the most frequent first.

    Positions in a list are put together (`$.items[3].id` counts for `$.items[*].id`), and a path
    counts once for a pair.

    Args:
        comparison: Name of the comparison, carried into the result.
        paths: One list of differing paths per pair, empty where the two agree, null where they were
            not compared; such pairs are not in the denominator of the share.
        most: How many paths to give.
    """
    n_compared = len(paths) - paths.null_count()
    counts = (
        pl.DataFrame({"pair": pl.arange(len(paths), eager=True), "path": paths})
        .filter(pl.col("path").list.len() > 0)
        .explode("path")
        .with_columns(pl.col("path").str.replace_all(r"\[\d+\]", "[*]"))
        .unique()
        .group_by("path")
        .len("n_differ")
        .sort("n_differ", "path", descending=[True, False])
        .head(most)
    )
    return [
        PathDifference(comparison, path, n_differ, n_differ / n_compared)
        for path, n_differ in counts.iter_rows()
    ]

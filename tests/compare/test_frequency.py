"""Which paths differ how often."""

import polars as pl

from harness.compare.frequency import path_differences
from harness.verdict import PathDifference


def test_paths_are_counted_once_per_pair_with_positions_together():
    """`[0]` and `[7]` are the same place; pairs that were not compared do not count."""
    paths = pl.Series(
        "body.paths",
        [["$.a", "$.items[0].id", "$.items[7].id"], ["$.items[3].id"], [], None],
        dtype=pl.List(pl.String),
    )

    assert path_differences("body", paths) == [
        PathDifference("body", "$.items[*].id", 2, 2 / 3),
        PathDifference("body", "$.a", 1, 1 / 3),
    ]
    assert path_differences("body", paths, most=1) == [
        PathDifference("body", "$.items[*].id", 2, 2 / 3)
    ]


def test_no_pairs_no_paths():
    """Nothing compared gives nothing, not a division by zero."""
    assert path_differences("body", pl.Series([], dtype=pl.List(pl.String))) == []
    assert path_differences("body", pl.Series([None, []], dtype=pl.List(pl.String))) == []

"""Enough of a long table for checks of how it came about.

An estimate uses every pair. A check of whether missing values or the order of calls have a pattern
has all the power it needs, and more than it should have, on a million.
"""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from harness.collected import Collected

MOST_ROWS = 1_000_000

_LONG_TEXTS = ("request_id", "content_hash")
"""Columns that no such check reads, and that take most of the room."""


def glimpse(one: Collected) -> Collected:
    """The same with the values of some clusters, whole ones and drawn by their ids alone."""
    n_rows = one.values.select(pl.len()).collect().item()
    if n_rows <= MOST_ROWS:
        return one
    every = -(-n_rows // MOST_ROWS)
    drawn = one.values.drop(_LONG_TEXTS).filter(pl.col("cluster_id").hash() % every == 0)
    return replace(one, values=drawn.collect().lazy())

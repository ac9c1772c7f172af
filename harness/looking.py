"""The rows of a value table in the order they came, where a run may be looked at any time."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harness.gate.policy import Policy, Sequential
from harness.stats.arrival import Arrival
from harness.stats.clusters import Clusters
from harness.stats.sequential import Looking

ARRIVAL_KEYS = ("received_at", "cluster_id", "request_id")
"""What tells the order in which rows came, whatever order they are stored in."""


def looking_at(values: pl.LazyFrame, clusters: Clusters, policy: Policy) -> Looking:
    """The rows of a value table in the order they came, whatever order they are stored in."""
    order = values.select(pl.arg_sort_by(ARRIVAL_KEYS)).collect().to_series().to_numpy()
    arrival = Arrival.of(order, clusters.codes)
    matured = None
    if policy.sequential is Sequential.STRICT:
        at = values.select(pl.col("received_at").dt.epoch("ns")).collect().to_series().to_numpy()
        matured = arrival.matured(at[order], policy.window_s)
    return Looking(arrival, planned_pairs=policy.planned_pairs, matured=matured)


def part_of(looking: Looking, rows: NDArray[np.bool_]) -> Looking:
    """The same for some of the rows, `rows` in the order of the table."""
    keep = rows[looking.arrival.order]
    matured = None if looking.matured is None else looking.matured[keep]
    return Looking(looking.arrival.where(keep), matured=matured)

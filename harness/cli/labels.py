"""Labels that came later: which of a run's requests have one that counts.

A label counts where it came within the maturity window after its request, and only for clusters
whose last request is older than that window when the last feedback came: labels that come fast are
of another kind than those that take their time, and a young part of a run has the fast ones alone.
"""

from __future__ import annotations

import polars as pl

from harness.feedback import FeedbackKind
from harness.store.feedback import feedback
from harness.store.reader import StoredRun


def labels(run: StoredRun, maturity_s: float | None) -> pl.DataFrame:
    """Our request id and the right label as JSON text, of the requests that have one.

    Of several labels of one request the last one said counts.
    """
    said = feedback(run.path)
    found = (
        said.filter(pl.col("kind") == FeedbackKind.LABEL.value)
        .sort("at", maintain_order=True)
        .join(requests_of(run), on="request_id", how="inner", maintain_order="left")
    )
    if maturity_s is not None and len(found):
        window = pl.duration(nanoseconds=int(maturity_s * 1e9))
        as_of = said["at"].max()
        found = found.filter(
            pl.col("at") <= pl.col("received_at") + window,
            pl.lit(as_of) >= pl.col("last_of_cluster") + window,
        )
    last = found.unique("request_id", keep="last", maintain_order=True)
    return last.select("request_id", pl.col("value").alias("truth"))


def requests_of(run: StoredRun) -> pl.DataFrame:
    """A run's requests: their ids, when they came, and when their cluster's last one did."""
    columns = ["request_id", "external_id", "cluster_id", "received_at"]
    every = [run.scan(name, columns).collect() for name in run.challengers]
    rows = pl.concat(every).unique("request_id", maintain_order=True)
    return rows.with_columns(last_of_cluster=pl.col("received_at").max().over("cluster_id"))


def with_labels(pairs: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """Pairs whose truth is what feedback says, and nothing else."""
    order = pairs.columns
    joined = pairs.drop("truth").join(found, on="request_id", how="left", maintain_order="left")
    return joined.select(order)

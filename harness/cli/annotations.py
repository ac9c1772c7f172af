"""What was said about stored pairs, beside their values. Asks nobody."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from harness.config import Config
from harness.config.annotation import Classifier, Judge
from harness.preference import columns_of
from harness.store.annotations import annotation

_SIDES = ("champion", "challenger")


def with_annotations(values: pl.LazyFrame, run: Path, of: str, config: Config) -> pl.LazyFrame:
    """A challenger's value table beside what was said about its pairs."""
    added: list[pl.DataFrame] = []
    for one in config.annotators:
        found = annotation(run, one.name)
        if found is None:
            continue
        rows = values.select("request_id").collect()
        own = found.filter(pl.col("challenger") == of).drop("challenger").unique("request_id")
        joined = rows.join(own, on="request_id", how="left", maintain_order="left")
        added.append(joined.select(_columns(one)))
    if not added:
        return values
    # Side by side, not joined: what reads other columns does not pay for it.
    return pl.concat([values, *(one.lazy() for one in added)], how="horizontal")


def _columns(one: Judge | Classifier) -> list[pl.Expr]:
    match one:
        case Judge():
            preference, slot, same = columns_of(one.name)
            return [
                pl.col("preference").alias(preference),
                pl.col("first_slot").alias(slot),
                pl.col("same").fill_null(value=False).alias(same),
            ]
        case Classifier():
            return [
                pl.col(f"{side}_value").alias(f"{side}_annotation.{one.name}") for side in _SIDES
            ]

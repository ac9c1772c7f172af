"""From the value table to the numbers a statistic sees: one array for each side, or one for pairs.

Every request counts for the side it was put to (intention to treat): leaving failures out would
flatter the side that fails on the hard requests. A failed exchange counts as the worst there is:

    latency, first byte,  mean: the smaller of the two timeouts; quantile: infinite;
    times of a stream     exceedance: exceeded
    tokens per second     none
    accuracy              wrong
    format                violated
    refusal               missing: nobody knows what it would have said
    numeric output        its configured `worst`; without one it is missing
    cost, tokens          as billed

Missing is NaN, never zero. The worst rank for a failure is that of Lachin 1999.
"""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harness.measure.catalog import STREAM_TIMES
from harness.metric import Exceedance, Metric, Quantile, Sides

Floats: TypeAlias = NDArray[np.float64]

_TIMES = ("latency_s", "first_byte_s", *STREAM_TIMES)


def needed_columns(metric: Metric) -> list[str]:
    """The columns of the value table that a metric is computed from."""
    return sorted({name for expr in value_exprs(metric) for name in expr.meta.root_names()})


def value_exprs(metric: Metric) -> list[pl.Expr]:
    """What `sides` or `pair_values` compute, as expressions over the value table; null for none."""
    if metric.sides is Sides.PAIR:
        return [_pair(metric.quantity)]
    return [_side(metric, side) for side in ("champion", "challenger")]


def sides(metric: Metric, values: pl.DataFrame | pl.LazyFrame) -> tuple[Floats, Floats]:
    """Champion's and challenger's values, row by row; yes is 1, no is 0, missing is NaN.

    Args:
        values: The value table, or at least the needed columns of it.

    Raises:
        ValueError: The metric is one of pairs.
    """
    if metric.sides is not Sides.BOTH:
        raise ValueError(f"{metric.name} has one value for the pair")
    champion, challenger = _computed(metric, values)
    return champion, challenger


def pair_values(metric: Metric, values: pl.DataFrame | pl.LazyFrame) -> Floats:
    """The value of each pair, larger is worse; NaN where a side failed or has none.

    Raises:
        ValueError: The metric is one of sides.
    """
    if metric.sides is not Sides.PAIR:
        raise ValueError(f"{metric.name} has a value on each side")
    (pair,) = _computed(metric, values)
    return pair


def _computed(metric: Metric, values: pl.DataFrame | pl.LazyFrame) -> list[Floats]:
    exprs = [
        expr.cast(pl.Float64).fill_null(math.nan).alias(str(i))
        for i, expr in enumerate(value_exprs(metric))
    ]
    frame = values.lazy().select(exprs).collect()
    return [column.to_numpy() for column in frame.iter_columns()]


def _pair(quantity: str) -> pl.Expr:
    if quantity == "negative_flip":
        return pl.col("champion_correct") & ~pl.col("challenger_correct")
    if quantity.endswith(".agree"):
        return ~pl.col(quantity)
    return pl.col(quantity)


def _side(metric: Metric, side: str) -> pl.Expr:
    failed = pl.col(f"{side}_failed")
    stem, _, kind = metric.quantity.partition(".")
    if stem == "failure":
        return (pl.col(f"{side}_failure") == kind).fill_null(value=False)
    value = pl.col(f"{side}_{metric.quantity}")
    if metric.quantity in _TIMES:
        return _time(metric, value, failed)
    if stem in ("output", "annotation"):
        value = pl.when(failed).then(pl.lit(metric.worst, pl.Float64)).otherwise(value)
    if metric.quantity == "misformatted":
        return failed | value
    if metric.quantity == "tokens_per_s":
        value = pl.when(failed).then(0.0).otherwise(value)
    match metric.statistic:
        case Exceedance(limit):
            return value > limit
        case _:
            return value


def _time(metric: Metric, value: pl.Expr, failed: pl.Expr) -> pl.Expr:
    match metric.statistic:
        case Exceedance(limit):
            return failed | (value > limit)
        case Quantile():
            return pl.when(failed).then(math.inf).otherwise(value)
        case _:
            deadline = pl.min_horizontal("champion_timeout_s", "challenger_timeout_s")
            return pl.when(failed).then(deadline).otherwise(value)

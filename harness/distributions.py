"""How a quantity lies on both sides, for the reader: bins and quantiles of any number of rows.

Bins are counted over every row, in pieces. The quantile curve asks the estimator of quantiles at
many places, which takes rows in memory: of a long table it asks about some clusters, whole ones,
drawn by their ids alone. Nothing here is judged.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import polars as pl

from harness.cells import collect
from harness.collected import Collected
from harness.measure.sides import sides
from harness.metric import Better, Metric, Quantile, Unit
from harness.part import clusters_of
from harness.report.material import Distribution, QuantileCurve, QuantilePoint
from harness.stats.quantile import quantile_harm
from harness.stats.rank_window import rank_of
from harness.vantage import TIMES
from harness.verdict import Estimate, Unavailable

QUANTITIES = {"latency_s": Unit.SECONDS, "first_byte_s": Unit.SECONDS, "cost_usd": Unit.USD}
"""What is drawn where both sides have it."""

N_BINS = 48
MOST_ROWS = 250_000
"""Rows a curve is drawn from; its band is then thinner than its line."""

_PLACES = (
    0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.925, 0.95, 0.97, 0.98, 0.99,
    0.995, 0.999,
)  # fmt: skip
_FEWEST_BEYOND = 3
"""A quantile with fewer values beyond it is next to the largest value, and says nothing."""

_LOGARITHMIC_FROM = 8.0
"""Largest over smallest value from which bins have equal ratios."""

_SIDES = ("champion", "challenger")


def distributions(one: Collected) -> tuple[Distribution, ...]:
    """Every quantity that both sides have, in bins; champion and challenger in the same ones."""
    return tuple(
        seen
        for quantity, unit in _drawn_of(one)
        if (seen := _distribution(_table(one, quantity), quantity, unit)) is not None
    )


def quantile_curves(one: Collected, *, most_rows: int = MOST_ROWS) -> tuple[QuantileCurve, ...]:
    """Differences of the quantiles of every quantity that both sides have.

    Args:
        most_rows: How many a curve is drawn from, about.
    """
    return tuple(
        curve
        for quantity, unit in _drawn_of(one)
        if (curve := _curve(one, quantity, unit, most_rows)) is not None
    )


def _drawn_of(one: Collected) -> Iterator[tuple[str, Unit]]:
    """The first byte only where a rule asks for it: of a short answer it is all there is."""
    asked = {metric.quantity for metric in one.metrics}
    for quantity, unit in QUANTITIES.items():
        if quantity != "first_byte_s" or quantity in asked:
            yield quantity, unit


def _table(one: Collected, quantity: str) -> pl.LazyFrame:
    """Live, times of both sides are from one place where there are such."""
    if quantity in TIMES and one.from_one_place is not None:
        return one.from_one_place
    return one.values


def _distribution(values: pl.LazyFrame, quantity: str, unit: Unit) -> Distribution | None:
    answered = {
        side: pl.col(f"{side}_{quantity}").filter(~pl.col(f"{side}_failed")).drop_nulls()
        for side in _SIDES
    }
    seen = (
        collect(
            values.select(
                **{f"low_{side}": column.min() for side, column in answered.items()},
                **{f"high_{side}": column.max() for side, column in answered.items()},
                **{f"limit_{side}": pl.col(f"{side}_timeout_s").max() for side in _SIDES},
            )
        )
        .cast(pl.Float64)
        .row(0, named=True)
    )
    lows, highs = ([seen[f"{end}_{side}"] for side in _SIDES] for end in ("low", "high"))
    if any(end is None or not math.isfinite(end) for end in (*lows, *highs)):
        return None
    is_time = unit is Unit.SECONDS
    edges, is_logarithmic = _edges(min(lows), max(highs))
    counts = _counts(values, quantity, edges, is_logarithmic)
    failed = _failed(values)
    return Distribution(
        quantity=quantity,
        unit=unit,
        edges=tuple(edges),
        champion=counts["champion"],
        challenger=counts["challenger"],
        champion_failed=failed["champion"] if is_time else {},
        challenger_failed=failed["challenger"] if is_time else {},
        timeouts={
            side: seen[f"limit_{side}"] for side in _SIDES if is_time and seen[f"limit_{side}"]
        },
        is_logarithmic=is_logarithmic,
    )


def _edges(low: float, high: float) -> tuple[list[float], bool]:
    """Of bins that hold every value, the largest too."""
    if not high > low:
        room = abs(low) / 2 or 0.5
        return np.linspace(low - room, low + room, N_BINS + 1).tolist(), False
    is_logarithmic = low > 0 and high / low >= _LOGARITHMIC_FROM
    spaced = np.geomspace if is_logarithmic else np.linspace
    return spaced(low, high, N_BINS + 1).tolist(), is_logarithmic


def _counts(
    values: pl.LazyFrame, quantity: str, edges: Sequence[float], is_logarithmic: bool
) -> dict[str, tuple[int, ...]]:
    """How many answered exchanges of each side lie in each bin."""
    found, n_bins = {}, len(edges) - 1
    for side in _SIDES:
        place = _placed(pl.col(f"{side}_{quantity}"), edges, is_logarithmic)
        bins = (place * n_bins).floor().clip(0, n_bins - 1).cast(pl.Int16).alias("bin")
        answered = ~pl.col(f"{side}_failed") & pl.col(f"{side}_{quantity}").is_not_null()
        counted = collect(values.filter(answered).select(bins).group_by("bin").len())
        by_bin = dict(counted.iter_rows())
        found[side] = tuple(by_bin.get(i, 0) for i in range(n_bins))
    return found


def _placed(value: pl.Expr, edges: Sequence[float], is_logarithmic: bool) -> pl.Expr:
    """Where values lie between the first edge, 0, and the last, 1."""
    low, high = edges[0], edges[-1]
    if is_logarithmic:
        return (value / low).log() / math.log(high / low)
    return (value - low) / (high - low)


def _failed(values: pl.LazyFrame) -> dict[str, Mapping[str, int]]:
    failed: dict[str, Mapping[str, int]] = {}
    for side in _SIDES:
        kinds = values.filter(pl.col(f"{side}_failed")).group_by(f"{side}_failure").len()
        failed[side] = {kind or "failed": n for kind, n in sorted(collect(kinds).iter_rows())}
    return failed


def _curve(one: Collected, quantity: str, unit: Unit, most_rows: int) -> QuantileCurve | None:
    table = _table(one, quantity)
    names = ["cluster_id", *(f"{side}_{name}" for side in _SIDES for name in (quantity, "failed"))]
    drawn = _drawn(table.select(names), most_rows)
    metric = Metric(quantity, quantity, Quantile(0.5), unit, Better.LOWER)
    champion, challenger = sides(metric, drawn)
    known = ~(np.isnan(champion) | np.isnan(challenger))
    if np.count_nonzero(known) < 2:
        return None
    clusters = clusters_of(drawn.lazy())
    n = int(np.count_nonzero(known))
    left, right = np.sort(champion[known]), np.sort(challenger[known])
    points = []
    for p in _places(n):
        found = quantile_harm(
            champion,
            challenger,
            clusters,
            p=p,
            better=Better.LOWER,
            null=0.0,
            confidence=one.policy.confidence,
            metric=quantity,
            unit=unit,
        )
        at = rank_of(p, n)
        points.append(_point(p, float(left[at]), float(right[at]), found))
    return QuantileCurve(quantity, unit, tuple(points), one.policy.confidence, n)


def _places(n: int) -> Iterator[float]:
    yield from (p for p in _PLACES if n * min(p, 1 - p) >= _FEWEST_BEYOND)


def _point(
    p: float, champion: float, challenger: float, found: Estimate | Unavailable
) -> QuantilePoint:
    """A failure is infinitely late; what lies among failures has no number."""
    ends = (math.inf, math.inf)
    if isinstance(found, Estimate):
        ends = (found.harm_low, found.harm_high)
    is_known = math.isfinite(champion) and math.isfinite(challenger)
    has_band = is_known and all(map(math.isfinite, ends))
    return QuantilePoint(
        p=p,
        champion=champion if math.isfinite(champion) else None,
        challenger=challenger if math.isfinite(challenger) else None,
        difference=challenger - champion if is_known else None,
        low=ends[0] if has_band else None,
        high=ends[1] if has_band else None,
    )


def _drawn(table: pl.LazyFrame, most_rows: int) -> pl.DataFrame:
    """All rows, or those of some clusters."""
    n_rows = table.select(pl.len()).collect().item()
    every = -(-n_rows // most_rows)
    if every > 1:
        table = table.filter(pl.col("cluster_id").hash() % every == 0)
    return collect(table)

"""How much a challenger differs from the champion beyond what the champion differs from itself.

Where a share of the requests was put to the champion twice, a value table gets two columns more for
each comparison:

    <name>.own      whether the champion's two answers disagree
    <name>.excess   disagreement with the challenger beyond that, one number per request
                    (`harness.stats.noise_floor`): the triple, or the quad and then also
                    <name>.challenger_own, where challengers are asked twice too

A request of which an answer is missing or failed has none of them. An exchange is told by its
request, its place among the calls and its latency: a resumed run may have asked the champion again,
and only the repeat that was asked beside this very answer is its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from harness.measure.crossing import CROSSINGS
from harness.part import clusters_of
from harness.stats.clusters import Clusters, Floats
from harness.stats.mean import mean_bound
from harness.stats.noise_floor import (
    LARGEST_EXCESS,
    Crossed,
    quad_excess,
    signal_share,
    swap_p_value,
    triple_excess,
)
from harness.verdict import Estimate, NoiseFloor

_CHAMPION = ("request_id", "champion_order", "champion_latency_s")
_CHALLENGER = ("request_id", "challenger_order", "challenger_latency_s")
_BOTH = (*_CHAMPION, *_CHALLENGER[1:])


@dataclass(frozen=True, slots=True)
class ChallengerRepeats:
    """What is known where a challenger was asked twice too.

    Attributes:
        own: Value table of its repeats.
        crossed: What `harness.measure.crossing.crossed` says of them and the champion's.
    """

    own: pl.LazyFrame
    crossed: pl.DataFrame


def with_noise(
    values: pl.LazyFrame,
    comparisons: Sequence[str],
    champion: pl.LazyFrame,
    challenger: ChallengerRepeats | None = None,
) -> pl.LazyFrame:
    """The value table with the columns that this module's docstring lists.

    Args:
        champion: Value table of the champion's repeats.
        challenger: None for the triple design.
    """
    agrees = [f"{name}.agree" for name in comparisons]
    rows = values.select(*_BOTH, *agrees)
    rows = _joined(rows, _own(champion, comparisons, "own", _CHAMPION), _CHAMPION)
    if challenger is not None:
        own = _own(challenger.own, comparisons, "challenger_own", _CHALLENGER)
        rows = _joined(rows, own, _CHALLENGER)
        rows = _joined(rows, challenger.crossed.lazy(), _BOTH)
    found = rows.collect()
    added = [column for name in comparisons for column in _columns(name, found)]
    # Side by side, not joined: what reads other columns does not pay for it.
    return pl.concat([values, pl.LazyFrame(added)], how="horizontal")


def noise_floors(
    values: pl.LazyFrame,
    comparisons: Sequence[str],
    *,
    confidence: float | None,
) -> tuple[NoiseFloor, ...] | None:
    """Each comparison over its noise floor; None where the champion was not asked twice.

    Args:
        confidence: Of the interval's bounds; None for a run that is looked at again and again,
            where an interval made for one look would promise too much.
    """
    known = values.collect_schema().names()
    there = [name for name in comparisons if f"{name}.excess" in known]
    if not there:
        return None
    clusters = clusters_of(values)
    floors = (_noise_floor(name, values, known, clusters, confidence) for name in there)
    return tuple(floor for floor in floors if floor is not None)


def _noise_floor(
    name: str,
    values: pl.LazyFrame,
    known: Sequence[str],
    clusters: Clusters,
    confidence: float | None,
) -> NoiseFloor | None:
    """One comparison over its noise floor; None without a complete request."""
    wanted = [f"{name}.{part}" for part in ("agree", "own", "challenger_own", "excess")]
    columns = values.select([column for column in wanted if column in known]).collect()
    excess = _floats(columns[f"{name}.excess"])
    complete = ~np.isnan(excess)
    if not complete.any():
        return None
    differs = _disagrees(columns[f"{name}.agree"])[complete] > 0
    own = _floats(columns[f"{name}.own"])[complete] > 0
    challenger_own = None
    if f"{name}.challenger_own" in columns.columns:
        challenger_own = float(_floats(columns[f"{name}.challenger_own"])[complete].mean())
    low, high = _bounds(name, excess, clusters, confidence)
    raw, floor = float(differs.mean()), float(own.mean())
    return NoiseFloor(
        comparison=name,
        raw=raw,
        floor=floor,
        challenger_floor=challenger_own,
        excess=float(excess[complete].mean()),
        excess_low=low,
        excess_high=high,
        p_swap=swap_p_value(differs, own),
        signal_share=signal_share(raw, floor),
        n_pairs=int(np.count_nonzero(complete)),
        n_clusters=clusters.where(complete).n_clusters,
    )


def _bounds(
    name: str, excess: Floats, clusters: Clusters, confidence: float | None
) -> tuple[float | None, float | None]:
    if confidence is None:
        return None, None
    found = mean_bound(
        excess,
        clusters,
        null=0.0,
        confidence=confidence,
        metric=f"{name}.excess",
        unit="fraction",
        bounded=True,
        reach=LARGEST_EXCESS,
    )
    return (found.harm_low, found.harm_high) if isinstance(found, Estimate) else (None, None)


def _own(
    repeats: pl.LazyFrame, comparisons: Sequence[str], column: str, keys: Sequence[str]
) -> pl.LazyFrame:
    """Whether a deployment's two answers disagree, under the names its first one has elsewhere."""
    return repeats.select(
        *(pl.col(stored).alias(key) for stored, key in zip(_CHAMPION, keys, strict=True)),
        *(~pl.col(f"{name}.agree").alias(f"{name}.{column}") for name in comparisons),
    )


def _joined(rows: pl.LazyFrame, found: pl.LazyFrame, keys: Sequence[str]) -> pl.LazyFrame:
    found = found.unique(list(keys), keep="first", maintain_order=True)
    return rows.join(found, on=list(keys), how="left", maintain_order="left")


def _columns(name: str, rows: pl.DataFrame) -> list[pl.Series]:
    crossed, own = _disagrees(rows[f"{name}.agree"]), _floats(rows[f"{name}.own"])
    if f"{name}.challenger_own" not in rows.columns:
        return [rows[f"{name}.own"], _series(f"{name}.excess", triple_excess(crossed, own))]
    four = Crossed(crossed, *(_disagrees(rows[f"{name}.{crossing}"]) for crossing in CROSSINGS))
    excess = quad_excess(four, own, _floats(rows[f"{name}.challenger_own"]))
    kept = [rows[f"{name}.{part}"] for part in ("own", "challenger_own")]
    return [*kept, _series(f"{name}.excess", excess)]


def _series(name: str, values: Floats) -> pl.Series:
    return pl.Series(name, values).fill_nan(None)


def _disagrees(agree: pl.Series) -> Floats:
    return 1 - _floats(agree)


def _floats(column: pl.Series) -> Floats:
    """Yes is 1, no is 0, missing is NaN."""
    return column.cast(pl.Float64).fill_null(float("nan")).to_numpy()

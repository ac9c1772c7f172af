"""What each factor of a grid of prompts does, on average over the others.

Every request was put to every combination of levels, the champion being the combination of all
first ones. Of a level the effect on one request is the mean, over all combinations of the other
factors, of its value less that of the factor's first level; the effect is the mean of that over
requests. Requests of one user belong together, so that the interval is the clustered one of any
mean (`stats.mean`, CR2). It is turned like a harm: above zero is worse.

A main effect says little where factors work on each other: a terse prompt may help one model and
hurt another. The challengers' own verdicts say that, and the gate goes by them; effects describe.

References:
    Wu & Hamada (2009), Experiments, chapter 4 (factorial effects as contrasts).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import polars as pl

from harness.collected import Collected
from harness.measure.sides import sides
from harness.metric import BOUNDED, Metric, Quantile, Sides
from harness.part import clusters_of
from harness.stats.clusters import Floats
from harness.stats.mean import mean_bound
from harness.verdict import Estimate, FactorEffect

Levels = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """Factors with their levels, and who stands for each combination.

    Attributes:
        factors: Levels by factor, the champion's own first.
        challengers: By combination of levels; without that of all first ones, the champion's.
    """

    factors: Mapping[str, Levels]
    challengers: Mapping[Levels, str]


def factor_effects(grid: Grid, collected: Sequence[Collected]) -> tuple[FactorEffect, ...]:
    """The effect of every level but the first ones, on every metric that has a mean.

    Empty where a combination was not asked.
    """
    by_name = {one.challenger: one for one in collected}
    if not set(grid.challengers.values()) <= set(by_name):
        return ()
    first = by_name[next(iter(grid.challengers.values()))]
    found: list[FactorEffect] = []
    for metric in _metrics(first):
        table = _table(grid, by_name, metric)
        found += _of_metric(grid, table, metric, first.policy.confidence)
    return tuple(found)


def _metrics(one: Collected) -> Iterator[Metric]:
    """Those of the rules, each once. A mean of quantiles is no quantile, so these are left out."""
    seen: set[str] = set()
    for metric in one.metrics:
        has_mean = metric.sides is Sides.BOTH and not isinstance(metric.statistic, Quantile)
        if has_mean and metric.name not in seen:
            seen.add(metric.name)
            yield metric


def _table(grid: Grid, by_name: Mapping[str, Collected], metric: Metric) -> pl.DataFrame:
    """One row for each request that every combination has a value of, one column for each."""
    table: pl.DataFrame | None = None
    for levels, name in grid.challengers.items():
        values = by_name[name].values
        champion, challenger = sides(metric, values)
        keys = values.select("request_id", "cluster_id").collect()
        own = keys.with_columns(pl.Series(_column(levels), challenger)).unique("request_id")
        if table is None:
            firsts = tuple(one[0] for one in grid.factors.values())
            table = keys.with_columns(
                pl.Series(_column(firsts), champion), pl.Series(_column(levels), challenger)
            ).unique("request_id", maintain_order=True)
        else:
            table = table.join(
                own.drop("cluster_id"), on="request_id", how="inner", maintain_order="left"
            )
    assert table is not None, "a grid has a challenger"
    return table.filter(pl.all_horizontal(pl.exclude("request_id", "cluster_id").is_not_nan()))


def _of_metric(
    grid: Grid, table: pl.DataFrame, metric: Metric, confidence: float
) -> Iterator[FactorEffect]:
    clusters = clusters_of(table.lazy()) if len(table) else None
    for position, (factor, levels) in enumerate(grid.factors.items()):
        for level in levels[1:]:
            seen = None
            if clusters is not None:
                seen = mean_bound(
                    metric.better.value * _contrast(grid, table, position, level),
                    clusters,
                    null=0.0,
                    confidence=confidence,
                    metric=metric.name,
                    unit=metric.unit,
                    bounded=metric.unit in BOUNDED,
                )
            known = seen if isinstance(seen, Estimate) else None
            yield FactorEffect(
                factor=factor,
                level=level,
                against=levels[0],
                metric=metric.name,
                unit=metric.unit,
                harm=known.harm if known else None,
                harm_low=known.harm_low if known else None,
                harm_high=known.harm_high if known else None,
                p_value=min(1.0, 2 * min(known.p_value, known.p_harm)) if known else None,
                n_pairs=len(table),
                n_clusters=table["cluster_id"].n_unique(),
            )


def _contrast(grid: Grid, table: pl.DataFrame, position: int, level: str) -> Floats:
    """Of each request: this level less the first one, averaged over the other factors."""
    every = list(grid.factors.values())
    others = [one if i != position else ("",) for i, one in enumerate(every)]
    differences = []
    for combination in product(*others):
        with_level = (*combination[:position], level, *combination[position + 1 :])
        without = (*combination[:position], every[position][0], *combination[position + 1 :])
        columns = (table[_column(one)].to_numpy() for one in (with_level, without))
        this, first = columns
        differences.append(this - first)
    mean: Floats = np.mean(differences, axis=0)
    return mean


def _column(levels: Levels) -> str:
    return "\0".join(levels)

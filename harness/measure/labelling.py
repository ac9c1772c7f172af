"""Which answers there is a truth for.

References:
    Kleinberg et al. (2018), Quarterly Journal of Economics 133:237, on labels that decisions make.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True, slots=True)
class AnswerPair:
    """One combination of two labels, as JSON text, and how many of its pairs have a truth.

    Attributes:
        n_labelled_clusters: Clusters of which at least one such pair has one.
    """

    champion: str
    challenger: str
    n_pairs: int
    n_labelled: int
    n_clusters: int
    n_labelled_clusters: int


def answer_pairs(values: pl.DataFrame | pl.LazyFrame) -> tuple[AnswerPair, ...]:
    """All combinations of labels in pairs that neither side failed, the most frequent first."""
    truth = pl.col("champion_correct").is_not_null() | pl.col("challenger_correct").is_not_null()
    labels = [pl.col(f"{side}_label").alias(side) for side in ("champion", "challenger")]
    cluster = pl.col("cluster_id")
    counted = (
        values.lazy()
        .filter(~pl.col("champion_failed"), ~pl.col("challenger_failed"))
        .select(*labels, cluster, truth=truth)
        .drop_nulls(["champion", "challenger"])
        .group_by("champion", "challenger")
        .agg(
            n_pairs=pl.len(),
            n_labelled=pl.col("truth").sum(),
            n_clusters=cluster.n_unique(),
            n_labelled_clusters=cluster.filter(pl.col("truth")).n_unique(),
        )
        .sort(["n_pairs", "champion", "challenger"], descending=[True, False, False])
        .collect()
    )
    return tuple(AnswerPair(**row) for row in counted.iter_rows(named=True))

"""Paths of a config that match in no answer: its author's mistake, and not the deployments' doing.

Looked for in the value table itself, so that a run which is judged again is refused again.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl


def unmatched_paths(
    values: pl.DataFrame | pl.LazyFrame,
    *,
    has_label: bool,
    outputs: Sequence[str],
    comparisons: Sequence[str],
    has_format: bool = False,
) -> dict[str, int]:
    """The config entries whose path found nothing in any champion answer.

    Args:
        has_label: Whether a label is configured.
        outputs: Names of the numeric outputs that are found as they are. A grade is missing without
            a truth too, so that nothing can be told from it.
        comparisons: Names of the comparisons. One is known to have found nothing only where both
            sides answered.
        has_format: Whether a format of answers is demanded.

    Returns:
        Entry, as `output.label` or `compare.body`, to the number of answers it was looked for in;
        empty also when there was no answer to look in.
    """
    failure = pl.col("champion_failure")
    answered = failure.is_null() | (failure == "no_output")
    both = ~pl.col("champion_failed") & ~pl.col("challenger_failed")
    looked: dict[str, tuple[pl.Expr, str]] = {}
    if has_label:
        looked["output.label"] = (answered, "champion_label")
    looked |= {f"output.{name}": (answered, f"champion_output.{name}") for name in outputs}
    looked |= {f"compare.{name}": (both, f"{name}.distance") for name in comparisons}
    if has_format:
        looked["answer_format"] = (answered, "champion_misformatted")
    if not looked:
        return {}
    counts = (
        values.lazy()
        .select(
            *(where.sum().alias(f"{name} in") for name, (where, _) in looked.items()),
            *(
                (where & pl.col(column).is_not_null()).sum().alias(f"{name} found")
                for name, (where, column) in looked.items()
            ),
        )
        .collect()
        .row(0, named=True)
    )
    return {
        name: counts[f"{name} in"]
        for name in looked
        if counts[f"{name} in"] > 0 and counts[f"{name} found"] == 0
    }

"""The pairs a person should look at first."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from harness.verdict import Disagreement

MOST_CHARACTERS = 120

# Which pairs come first. Within a tier the distance decides, squeezed below 1.
_FAILED, _WRONG, _DIFFERENT = 3, 2, 1


def disagreements(
    values: pl.DataFrame | pl.LazyFrame, comparisons: Sequence[str], *, most: int = 20
) -> tuple[Disagreement, ...]:
    """The worst pairs, worst first.

    First come those where the challenger failed and the champion did not, then those where it was
    wrong and the champion right, then the others that disagree, the most distant first. What each
    side says is its failure or its label; for answers without a label, the caller puts a line of
    the body there (`one_line`).

    Args:
        comparisons: Names of the comparisons in the table.
        most: How many pairs.

    Returns:
        `size` is 3 for a failure, 2 for a wrong answer and 1 for another difference, plus the
        distance squeezed below 1. Ties keep the order of the table.
    """
    lazy = values.lazy()
    columns = lazy.collect_schema().names()
    # Sizes first: the texts and lists of millions of rows are not carried through a sort.
    worst = (
        lazy.select(size=size(comparisons))
        .with_row_index("row")
        .filter(pl.col("size") > 0)
        .sort("size", "row", descending=[True, False])
        .head(most)
        .collect()
    )
    rows = (
        lazy.with_row_index("row")
        .filter(pl.col("row").is_in(worst["row"].implode()))
        .select(
            "row",
            "request_id",
            differing_paths(comparisons, columns),
            said("champion"),
            said("challenger"),
        )
        .collect()
    )
    ordered = worst.join(rows, on="row", maintain_order="left")
    return tuple(
        Disagreement(request_id, size, tuple(paths), one_line(champion), one_line(challenger))
        for _, size, request_id, paths, champion, challenger in ordered.iter_rows()
    )


def one_line(text: str, *, most: int = MOST_CHARACTERS) -> str:
    """A text from outside as one harmless line: no control characters, not too long.

    Examples:
        >>> one_line("two\\nlines \\x1b[31m")
        'two lines ·[31m'
    """
    line = " ".join(text[: 4 * most].split())
    line = "".join(char if char.isprintable() else "·" for char in line)
    return line if len(line) <= most else line[: most - 1] + "…"


def size(comparisons: Sequence[str]) -> pl.Expr:
    """How bad each pair is, as `disagreements` says it; 0 where the two agree."""
    failed = pl.col("challenger_failed") & ~pl.col("champion_failed")
    wrong = (pl.col("champion_correct") & ~pl.col("challenger_correct")).fill_null(value=False)
    one_differs = pl.any_horizontal(pl.lit(value=False), *map(differs, comparisons))
    distance = pl.max_horizontal(pl.lit(0.0), *map(_distance, comparisons))
    # Below 1 for every distance, an infinite one included, and in the order of the distances.
    squeezed = (1 - 1 / (1 + distance)).clip(0, 0.999)
    return (
        pl.when(failed)
        .then(float(_FAILED))
        .when(wrong)
        .then(_WRONG + squeezed)
        .when(one_differs)
        .then(_DIFFERENT + squeezed)
        .otherwise(0.0)
    )


def differs(comparison: str) -> pl.Expr:
    """Whether a comparison surely finds a difference; false where a side has nothing to compare."""
    return (~pl.col(f"{comparison}.agree")).fill_null(value=False)


def _distance(comparison: str) -> pl.Expr:
    return pl.when(differs(comparison)).then(pl.col(f"{comparison}.distance").fill_null(0.0))


def differing_paths(comparisons: Sequence[str], columns: Sequence[str]) -> pl.Expr:
    """Differing paths where a comparison keeps them, otherwise its name."""
    lists = [pl.lit([], pl.List(pl.String))]
    for name in comparisons:
        kept = f"{name}.paths"
        detail = pl.col(kept) if kept in columns else pl.concat_list(pl.lit(name))
        lists.append(pl.when(differs(name)).then(detail).otherwise(pl.lit([], pl.List(pl.String))))
    return pl.concat_list(lists).alias("paths")


def said(side: str) -> pl.Expr:
    """How it failed, or its label; empty where it has none."""
    failure = pl.lit("failed: ") + pl.col(f"{side}_failure")
    return pl.coalesce(failure, f"{side}_label", pl.lit("")).alias(side)

"""Both answers of the champion held against both of a challenger, where both were asked twice.

The pairs have the first answers against each other, the repeats each deployment against itself;
what is left are the three comparisons with a second answer in them.
"""

from __future__ import annotations

import polars as pl

from harness.exchange import FailureKind
from harness.measure.spec import ValueSpec
from harness.measure.values import SIDES, tabulate

CROSSINGS = ("first_second", "second_first", "second_second")
"""Which answer of the champion, and which of the challenger."""


def crossed(champion: pl.DataFrame, challenger: pl.DataFrame, spec: ValueSpec) -> pl.DataFrame:
    """Compare second answers across the two deployments.

    Args:
        champion: Its repeats, as a pair table: the first answer on the champion's side.
        challenger: The challenger's own, likewise.

    Returns:
        A row for each request that is in both: `request_id`, the `_order` and `_latency_s` of both
        first answers, and for each comparison and crossing `<name>.<crossing>`: whether they
        agree, null where a side failed.
    """
    one, other = _matched(_answered(champion), _answered(challenger))
    request = pl.exclude("^champion_.*$", "^challenger_.*$")
    tables = [
        tabulate(
            one.select(request, _side(ours, "champion")).hstack(
                other.select(_side(theirs, "challenger"))
            ),
            spec,
        ).values
        for ours, theirs in zip(
            ("champion", "challenger", "challenger"),
            ("challenger", "champion", "challenger"),
            strict=True,
        )
    ]
    first_second, second_first, _ = tables
    return pl.DataFrame(
        [
            first_second["request_id"],
            *(first_second[name] for name in ("champion_order", "champion_latency_s")),
            *(second_first[name] for name in ("challenger_order", "challenger_latency_s")),
            *(
                table[f"{entry.name}.agree"].alias(f"{entry.name}.{crossing}")
                for crossing, table in zip(CROSSINGS, tables, strict=True)
                for entry in spec.comparisons
            ),
        ]
    )


def _answered(repeats: pl.DataFrame) -> pl.DataFrame:
    """Without what was cancelled: tabulating then keeps every row."""
    cancelled = FailureKind.CANCELLED.value
    return repeats.filter([pl.col(f"{side}_outcome") != cancelled for side in SIDES])


def _matched(one: pl.DataFrame, other: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows of both that are of one request, aligned."""
    rows = (
        one.select("request_id")
        .with_row_index("one")
        .join(other.select("request_id").with_row_index("other"), on="request_id")
        .sort("one", "other")
    )
    return one[rows["one"]], other[rows["other"]]


def _side(stored: str, wanted: str) -> pl.Expr:
    return pl.col(f"^{stored}_.*$").name.map(lambda name: wanted + name.removeprefix(stored))

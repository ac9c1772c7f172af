"""Pairs for a person to look at, chosen by field, segment and outcome, in the order asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from enum import StrEnum

import polars as pl

from harness.measure.disagreements import differing_paths, differs, said, size

MOST_COUNTED = 8
"""Fields, parts and outcomes that are counted, the most frequent of each."""


class Outcome(StrEnum):
    """How a pair ended, worst first: the first that applies."""

    BOTH_FAILED = "both-failed"
    CHALLENGER_FAILED = "challenger-failed"
    CHAMPION_FAILED = "champion-failed"
    CHALLENGER_WRONG = "challenger-wrong"
    CHAMPION_WRONG = "champion-wrong"
    BOTH_ANSWERED = "both-answered"


class Order(StrEnum):
    """What comes first. By latency or cost every pair is listed, else those that disagree."""

    SIZE = "size"
    FIELD = "field"
    SEGMENT = "segment"
    TIME = "time"
    LATENCY = "latency"
    COST = "cost"


_OF_ALL_PAIRS = {Order.LATENCY: "latency_s", Order.COST: "cost_usd"}


@dataclass(frozen=True, slots=True)
class Choice:
    """Which pairs to look at.

    Attributes:
        field: A comparison, or a JSON path and all below it, in which the answers differ.
        segments: Names, each of them in the table, and the value each must have.
        outcome: An `Outcome`, or the kind of a failure on either side. Pairs that failed are then
            listed whether they count as a disagreement or not.
        most: How many pairs.
    """

    field: str | None = None
    segments: Mapping[str, str] = dataclass_field(default_factory=dict)
    outcome: str | None = None
    order: Order = Order.SIZE
    most: int = 20


@dataclass(frozen=True, slots=True)
class Tally:
    """How many pairs fit a choice, and what there is among them to choose by.

    Attributes:
        fields: Comparisons and paths with the pairs that differ there, most frequent first.
    """

    n_pairs: int
    fields: Mapping[str, int]
    segments: Mapping[str, int]
    outcomes: Mapping[str, int]


def browse(
    values: pl.DataFrame | pl.LazyFrame, comparisons: Sequence[str], choice: Choice
) -> pl.DataFrame:
    """The pairs that fit, in order, `choice.most` of them.

    Args:
        values: The value table.
        comparisons: Names of the comparisons in the table.

    Returns:
        `request_id`; `size` as `disagreements` counts it; `outcome`; `fields`, the comparisons and
        paths that differ; `segments`, such as `source=mobile`; what each side said (`champion`,
        `challenger`, empty where it has no label and did not fail); `latency_s` and `cost_usd`,
        challenger minus champion, null where one is unknown.
    """
    fitting = _fitting(values, comparisons, choice)
    # What is sorted is small: texts and lists of millions of rows are not carried through it.
    keys, descending = _order(choice.order)
    first = (
        fitting.select("row", *(key.alias(f"key{i}") for i, key in enumerate(keys)))
        .sort(
            *(f"key{i}" for i in range(len(keys))),
            "row",
            descending=[*descending, False],
            nulls_last=True,
        )
        .head(choice.most)
        .select("row")
        .collect()
    )
    rows = fitting.filter(pl.col("row").is_in(first["row"].implode())).collect()
    return first.join(rows, on="row", maintain_order="left").select(
        "request_id",
        "size",
        "outcome",
        "fields",
        pl.col("parts").alias("segments"),
        "champion",
        "challenger",
        "latency_s",
        "cost_usd",
    )


def tally(values: pl.DataFrame | pl.LazyFrame, comparisons: Sequence[str], choice: Choice) -> Tally:
    """Count the pairs that fit, and what they can be chosen by further."""
    fitting = _fitting(values, comparisons, choice)
    schema = fitting.collect_schema()
    column = pl.col("segments").struct
    segments = [
        fitting.select(value=pl.format("{}={}", pl.lit(name), column.field(name)))
        for name in _segment_names(schema)
    ]
    n_pairs, *counted = pl.collect_all(
        [
            fitting.select(pl.len()),
            _counts(_places(fitting, comparisons, schema.names())),
            _counts(segments),
            _counts([fitting.select(value="outcome")]),
        ]
    )
    return Tally(n_pairs.item(), *(dict(one.iter_rows()) for one in counted))


def _places(
    fitting: pl.LazyFrame, comparisons: Sequence[str], columns: Sequence[str]
) -> Iterator[pl.LazyFrame]:
    """Where pairs differ, a row for each pair and place; whole lists are not carried around."""
    for name in comparisons:
        differing = fitting.filter(differs(name))
        # Selected alone a literal is one row, however many there are.
        yield differing.with_columns(value=pl.lit(name)).select("value")
        if f"{name}.paths" in columns:
            yield differing.select(value=f"{name}.paths").explode("value")


def _counts(values: Iterable[pl.LazyFrame]) -> pl.LazyFrame:
    """The most frequent values and how often they occur."""
    none = pl.LazyFrame(schema={"value": pl.String})
    return (
        pl.concat([none, *values])
        .drop_nulls()
        .group_by("value")
        .len()
        .sort("len", "value", descending=[True, False])
        .head(MOST_COUNTED)
    )


def _fitting(
    values: pl.DataFrame | pl.LazyFrame, comparisons: Sequence[str], choice: Choice
) -> pl.LazyFrame:
    lazy = values.lazy()
    schema = lazy.collect_schema()
    names = _segment_names(schema)
    column = pl.col("segments").struct
    wanted = (column.field(name) == pl.lit(value) for name, value in choice.segments.items())
    return (
        lazy.with_row_index("row")
        .filter(pl.lit(value=True), *wanted)
        .filter(_of_kind(choice.outcome))
        .with_columns(
            size=size(comparisons),
            outcome=_outcome(),
            fields=_fields(comparisons, schema.names()),
            parts=_parts(names),
            champion=said("champion"),
            challenger=said("challenger"),
            latency_s=_excess("latency_s"),
            cost_usd=_excess("cost_usd"),
        )
        .filter(_is_listed(choice))
        .filter(_in_field(choice.field))
    )


def _segment_names(schema: pl.Schema) -> tuple[str, ...]:
    kind = schema.get("segments")
    return tuple(one.name for one in kind.fields) if isinstance(kind, pl.Struct) else ()


def _parts(names: Sequence[str]) -> pl.Expr:
    """`source=mobile` of every segment whose value is known."""
    if not names:
        return pl.lit([], pl.List(pl.String))
    column = pl.col("segments").struct
    texts = [pl.format("{}={}", pl.lit(name), column.field(name)) for name in names]
    return pl.concat_list(texts).list.drop_nulls()


def _outcome() -> pl.Expr:
    failed, right = (
        [pl.col(f"{side}_{what}") for side in ("champion", "challenger")]
        for what in ("failed", "correct")
    )
    return (
        pl.when(failed[0] & failed[1])
        .then(pl.lit(Outcome.BOTH_FAILED.value))
        .when(failed[1])
        .then(pl.lit(Outcome.CHALLENGER_FAILED.value))
        .when(failed[0])
        .then(pl.lit(Outcome.CHAMPION_FAILED.value))
        .when(right[0] & ~right[1])
        .then(pl.lit(Outcome.CHALLENGER_WRONG.value))
        .when(right[1] & ~right[0])
        .then(pl.lit(Outcome.CHAMPION_WRONG.value))
        .otherwise(pl.lit(Outcome.BOTH_ANSWERED.value))
    )


def _of_kind(outcome: str | None) -> pl.Expr:
    """An outcome, or how a side failed."""
    if outcome is None:
        return pl.lit(value=True)
    if outcome in set(Outcome):
        return _outcome() == outcome
    return pl.any_horizontal(
        (pl.col(f"{side}_failure") == outcome).fill_null(value=False)
        for side in ("champion", "challenger")
    )


def _is_listed(choice: Choice) -> pl.Expr:
    if choice.order in _OF_ALL_PAIRS:
        return pl.col(_OF_ALL_PAIRS[choice.order]).is_not_null()
    disagrees = pl.col("size") > 0
    if choice.outcome is None:
        return disagrees
    return disagrees | pl.col("outcome").str.ends_with("-failed")


def _fields(comparisons: Sequence[str], columns: Sequence[str]) -> pl.Expr:
    """The comparisons that differ, then the paths at which they do."""
    none = pl.lit([], pl.List(pl.String))
    named = [
        pl.when(differs(name)).then(pl.concat_list(pl.lit(name))).otherwise(none)
        for name in comparisons
    ]
    both = pl.concat_list([none, *named, differing_paths(comparisons, columns)])
    return both.list.unique(maintain_order=True)


def _in_field(wanted: str | None) -> pl.Expr:
    if wanted is None:
        return pl.lit(value=True)
    one = pl.element()
    below = one.str.starts_with(f"{wanted}.") | one.str.starts_with(f"{wanted}[")
    return pl.col("fields").list.eval((one == wanted) | below).list.any()


def _excess(name: str) -> pl.Expr:
    return pl.col(f"challenger_{name}") - pl.col(f"champion_{name}")


def _order(order: Order) -> tuple[list[pl.Expr], list[bool]]:
    """What is sorted by, and which of it falls."""
    match order:
        case Order.SIZE:
            return [pl.col("size")], [True]
        case Order.FIELD:
            return [pl.col("fields").list.last(), pl.col("size")], [False, True]
        case Order.SEGMENT:
            return [pl.col("parts").list.join(", "), pl.col("size")], [False, True]
        case Order.TIME:
            return [pl.col("received_at")], [False]
        case Order.LATENCY | Order.COST:
            return [pl.col(_OF_ALL_PAIRS[order])], [True]

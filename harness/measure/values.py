"""The value table: one row of numbers per pair, decoded and compared once.

Everything after it (statistics, segments, the report) reads these columns and no body. Latency is
what a user would have seen: where requests were due at a time, it counts from then, without the
part by which we ourselves were late.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

import polars as pl

from harness.exchange import FailureKind, Headers
from harness.measure.answers import AnswerReader, Raw, SideColumns
from harness.measure.catalog import STREAM_QUANTITIES
from harness.measure.coverage import Coverage
from harness.measure.spec import Streaming, TruthInRequest, ValueSpec
from harness.measure.streams import Flow, flow
from harness.output import MISSING, Undecodable

SIDES = ("champion", "challenger")


@dataclass(frozen=True, slots=True)
class Tabulated:
    """The value table of some pairs, and what was found on the way."""

    values: pl.DataFrame
    coverage: Coverage


def tabulate(pairs: pl.DataFrame, spec: ValueSpec) -> Tabulated:
    """Turn pairs into values, in the same order.

    Pairs of which a side was cancelled are left out and counted: the client went away, which is
    nobody's fault.

    Args:
        pairs: A part of the pair table.

    Returns:
        Columns: `request_id, cluster_id, received_at, segments` (where there are any),
        `content_hash`, for each side what is known of its exchange (`X_refused`, and how its tokens
        came, where the dialect knows of that; `X_misformatted` where a format is demanded), and for
        each comparison `<name>.agree`, `<name>.distance` and, where it keeps them, `<name>.paths`.
        Null is missing.
    """
    cancelled = pl.any_horizontal(
        pl.col(f"{side}_outcome") == FailureKind.CANCELLED.value for side in SIDES
    )
    kept = pairs.filter(~cancelled)
    times = (expr for side in SIDES for expr in _times(side, spec))
    measured = kept.select(*_request_columns(kept), *times)
    reader = AnswerReader(spec)
    if spec.decode is not None:
        for champion, challenger, truth in _rows(kept, spec):
            reader.add(champion, challenger, truth)
    found = _answer_columns(kept, spec, reader)
    coverage = replace(reader.coverage(), n_rows=len(kept), n_cancelled=len(pairs) - len(kept))
    return Tabulated(measured.hstack(found), coverage)


def _request_columns(pairs: pl.DataFrame) -> list[str]:
    wanted = ("request_id", "cluster_id", "received_at", "segments", "content_hash")
    return [name for name in wanted if name in pairs.columns]


def _times(side: str, spec: ValueSpec) -> list[pl.Expr]:
    column = {
        name: pl.col(f"{side}_{name}") for name in ("latency_s", "first_byte_s", "sender_lag_s")
    }
    late = _late(side, spec)
    return [
        (column["latency_s"] + late).alias(f"{side}_latency_s"),
        (column["first_byte_s"] + late).alias(f"{side}_first_byte_s"),
        pl.col(f"{side}_timeout_s"),
        pl.col(f"{side}_cost_usd"),
        pl.col(f"{side}_input_tokens"),
        pl.col(f"{side}_output_tokens"),
        column["sender_lag_s"],
        pl.col(f"{side}_call_order").alias(f"{side}_order"),
    ]


def _late(side: str, spec: ValueSpec) -> pl.Expr:
    """What counts as latency although nothing had been sent."""
    if not spec.open_loop:
        return pl.lit(0.0)
    # An answer from the log, or a request never sent, has no wait of ours.
    waited = pl.col(f"{side}_wait_s") - pl.col(f"{side}_sender_lag_s")
    return pl.when(pl.col(f"{side}_attempts") == 0).then(0.0).otherwise(waited)


def _rows(pairs: pl.DataFrame, spec: ValueSpec) -> Iterator[tuple[Raw, Raw, str | None]]:
    truths = pairs["truth"].to_list() if spec.truth is None else _truths(pairs, spec.truth)
    return zip(_raw(pairs, "champion"), _raw(pairs, "challenger"), truths, strict=True)


def _raw(pairs: pl.DataFrame, side: str) -> Iterator[Raw]:
    body = pl.col(f"{side}_body")
    columns = pairs.select(
        outcome=pl.col(f"{side}_outcome"),
        status=pl.col(f"{side}_status"),
        body=body.fill_null(b""),
        # A body that is null although bytes came was not kept, by choice.
        kept=~pl.col(f"{side}_truncated")
        & (body.is_not_null() | (pl.col(f"{side}_body_bytes").fill_null(0) == 0)),
    )
    headers = _content_headers(pairs[f"{side}_headers"])
    return zip(*(columns[name].to_list() for name in columns.columns), headers, strict=True)


def _content_headers(headers: pl.Series) -> list[Headers]:
    """Of each row those headers that say how to read a body.

    Few different ones occur, so that they are found in columns and made into values once each.
    """
    name = pl.element().struct.field("name").str.to_lowercase()
    line = pl.concat_str(name, pl.element().struct.field("value"), separator="\n")
    lines = headers.list.eval(line.filter(name.is_in(["content-type", "content-encoding"])))
    texts = lines.list.join("\0").fill_null("").to_list()
    known = {text: _parsed_headers(text) for text in set(texts)}
    return [known[text] for text in texts]


def _parsed_headers(text: str) -> Headers:
    lines = (line.partition("\n") for line in text.split("\0") if line)
    return tuple((name, value) for name, _, value in lines)


def _truths(pairs: pl.DataFrame, truth: TruthInRequest) -> list[str | None]:
    """The right labels as JSON text, from the requests' bodies."""
    bodies = pairs["request_body"].to_list()
    headers = _content_headers(pairs["request_headers"])
    return [_truth_of(body, head, truth) for body, head in zip(bodies, headers, strict=True)]


def _truth_of(body: bytes | None, headers: Headers, truth: TruthInRequest) -> str | None:
    request = truth.decode(body or b"", headers)
    if isinstance(request, Undecodable):
        return None
    found = truth.find(request)
    return None if found is MISSING else json.dumps(found)


def _answer_columns(pairs: pl.DataFrame, spec: ValueSpec, reader: AnswerReader) -> list[pl.Series]:
    columns: list[pl.Series] = []
    for side, read in zip(SIDES, (reader.champion, reader.challenger), strict=True):
        columns += _side_columns(pairs[f"{side}_outcome"], spec, read)
        if spec.streaming is not None:
            columns += _flow_columns(pairs, spec, spec.streaming, read)
    for entry, made in zip(spec.comparisons, reader.comparisons, strict=True):
        columns.append(pl.Series(f"{entry.name}.agree", made.agree, pl.Boolean))
        columns.append(pl.Series(f"{entry.name}.distance", made.distance, pl.Float64))
        if entry.keeps_paths:
            columns.append(pl.Series(f"{entry.name}.paths", made.paths, pl.List(pl.String)))
    return columns


def _flow_columns(
    pairs: pl.DataFrame, spec: ValueSpec, streaming: Streaming, read: SideColumns
) -> list[pl.Series]:
    """How the answers of one side came that were streamed; null for others."""
    side = read.side
    times = pairs[f"{side}_chunk_at_s"].to_list()
    flows: list[Flow | None] = []
    for (_, _, body, kept, headers), failure, at_s, n_tokens in zip(
        _raw(pairs, side), read.failure, times, read.output_tokens, strict=True
    ):
        found = None
        if failure is None and kept and at_s:
            found = flow(streaming.token_at_s(body, headers, at_s), n_tokens)
        flows.append(found)
    columns = [
        pl.Series(
            name, [getattr(one, name) if one is not None else None for one in flows], pl.Float64
        )
        for name in STREAM_QUANTITIES
    ]
    first = pl.col("first_token_s")
    late = pairs.select(late=_late(side, spec))["late"]
    timed = pl.DataFrame(columns).with_columns(first + late)
    return [column.alias(f"{side}_{column.name}") for column in timed.iter_columns()]


def _side_columns(outcome: pl.Series, spec: ValueSpec, read: SideColumns) -> list[pl.Series]:
    side, unread = read.side, [None] * len(outcome)
    if spec.decode is None:
        failure = outcome.cast(pl.String).replace("ok", None).alias(f"{side}_failure")
    else:
        failure = pl.Series(f"{side}_failure", read.failure, pl.String)
    return [
        failure.is_not_null().alias(f"{side}_failed"),
        failure,
        pl.Series(f"{side}_correct", read.correct or unread, pl.Boolean),
        pl.Series(f"{side}_label", read.label or unread, pl.String),
        *_verdict_columns(spec, read),
        *(
            pl.Series(f"{side}_output.{name}", column, pl.Float64)
            for name, column in zip(spec.outputs, read.outputs, strict=True)
        ),
    ]


def _verdict_columns(spec: ValueSpec, read: SideColumns) -> list[pl.Series]:
    """What an answer is besides right or wrong, where somebody can tell."""
    columns = []
    if spec.refused is not None:
        columns.append(pl.Series(f"{read.side}_refused", read.refused, pl.Boolean))
    if spec.answer_format is not None:
        columns.append(pl.Series(f"{read.side}_misformatted", read.misformatted, pl.Boolean))
    return columns

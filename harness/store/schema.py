"""The columns of the pair table: name, type, unit, meaning.

One row per request and challenger. The same columns hold the repeats, where both sides are the same
deployment; the exchanges of a champion without challengers have those of its side alone. This list
is what the documentation and the Parquet files' field metadata are made from.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

SIDES = ("champion", "challenger")

HEADERS = pa.list_(pa.struct([("name", pa.string()), ("value", pa.string())]))


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the pair table.

    Attributes:
        name: With `X_` in front where each side has one.
        unit: Empty for text, flags and bytes.
        optional: Whether it can be null; `meaning` says what null means.
        repeats: Whether few different values occur, so that a dictionary pays.
        ranged: Whether smallest and largest value of a row group are worth keeping.
    """

    name: str
    type: pa.DataType
    unit: str
    meaning: str
    optional: bool = False
    repeats: bool = False
    ranged: bool = False

    def of(self, side: str) -> Column:
        """The column of one side."""
        return Column(
            self.name.replace("X_", f"{side}_", 1),
            self.type,
            self.unit,
            self.meaning,
            self.optional,
            self.repeats,
            self.ranged,
        )

    @property
    def field(self) -> pa.Field:
        about = {"unit": self.unit, "meaning": self.meaning}
        return pa.field(self.name, self.type, nullable=self.optional, metadata=about)


SEGMENTS = "segments"

REQUEST_COLUMNS = (
    Column("request_id", pa.string(), "", "Ours; unique within and between runs."),
    Column(
        "external_id",
        pa.string(),
        "",
        "The client's or the log's id, what feedback may join on; null when there is none.",
        optional=True,
    ),
    Column(
        "entry_key",
        pa.string(),
        "",
        "Identity of the log entry, by which a resumed replay knows what is done.",
    ),
    Column("run_id", pa.string(), "", "The run this row was written in.", repeats=True),
    Column(
        "challenger",
        pa.string(),
        "",
        "The challenger; in repeats the deployment that was asked twice.",
        repeats=True,
    ),
    Column(
        "received_at", pa.timestamp("ns", "UTC"), "UTC", "When the request arrived.", ranged=True
    ),
    Column(
        "cluster_id",
        pa.string(),
        "",
        "User, session or conversation; the request's own id when it has none.",
        ranged=True,
    ),
    Column("cluster_known", pa.bool_(), "", "False when `cluster_id` had to be made up."),
    Column(
        "sampled_prob",
        pa.float64(),
        "fraction",
        "Probability with which the request was chosen for mirroring.",
        repeats=True,
    ),
    Column(
        "content_hash",
        pa.string(),
        "",
        "Hash of method, target and body, to find repeated content.",
    ),
    Column("method", pa.string(), "", "HTTP method.", repeats=True),
    Column(
        "path",
        pa.string(),
        "",
        "Request target with its query, as sent; values of keys and tokens are masked.",
        repeats=True,
    ),
    Column("request_headers", HEADERS, "", "The request's headers that may be kept."),
    Column(
        "request_body",
        pa.binary(),
        "",
        "Body as it was on the wire; null when it was not kept.",
        optional=True,
    ),
    Column("request_body_bytes", pa.int64(), "bytes", "Size of the request's body."),
    Column(
        "truth",
        pa.string(),
        "",
        "JSON text of the label that was right; null when nobody knows.",
        optional=True,
        repeats=True,
    ),
)

SIDE_COLUMNS = (
    Column(
        "X_outcome",
        pa.string(),
        "",
        "`ok`, or why there is no usable answer: http_error, timeout, connect_error, "
        "disconnected, unreadable, cancelled, shed.",
        repeats=True,
    ),
    Column(
        "X_status",
        pa.int16(),
        "",
        "HTTP status; null when no head arrived.",
        optional=True,
        repeats=True,
    ),
    Column(
        "X_latency_s",
        pa.float64(),
        "s",
        "From the first byte sent to the end of the outcome; for a timeout the time waited. "
        "Null when not known.",
        optional=True,
        ranged=True,
    ),
    Column(
        "X_first_byte_s",
        pa.float64(),
        "s",
        "From the first byte sent to the first byte of the answer; null when nothing came.",
        optional=True,
    ),
    Column(
        "X_chunk_at_s",
        pa.list_(pa.float64()),
        "s",
        "Arrival of the body's pieces, from the first byte sent; null unless asked for. A replay "
        "has one for each block of an event stream, and asks where the dialect knows streams.",
        optional=True,
    ),
    Column(
        "X_wait_s",
        pa.float64(),
        "s",
        "From when the request was due to the first byte sent; null when not known.",
        optional=True,
    ),
    Column(
        "X_sender_lag_s",
        pa.float64(),
        "s",
        "The part of the wait that is the measuring process's own lateness; null when not known.",
        optional=True,
    ),
    Column(
        "X_timeout_s",
        pa.float64(),
        "s",
        "The deadline that was in force, whole exchange; null for a recorded answer.",
        optional=True,
        repeats=True,
    ),
    Column(
        "X_attempts",
        pa.int32(),
        "count",
        "How often it was sent; 0 when it never was (shed, recorded).",
        repeats=True,
    ),
    Column(
        "X_call_order",
        pa.int8(),
        "count",
        "Position among the calls for the same request, from 0.",
        repeats=True,
    ),
    Column(
        "X_headers",
        HEADERS,
        "",
        "The answer's headers that may be kept; null when no head arrived.",
        optional=True,
    ),
    Column(
        "X_body",
        pa.binary(),
        "",
        "Body as it was on the wire, content coding intact; null when none arrived or it was "
        "not kept.",
        optional=True,
    ),
    Column(
        "X_body_bytes",
        pa.int64(),
        "bytes",
        "Size of the whole body received; null when no head arrived.",
        optional=True,
    ),
    Column(
        "X_body_hash",
        pa.string(),
        "",
        "BLAKE2b-128 of the body, in hex, where the body itself was not kept; otherwise null.",
        optional=True,
    ),
    Column("X_truncated", pa.bool_(), "", "Whether the body was cut when it was captured."),
    Column(
        "X_input_tokens",
        pa.int64(),
        "tokens",
        "From the answer's usage; null when it does not say.",
        optional=True,
    ),
    Column(
        "X_output_tokens",
        pa.int64(),
        "tokens",
        "From the answer's usage; null when it does not say.",
        optional=True,
    ),
    Column(
        "X_cost_usd",
        pa.float64(),
        "usd",
        "Total of all attempts; null when there is no price or it cannot be known.",
        optional=True,
    ),
    Column(
        "X_model_version",
        pa.string(),
        "",
        "What the answer says served it; null when it does not say.",
        optional=True,
        repeats=True,
    ),
    Column(
        "X_error",
        pa.string(),
        "",
        "One line about a failure; null for an answer.",
        optional=True,
        repeats=True,
    ),
)


def request_columns(segments: Sequence[str] = ()) -> list[Column]:
    """The columns that are not of a side; `segments` among them where any are configured."""
    found = list(REQUEST_COLUMNS)
    if segments:
        after = [column.name for column in found].index("cluster_known") + 1
        found.insert(after, _segments(segments))
    return found


def columns(segments: Sequence[str] = ()) -> Iterator[Column]:
    """Every column, in the order of the table."""
    yield from request_columns(segments)
    for side in SIDES:
        yield from (column.of(side) for column in SIDE_COLUMNS)


def exchange_schema(segments: Sequence[str] = ()) -> pa.Schema:
    """The Arrow schema of a champion's exchanges where there is no challenger."""
    of_request = [one for one in request_columns(segments) if one.name != "challenger"]
    of_champion = [column.of(SIDES[0]) for column in SIDE_COLUMNS]
    return pa.schema([column.field for column in (*of_request, *of_champion)])


def pair_schema(segments: Sequence[str] = ()) -> pa.Schema:
    """The Arrow schema of the pair table.

    Args:
        segments: Names from the config; with none there is no column `segments`.
    """
    return pa.schema([column.field for column in columns(segments)])


def segment_names(schema: pa.Schema) -> tuple[str, ...]:
    """The configured segments that a schema was made for."""
    position = schema.get_field_index(SEGMENTS)
    return tuple(field.name for field in schema.field(position).type) if position >= 0 else ()


def _segments(names: Sequence[str]) -> Column:
    return Column(
        SEGMENTS,
        pa.struct([pa.field(name, pa.string()) for name in names]),
        "",
        "The configured segments, each a text; a member is empty where the request has none. "
        "Without configured segments there is no such column.",
    )

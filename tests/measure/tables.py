"""Short ways to build pair tables and value tables; every column has a dull default."""

from datetime import UTC, datetime

import polars as pl

HEADERS = pl.List(pl.Struct({"name": pl.String, "value": pl.String}))
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)

_SIDE = {
    "outcome": ("ok", pl.String),
    "status": (200, pl.Int16),
    "latency_s": (0.1, pl.Float64),
    "first_byte_s": (0.05, pl.Float64),
    "chunk_at_s": (None, pl.List(pl.Float64)),
    "wait_s": (0.0, pl.Float64),
    "sender_lag_s": (0.0, pl.Float64),
    "timeout_s": (2.0, pl.Float64),
    "attempts": (1, pl.Int32),
    "call_order": (0, pl.Int8),
    "headers": ([], HEADERS),
    "body": (b'{"label": 7}', pl.Binary),
    "body_bytes": (12, pl.Int64),
    "truncated": (False, pl.Boolean),
    "input_tokens": (None, pl.Int64),
    "output_tokens": (None, pl.Int64),
    "cost_usd": (None, pl.Float64),
}
_PAIR = {
    "request_id": (None, pl.String),
    "cluster_id": (None, pl.String),
    "received_at": (NOON, pl.Datetime("ns", "UTC")),
    "content_hash": ("hash", pl.String),
    "truth": (None, pl.String),
    "request_headers": ([], HEADERS),
    "request_body": (b"{}", pl.Binary),
    **{
        f"{side}_{name}": column
        for side in ("champion", "challenger")
        for name, column in _SIDE.items()
    },
}
_VALUE = {
    "request_id": (None, pl.String),
    "cluster_id": (None, pl.String),
    "content_hash": ("hash", pl.String),
    **{
        f"{side}_{name}": column
        for side in ("champion", "challenger")
        for name, column in {
            "failed": (False, pl.Boolean),
            "failure": (None, pl.String),
            "latency_s": (0.1, pl.Float64),
            "first_byte_s": (0.05, pl.Float64),
            "timeout_s": (2.0, pl.Float64),
            "cost_usd": (None, pl.Float64),
            "input_tokens": (None, pl.Int64),
            "output_tokens": (None, pl.Int64),
            "correct": (None, pl.Boolean),
            "label": (None, pl.String),
            "output.score": (None, pl.Float64),
            "sender_lag_s": (0.0, pl.Float64),
            "order": (0, pl.Int8),
        }.items()
    },
    "label.agree": (None, pl.Boolean),
    "label.distance": (None, pl.Float64),
    "body.agree": (None, pl.Boolean),
    "body.distance": (None, pl.Float64),
    "body.paths": (None, pl.List(pl.String)),
}


def pairs(*rows: dict) -> pl.DataFrame:
    """A pair table; a row says only what it is about."""
    return _table(_PAIR, rows)


def values(*rows: dict) -> pl.DataFrame:
    """A value table; a row says only what it is about."""
    return _table(_VALUE, rows)


def _table(columns: dict, rows: tuple[dict, ...]) -> pl.DataFrame:
    for row in rows:
        assert row.keys() <= columns.keys(), row.keys() - columns.keys()
    full = [{"request_id": f"r{i}", "cluster_id": f"c{i}", **row} for i, row in enumerate(rows)]
    return pl.DataFrame(
        {
            name: pl.Series(name, [row.get(name, default) for row in full], dtype, strict=True)
            for name, (default, dtype) in columns.items()
        }
    )

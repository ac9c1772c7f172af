"""A stored run as a log: its requests, with the champion's answers, to be replayed again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from harness.errors import StoreError
from harness.exchange import (
    Failure,
    FailureKind,
    Headers,
    Outcome,
    Recorded,
    RecordedAnswer,
    Request,
    Response,
)
from harness.replay.importing import write_log
from harness.store.layout import MANIFEST, Series
from harness.store.reader import StoredRun

_COLUMNS = (
    "request_id", "external_id", "received_at", "cluster_id", "cluster_known", "method", "path",
    "request_headers", "request_body", "request_body_bytes", "truth", "champion_outcome",
    "champion_status", "champion_headers", "champion_body", "champion_body_bytes",
    "champion_truncated", "champion_latency_s", "champion_first_byte_s", "champion_error",
)  # fmt: skip

Row = dict[str, Any]


def entries_of_run(run: StoredRun) -> Iterator[Recorded]:
    """Every request once, in the order it was stored.

    Headers are those the run kept: credentials are not among them.

    Raises:
        StoreError: The run kept no bodies, so that its requests cannot be asked again.
    """
    seen: set[str] = set()
    columns = [*_COLUMNS, *(["segments"] if run.segments else [])]
    among = [*map(Series, run.challengers), *([run.observed] if run.observed else [])]
    for series in among:
        for frame in run.frames(series, columns):
            # As a number: a Python datetime would lose the nanoseconds.
            in_ns = frame.with_columns(pl.col("received_at").to_physical())
            for row in in_ns.iter_rows(named=True):
                if row["request_id"] not in seen:
                    seen.add(row["request_id"])
                    yield _recorded(row, run)


def is_run(path: Path) -> bool:
    """Whether a path that stands where a log is wanted is a run."""
    return (path / MANIFEST).is_file()


def as_logs(paths: Sequence[Path], spool: Path) -> list[Path]:
    """The paths, with each run among them written as a log into a folder.

    Raises:
        StoreError: A run kept no bodies.
    """
    logs = []
    for path in paths:
        log = path
        if is_run(path):
            log = spool / f"{path.absolute().name}.jsonl"
            write_log(entries_of_run(StoredRun.open(path)), log)
        logs.append(log)
    return logs


def _recorded(row: Row, run: StoredRun) -> Recorded:
    if row["request_body"] is None and row["request_body_bytes"]:
        raise StoreError(
            f"{run.path}: kept no request bodies (`capture.keep_bodies`), so that its requests "
            f"cannot be asked again. Use the log it was made from"
        )
    body = row["request_body"] or b""
    return Recorded(
        entry_id=row["external_id"] or row["request_id"],
        position=row["request_id"],
        at_ns=row["received_at"],
        request=Request(row["method"], row["path"], _headers(row["request_headers"]), body),
        answer=RecordedAnswer(
            _outcome(row), row["champion_latency_s"], row["champion_first_byte_s"]
        ),
        cluster_id=row["cluster_id"] if row["cluster_known"] else None,
        segments={
            name: value for name, value in (row.get("segments") or {}).items() if value is not None
        },
        truth=row["truth"],
    )


def _outcome(row: Row) -> Outcome:
    response = None
    if row["champion_status"] is not None:
        body = row["champion_body"] or b""
        n_bytes = row["champion_body_bytes"] or 0
        cut = row["champion_truncated"] or len(body) < n_bytes
        headers = _headers(row["champion_headers"])
        response = Response(row["champion_status"], headers, body, n_bytes, truncated=cut)
    if row["champion_outcome"] == "ok" and response is not None:
        return response
    kind = FailureKind(row["champion_outcome"])
    return Failure(kind, row["champion_error"] or kind.value, response)


def _headers(fields: list[dict[str, str]] | None) -> Headers:
    return tuple((field["name"], field["value"]) for field in fields or ())

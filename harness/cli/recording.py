"""A run without challengers, for people: what was recorded, or one request of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.errors import UsageError
from harness.quantity import say
from harness.report.sanitize import one_line
from harness.store.reader import StoredRun

Row = dict[str, Any]

_NAMED = 5
_MOST_CHARACTERS = 4_000


def recording(run: StoredRun, request_id: str | None) -> Iterator[str]:
    """What `harness show` says of it.

    Raises:
        UsageError: No request, or more than one, can be meant by the id.
    """
    assert run.observed is not None
    if request_id is None:
        yield f"{run.n_pairs(run.observed):,} requests recorded of {run.observed.name}\n"
        yield f"Ask others the same: harness replay CONFIG --log {run.path}\n"
        return
    rows = run.find_like(request_id).to_dicts()
    if len(rows) != 1:
        ids = ", ".join(row["request_id"] for row in rows[:_NAMED])
        found = f"{len(rows)} requests match. Name one: {ids}" if rows else "no such request"
        raise UsageError(f"{request_id}: {found} ({run.path})")
    yield from _one(rows[0])


def _one(row: Row) -> Iterator[str]:
    received = f"{row['received_at']:%Y-%m-%d %H:%M:%S} UTC"
    yield f"{row['request_id']}  received {received}, cluster {one_line(row['cluster_id'])}\n"
    yield f"{one_line(row['method'])} {one_line(row['path'])}\n{_text(row['request_body'])}\n"
    status = row["champion_status"] or "–"
    yield f"{row['champion_outcome']}  {status}  {say(row['champion_latency_s'], 's')}\n"
    if row["champion_error"]:
        yield f"{one_line(row['champion_error'])}\n"
    yield f"{_text(row['champion_body'])}\n"


def _text(body: bytes | None) -> str:
    if body is None:
        return "(not kept)"
    return one_line(body.decode("utf-8", "replace"), longest=_MOST_CHARACTERS)

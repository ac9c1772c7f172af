"""Entries as bytes and back, for the spool of the process that packed them.

The format is `marshal`, which is the quickest there is for plain values and means something only to
the Python that wrote it. A spool does not outlive its process, and nobody else's is ever read.
"""

from __future__ import annotations

import marshal
from typing import Any

from harness.exchange import (
    Failure,
    FailureKind,
    LateAnswer,
    Outcome,
    Recorded,
    RecordedAnswer,
    Request,
    Response,
)

_NS_PER_S = 1_000_000_000


def pack(entry: Recorded) -> bytes:
    """One entry."""
    request, answer = entry.request, entry.answer
    return marshal.dumps(
        (
            entry.entry_id,
            entry.position,
            entry.at_ns,
            (request.method, request.target, request.headers, request.body),
            None if answer is None else _answer_values(answer),
            entry.cluster_id,
            dict(entry.segments),
            entry.truth,
        )
    )


def pack_late(late: LateAnswer) -> bytes:
    """One answer that stands apart from its request."""
    return marshal.dumps(
        (late.entry_id, late.at_ns, late.first_byte_at_ns, _answer_values(late.answer))
    )


def _answer_values(answer: RecordedAnswer) -> tuple[Any, ...]:
    match answer.outcome:
        case Response() as response:
            failed = None
        case Failure(kind, detail, response):
            failed = (kind.value, detail)
    kept = response and (
        response.status,
        response.headers,
        response.body,
        response.n_body_bytes,
        response.truncated,
    )
    return (failed, kept, answer.latency_s, answer.first_byte_s)


def _answer_of(values: tuple[Any, ...]) -> RecordedAnswer:
    failed, kept, latency_s, first_byte_s = values
    response = None if kept is None else Response(*kept)
    if failed is not None:
        outcome: Outcome = Failure(FailureKind(failed[0]), failed[1], response)
    else:
        assert response is not None  # an answer that is no failure
        outcome = response
    return RecordedAnswer(outcome, latency_s, first_byte_s)


def unpack(packed: bytes, late: bytes | None) -> Recorded:
    """An entry, with the answer that stood apart where it has none of its own."""
    entry_id, position, at_ns, request, answer, cluster_id, segments, truth = marshal.loads(packed)
    if answer is not None:
        known: RecordedAnswer | None = _answer_of(answer)
    else:
        known = None if late is None else _joined(entry_id, at_ns, late)
    return Recorded(
        entry_id, position, at_ns, Request(*request), known, cluster_id, segments, truth
    )


def unpack_late(late: bytes, entry: Recorded) -> RecordedAnswer | None:
    """An answer that stood apart, as this entry's; None when it is another's after all."""
    return _joined(entry.entry_id, entry.at_ns, late)


def unpack_stray(late: bytes) -> LateAnswer:
    """An answer that stood apart and whose request is not there: without its date."""
    entry_id, _, _, values = marshal.loads(late)
    return LateAnswer(entry_id, "", _answer_of(values))


def _joined(entry_id: str, at_ns: int | None, late: bytes) -> RecordedAnswer | None:
    """A late answer as its request's own, with the times that follow from both."""
    late_id, late_at_ns, first_byte_at_ns, values = marshal.loads(late)
    if late_id != entry_id:
        return None  # two ids with one hash
    answer = _answer_of(values)
    return RecordedAnswer(
        answer.outcome,
        answer.latency_s if answer.latency_s is not None else _seconds(at_ns, late_at_ns),
        answer.first_byte_s
        if answer.first_byte_s is not None
        else _seconds(at_ns, first_byte_at_ns),
    )


def _seconds(start_ns: int | None, end_ns: int | None) -> float | None:
    """Seconds between; None where an end is unknown or not later, which is no measurement."""
    if start_ns is None or end_ns is None or end_ns <= start_ns:
        return None
    return (end_ns - start_ns) / _NS_PER_S

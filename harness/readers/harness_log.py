"""Our own log: JSON Lines, one exchange a line, nothing lost.

    {"format": 1, "id": "a1", "at": "2025-06-01T12:00:00.000000001Z", "method": "POST",
     "target": "/v1/predict", "headers": [["Host", "x"]], "body": "{}",
     "answer": {"outcome": "ok", "status": 200, "headers": [], "body": "{}", "latency_s": 0.02},
     "truth": 7}

Optional are `id`, `at`, `cluster_id`, `segments`, `headers`, `body` (UTF-8) or `body_base64`,
`answer` and `truth`. In `method`, `target` and header fields one character stands for one byte. An
answer's `outcome` is `ok` or why it failed (`detail` says more); a failure may still have a status
and a body. A body that was cut has `truncated: true` and the whole's size in `body_bytes`.
`encode` and `READER` are inverse to each other.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass

import orjson

from harness.exchange import (
    Failure,
    FailureKind,
    Headers,
    LateAnswer,
    Outcome,
    Recorded,
    RecordedAnswer,
    Rejected,
    Request,
    Response,
)
from harness.ports import Source
from harness.readers import instant, json_record, wire
from harness.readers.json_record import Record
from harness.readers.pieces import MAX_ENTRY_BYTES, lines, too_long

FORMAT = 1
"""Version of the log that is written; read up to this one."""

_OUTCOMES = "ok, " + ", ".join(FailureKind)


@dataclass(frozen=True, slots=True)
class HarnessLog:
    """Reads logs that `harness import`, `harness shadow` or a user's script wrote."""

    resolution_ns: int = 1
    max_entry_bytes: int = MAX_ENTRY_BYTES

    def sniff(self, head: bytes) -> bool:
        return any(keys >= {"method", "target"} for keys in json_record.first_keys(head))

    def read(self, source: Source) -> Iterator[Recorded | LateAnswer | Rejected]:
        for number, line in lines(source.chunks, max_bytes=self.max_entry_bytes):
            position = f"line {number}"
            if line is None:
                yield Rejected(position, too_long(self.max_entry_bytes))
                continue
            try:
                yield _recorded(line, position)
            except ValueError as exc:
                yield Rejected(position, str(exc))


READER = HarnessLog()


def _recorded(line: bytes, position: str) -> Recorded:
    record = json_record.decode(line)
    version = record.get("format", FORMAT)
    if version != FORMAT:
        raise ValueError(f"format: is {json_record.word(version)}, this harness reads {FORMAT}")
    at = json_record.optional_text(record, "at")
    answer = json_record.part(record, "answer")
    return Recorded(
        entry_id=json_record.name(record, "id"),
        position=position,
        at_ns=None if at is None else instant.named("at", at),
        request=Request(
            method=wire.method(json_record.text(record, "method")),
            target=wire.target(json_record.text(record, "target")),
            headers=_headers(record),
            body=_body(record),
        ),
        answer=None if answer is None else _answer(answer),
        cluster_id=json_record.name(record, "cluster_id") or None,
        segments=_segments(record),
        truth=_truth(record, line),
    )


def _headers(record: Record) -> Headers:
    headers = []
    for field in json_record.array(record, "headers"):
        # Not a `match`: sequence patterns take most of the time of reading a line.
        if isinstance(field, list) and len(field) == 2:
            name, value = field
            if isinstance(name, str) and isinstance(value, str):
                headers.append(wire.header(name, value))
                continue
        raise ValueError(f"headers: has {json_record.kind(field)}, must be pairs [name, value]")
    return tuple(headers)


def _body(record: Record) -> bytes:
    if record.get("body_base64") is not None:
        return json_record.from_base64(record, "body_base64")
    body = json_record.optional_text(record, "body")
    return b"" if body is None else body.encode()


def _segments(record: Record) -> dict[str, str]:
    segments = json_record.part(record, "segments")
    return {} if segments is None else {name: json_record.text(segments, name) for name in segments}


def _truth(record: Record, line: bytes) -> str | None:
    match record.get("truth"):
        case None:
            return None
        case float() | dict() | list():  # what a decoder may have rounded
            return json_record.member_text(line, "truth")
        case truth:
            return orjson.dumps(truth).decode()


def _answer(record: Record) -> RecordedAnswer:
    try:
        return RecordedAnswer(
            outcome=_outcome(record),
            latency_s=json_record.duration_s(record, "latency_s"),
            first_byte_s=json_record.duration_s(record, "first_byte_s"),
        )
    except ValueError as exc:
        raise ValueError(f"answer.{exc}") from exc


def _outcome(record: Record) -> Outcome:
    response = None if record.get("status") is None else _response(record)
    outcome = record.get("outcome", "ok")
    if outcome == "ok":
        if response is None:
            raise ValueError("status: is missing")
        return response
    try:
        reason = FailureKind(outcome)
    except ValueError as exc:
        raise ValueError(
            f"outcome: is {json_record.word(outcome)}, must be one of {_OUTCOMES}"
        ) from exc
    return Failure(reason, json_record.optional_text(record, "detail") or "", response)


def _response(record: Record) -> Response:
    body = _body(record)
    n_body_bytes = record.get("body_bytes", len(body))
    if not isinstance(n_body_bytes, int) or n_body_bytes < len(body):
        raise ValueError(f"body_bytes: is {json_record.kind(n_body_bytes)}, the body has more")
    return Response(
        status=json_record.status(record, "status"),
        headers=_headers(record),
        body=body,
        n_body_bytes=n_body_bytes,
        truncated=record.get("truncated") is True,
    )


def encode(recorded: Recorded) -> bytes:
    """One line of a harness log, with its line feed.

    Reading it gives the same entry again, but for its position in the file.
    """
    record: Record = {"format": FORMAT}
    if recorded.entry_id:
        record["id"] = recorded.entry_id
    if recorded.at_ns is not None:
        record["at"] = instant.render(recorded.at_ns)
    if recorded.cluster_id is not None:
        record["cluster_id"] = recorded.cluster_id
    if recorded.segments:
        record["segments"] = dict(recorded.segments)
    request = recorded.request
    record |= {"method": request.method, "target": request.target, "headers": request.headers}
    record |= _encoded_body(request.body)
    if recorded.answer is not None:
        record["answer"] = _encoded_answer(recorded.answer)
    if recorded.truth is not None:
        record["truth"] = orjson.Fragment(recorded.truth)
    return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)


def _encoded_answer(answer: RecordedAnswer) -> Record:
    record: Record = {}
    match answer.outcome:
        case Response() as response:
            record["outcome"] = "ok"
        case Failure(reason, detail, response):
            record["outcome"] = reason
            if detail:
                record["detail"] = detail
    if response is not None:
        record |= {"status": response.status, "headers": response.headers}
        record |= _encoded_body(response.body)
        if response.n_body_bytes != len(response.body):
            record["body_bytes"] = response.n_body_bytes
        if response.truncated:
            record["truncated"] = True
    if answer.latency_s is not None:
        record["latency_s"] = answer.latency_s
    if answer.first_byte_s is not None:
        record["first_byte_s"] = answer.first_byte_s
    return record


def _encoded_body(body: bytes) -> Record:
    if not body:
        return {}
    try:
        return {"body": body.decode()}
    except UnicodeDecodeError:
        return {"body_base64": base64.b64encode(body).decode()}

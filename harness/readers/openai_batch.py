"""OpenAI Batch files: the input, the output and the error file of a batch, joined by `custom_id`.

The input is `{custom_id, method, url, body}` a line; output and error file are
`{custom_id, response: {status_code, request_id, body}, error}`. Output comes in no order, and a
batch has no times: it can be paced by rate or in a closed loop only. Requests that expired or were
cancelled stand in the error file alone. Bodies keep the exact text they have in the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.exchange import (
    Failure,
    FailureKind,
    LateAnswer,
    Outcome,
    Recorded,
    RecordedAnswer,
    Rejected,
    Request,
    Response,
)
from harness.ports import Source
from harness.readers import json_call, json_record, wire
from harness.readers.json_record import Record
from harness.readers.pieces import MAX_ENTRY_BYTES, lines, too_long

_FAILURES = {
    "batch_expired": FailureKind.TIMEOUT,
    "request_timeout": FailureKind.TIMEOUT,
    "batch_cancelled": FailureKind.CANCELLED,
}


@dataclass(frozen=True, slots=True)
class OpenAIBatch:
    """Reads the files of a batch, each as its lines say what they are."""

    resolution_ns: int = 0
    max_entry_bytes: int = MAX_ENTRY_BYTES

    def sniff(self, head: bytes) -> bool:
        return any(
            "custom_id" in keys and keys & {"url", "response", "error"}
            for keys in json_record.first_keys(head)
        )

    def read(self, source: Source) -> Iterator[Recorded | LateAnswer | Rejected]:
        for number, line in lines(source.chunks, max_bytes=self.max_entry_bytes):
            position = f"line {number}"
            if line is None:
                yield Rejected(position, too_long(self.max_entry_bytes))
                continue
            try:
                yield _entry(line, position)
            except ValueError as exc:
                yield Rejected(position, str(exc))


READER = OpenAIBatch()


def _entry(line: bytes, position: str) -> Recorded | LateAnswer:
    record = json_record.decode(line)
    custom_id = json_record.text(record, "custom_id")
    if not custom_id:
        raise ValueError("custom_id: is empty")
    if "url" in record:
        return Recorded(custom_id, position, None, _request(record, line))
    return LateAnswer(custom_id, position, RecordedAnswer(_outcome(record, line)))


def _request(record: Record, line: bytes) -> Request:
    method, url = json_record.text(record, "method"), json_record.text(record, "url")
    return json_call.request(url, _body(line), method)


def _outcome(record: Record, line: bytes) -> Outcome:
    response = json_record.part(record, "response")
    if response is not None:
        member = json_record.member_text(line, "response")
        return _response(response, b"" if member is None else member.encode())
    error = json_record.part(record, "error")
    if error is None:
        raise ValueError("has neither url (a request) nor response nor error (an answer)")
    code = json_record.optional_text(error, "code") or "error"
    message = json_record.optional_text(error, "message") or ""
    kind = _FAILURES.get(code, FailureKind.DISCONNECTED)
    return Failure(kind, f"{code}: {message}" if message else code)


def _response(record: Record, text: bytes) -> Response:
    request_id = json_record.optional_text(record, "request_id")
    named = [wire.header("X-Request-Id", request_id)] if request_id else []
    return json_call.response(json_record.status(record, "status_code"), _body(text), *named)


def _body(document: bytes) -> bytes:
    body = json_record.member_text(document, "body")
    return b"" if body is None or body == "null" else body.encode()

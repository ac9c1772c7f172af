"""Inference loggers of KServe and Seldon: CloudEvents as JSON, a request or an answer each.

The events that the loggers post, as a collector keeps them in CloudEvents' JSON form: one to a
line, or in an array. Body in `data` (a JSON value, or text) or `data_base64`; attributes by their
names, with or without `ce-`. Request and answer are separate events under one id: KServe's `id`,
Seldon's `requestid`. Only calls that succeeded have an answer, so its status is 200. The latency is
the difference of the two events' times.

No event has the path that was called: what is asked again is the inference service's own, of the
open inference protocol where the body has `inputs`, else of protocol 1; a deployment's `path` goes
before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

import orjson

from harness.exchange import LateAnswer, Recorded, RecordedAnswer, Rejected, Request, Response
from harness.ports import Source
from harness.readers import instant, json_record, wire
from harness.readers.json_objects import first_keys, objects
from harness.readers.json_record import Record
from harness.readers.pieces import MAX_ENTRY_BYTES, too_long

_REQUESTS = (
    "org.kubeflow.serving.inference.request",
    "io.seldon.serving.inference.request",
)
_ANSWERS = (
    "org.kubeflow.serving.inference.response",
    "io.seldon.serving.inference.response",
)
_FEEDBACK = "io.seldon.serving.feedback"
_SNIFFED = (b"org.kubeflow.serving.inference.", b"io.seldon.serving.")


@dataclass(frozen=True, slots=True)
class InferenceEvents:
    """Reads events, one to a line or in an array."""

    resolution_ns: int = 1
    max_entry_bytes: int = MAX_ENTRY_BYTES

    def sniff(self, head: bytes) -> bool:
        return any(name in head for name in _SNIFFED) and any(
            keys & {"type", "ce-type"} and keys & {"specversion", "ce-specversion", "id", "ce-id"}
            for keys in first_keys(head)
        )

    def read(self, source: Source) -> Iterator[Recorded | LateAnswer | Rejected]:
        for number, text in objects(source.chunks, max_bytes=self.max_entry_bytes):
            position = f"event {number}"
            if text is None:
                yield Rejected(position, too_long(self.max_entry_bytes))
                continue
            try:
                record = json_record.decode(text)
                attributes = {key.lower().removeprefix("ce-"): record[key] for key in record}
                if attributes.get("type") != _FEEDBACK:
                    yield _entry(attributes, text, position)
            except ValueError as exc:
                yield Rejected(position, str(exc))


READER = InferenceEvents()


def _entry(event: Record, text: bytes, position: str) -> Recorded | LateAnswer:
    kind = json_record.text(event, "type")
    if kind not in (*_REQUESTS, *_ANSWERS):
        raise ValueError(f"type: is {kind[:60]!r}, must be an inference's request or response")
    event_id = json_record.name(event, "requestid") or json_record.name(event, "id")
    if not event_id:
        raise ValueError("id: is missing")
    time = json_record.optional_text(event, "time")
    at_ns = None if time is None else instant.named("time", time)
    body = _body(event, text)
    content_type = json_record.optional_text(event, "datacontenttype") or "application/json"
    headers = [wire.header("Content-Type", content_type)]
    if kind in _REQUESTS:
        headers += _chosen_headers(event)
        request = Request("POST", _target(event, body), wire.framed(headers, body, "POST"), body)
        return Recorded(event_id, position, at_ns, request)
    response = Response(200, tuple(headers), body, n_body_bytes=len(body))
    return LateAnswer(event_id, position, RecordedAnswer(response), at_ns=at_ns)


def _body(event: Record, text: bytes) -> bytes:
    if event.get("data_base64") is not None:
        return json_record.from_base64(event, "data_base64")
    data = event.get("data")
    if data is None:
        raise ValueError("data: is missing")
    if isinstance(data, str):
        return data.encode()
    exact = json_record.member_text(text, "data")
    return orjson.dumps(data) if exact is None else exact.encode()


def _chosen_headers(event: Record) -> list[tuple[str, str]]:
    """Header fields that the logger was told to keep: a JSON object of lists, as text."""
    written = event.get("metadata")
    if not isinstance(written, str) or not written:
        return []
    try:
        chosen = json_record.decode(written.encode())
    except ValueError as exc:
        raise ValueError(f"metadata: {exc}") from exc
    return [
        wire.header(name, value)
        for name, values in chosen.items()
        if name.lower() not in ("content-type", "content-length", "transfer-encoding")
        for value in (values if isinstance(values, list) else [values])
        if isinstance(value, str)
    ]


def _target(event: Record, body: bytes) -> str:
    service = json_record.optional_text(event, "inferenceservicename") or "model"
    name = quote(service, safe="")
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        document = None
    if isinstance(document, dict) and "inputs" in document:
        return f"/v2/models/{name}/infer"
    return f"/v1/models/{name}:predict"

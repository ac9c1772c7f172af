"""SageMaker Data Capture: JSON Lines under `endpoint/variant/yyyy/mm/dd/hh/`.

A capture has no URL, no header fields, no status and no latency. The request is what the model's
container gets, `POST /invocations` with the observed content type; a captured output is an answer
with status 200, because only successful invocations have one. Times are whole seconds. Data is
base64 unless its type was listed as CSV or JSON when the endpoint was set up.

An entry is known by the caller's inference id where there is one, and else by the event id: it is
what production and shadow variant, and ground truth that is uploaded later, have in common.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.exchange import (
    LateAnswer,
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

_TARGET = "/invocations"
_STATUS = 200


@dataclass(frozen=True, slots=True)
class SageMaker:
    """Reads captures of one variant of an endpoint."""

    resolution_ns: int = instant.NS_PER_S
    max_entry_bytes: int = MAX_ENTRY_BYTES

    def sniff(self, head: bytes) -> bool:
        return any("captureData" in keys for keys in json_record.first_keys(head))

    def read(self, source: Source) -> Iterator[Recorded | LateAnswer | Rejected]:
        for number, line in lines(source.chunks, max_bytes=self.max_entry_bytes):
            position = f"line {number}"
            if line is None:
                yield Rejected(position, too_long(self.max_entry_bytes))
                continue
            try:
                yield _recorded(json_record.decode(line), position)
            except ValueError as exc:
                yield Rejected(position, str(exc))


READER = SageMaker()


def _recorded(record: Record, position: str) -> Recorded:
    capture = json_record.part(record, "captureData") or {}
    metadata = json_record.part(record, "eventMetadata") or {}
    sent = json_record.part(capture, "endpointInput")
    if sent is None:
        raise ValueError("captureData.endpointInput: is missing: only outputs were captured")
    body = _data(sent, "endpointInput")
    got = json_record.part(capture, "endpointOutput")
    time = json_record.optional_text(metadata, "inferenceTime")
    return Recorded(
        entry_id=json_record.name(metadata, "inferenceId") or json_record.name(metadata, "eventId"),
        position=position,
        at_ns=None if time is None else instant.named("eventMetadata.inferenceTime", time),
        request=Request("POST", _TARGET, wire.framed(_headers(sent, metadata), body, "POST"), body),
        answer=None if got is None else RecordedAnswer(_response(got)),
    )


def _headers(sent: Record, metadata: Record) -> list[tuple[str, str]]:
    headers = _content_type(sent)
    inference_id = json_record.optional_text(metadata, "inferenceId")
    if inference_id:
        headers.append(wire.header("X-Amzn-SageMaker-Inference-Id", inference_id))
    for attributes in json_record.array(metadata, "customAttributes"):
        if not isinstance(attributes, str):
            raise ValueError(
                f"eventMetadata.customAttributes: has {json_record.kind(attributes)}, "
                f"must be strings"
            )
        headers.append(wire.header("X-Amzn-SageMaker-Custom-Attributes", attributes))
    return headers


def _content_type(side: Record) -> list[tuple[str, str]]:
    content_type = json_record.optional_text(side, "observedContentType")
    return [wire.header("Content-Type", content_type)] if content_type else []


def _response(got: Record) -> Response:
    body = _data(got, "endpointOutput")
    return Response(_STATUS, tuple(_content_type(got)), body, n_body_bytes=len(body))


def _data(side: Record, where: str) -> bytes:
    encoding = json_record.text(side, "encoding")
    try:
        match encoding:
            case "BASE64":
                return json_record.from_base64(side, "data")
            case "CSV" | "JSON":
                return json_record.text(side, "data").encode()
    except ValueError as exc:
        raise ValueError(f"captureData.{where}.{exc}") from exc
    raise ValueError(
        f"captureData.{where}.encoding: is {encoding[:40]!r}, must be BASE64, CSV or JSON"
    )

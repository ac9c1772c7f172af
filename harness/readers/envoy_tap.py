"""Envoy's tap filter: buffered HTTP traces as JSON, one object a trace.

A trace has headers with HTTP/2's pseudo-headers among them, and bodies as base64 or text. Envoy
keeps 1 KiB of a body unless told otherwise: a request whose body was cut cannot be asked again, an
answer keeps what is there. Times are known with `record_headers_received_time` alone, and are those
of the heads, so that there is a time to the first byte and no latency. A trace has no id that is
unique: the entry's is `x-request-id`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.exchange import (
    Failure,
    FailureKind,
    Headers,
    LateAnswer,
    Recorded,
    RecordedAnswer,
    Rejected,
    Request,
    Response,
)
from harness.ports import Source
from harness.readers import instant, json_record, wire
from harness.readers.json_objects import first_keys, objects
from harness.readers.json_record import Record
from harness.readers.pieces import MAX_ENTRY_BYTES, too_long

_TRACE = "http_buffered_trace"
_SEGMENT = "http_streamed_trace_segment"


@dataclass(frozen=True, slots=True)
class EnvoyTap:
    """Reads traces: a file each, one to a line, or one after the other."""

    resolution_ns: int = 1_000_000
    max_entry_bytes: int = MAX_ENTRY_BYTES

    def sniff(self, head: bytes) -> bool:
        start = head.lstrip(b"\xef\xbb\xbf[{ \t\r\n")
        return start.startswith((f'"{_TRACE}"'.encode(), f'"{_SEGMENT}"'.encode())) or any(
            keys & {_TRACE, _SEGMENT} for keys in first_keys(head)
        )

    def read(self, source: Source) -> Iterator[Recorded | LateAnswer | Rejected]:
        for number, text in objects(source.chunks, max_bytes=self.max_entry_bytes):
            position = f"trace {number}"
            if text is None:
                yield Rejected(position, too_long(self.max_entry_bytes))
                continue
            try:
                yield _recorded(json_record.decode(text), position)
            except ValueError as exc:
                yield Rejected(position, str(exc))


READER = EnvoyTap()


def _recorded(record: Record, position: str) -> Recorded:
    trace = json_record.part(record, _TRACE)
    if trace is None:
        streamed = "is a part of a streamed trace: set `streaming: false` in the tap"
        raise ValueError(streamed if _SEGMENT in record else f"{_TRACE}: is missing")
    sent = json_record.part(trace, "request")
    if sent is None:
        raise ValueError("request: is missing")
    at_ns = _at_ns(sent)
    request = _request(sent)
    ids = wire.values(request.headers, "x-request-id")
    got = json_record.part(trace, "response")
    return Recorded(
        entry_id=ids[0] if ids else "",
        position=position,
        at_ns=at_ns,
        request=request,
        answer=None if got is None else _answer(got, at_ns),
    )


def _request(sent: Record) -> Request:
    pseudo, headers = _headers(sent)
    body, truncated = _body(sent)
    if truncated:
        raise ValueError(
            f"body: was cut off after {len(body)} bytes: raise `max_buffered_rx_bytes` of the tap"
        )
    if ":method" not in pseudo or ":path" not in pseudo:
        raise ValueError("headers: has no :method or no :path")
    if not wire.values(headers, "host") and ":authority" in pseudo:
        headers = (("Host", pseudo[":authority"]), *headers)
    method = wire.method(pseudo[":method"])
    return Request(method, wire.target(pseudo[":path"]), wire.framed(headers, body, method), body)


def _answer(got: Record, asked_at_ns: int | None) -> RecordedAnswer:
    pseudo, headers = _headers(got)
    body, truncated = _body(got)
    status = pseudo.get(":status", "")
    if not (status.isascii() and status.isdigit() and len(status) == 3 and status[0] != "0"):
        return RecordedAnswer(Failure(FailureKind.DISCONNECTED, "no status was traced"))
    at_ns = _at_ns(got)
    known = asked_at_ns is not None and at_ns is not None
    return RecordedAnswer(
        Response(
            int(status), headers, body, n_body_bytes=len(body) + truncated, truncated=truncated
        ),
        first_byte_s=instant.seconds_between(asked_at_ns or 0, at_ns or 0) if known else None,
    )


def _at_ns(side: Record) -> int | None:
    text = json_record.optional_text(side, "headers_received_time")
    return None if text is None else instant.named("headers_received_time", text)


def _headers(side: Record) -> tuple[dict[str, str], Headers]:
    """Pseudo-headers, and the other fields in their order."""
    pseudo: dict[str, str] = {}
    headers = []
    for field in json_record.array(side, "headers"):
        if not isinstance(field, dict):
            raise ValueError(f"headers: has {json_record.kind(field)}, must be objects")
        name, value = json_record.text(field, "key"), _value(field)
        if name.startswith(":"):
            wire.header(name[1:], value)
            pseudo[name] = value
        else:
            headers.append(wire.header(name, value))
    return pseudo, tuple(headers)


def _value(field: Record) -> str:
    """A header's value: newer versions keep its bytes."""
    if field.get("raw_value") is not None:
        return json_record.from_base64(field, "raw_value").decode("latin-1")
    return json_record.optional_text(field, "value") or ""


def _body(side: Record) -> tuple[bytes, bool]:
    """What there is of the body, and whether it was cut."""
    body = json_record.part(side, "body")
    if body is None:
        return b"", False
    if body.get("as_bytes") is not None:
        content = json_record.from_base64(body, "as_bytes")
    else:
        content = (json_record.optional_text(body, "as_string") or "").encode()
    return content, body.get("truncated") is True

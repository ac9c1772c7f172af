r"""nginx access logs in JSON (`log_format ... escape=json`), under the usual names or your own.

    log_format replay escape=json
      '{"msec":"$msec","request_time":"$request_time","request_method":"$request_method",'
      '"request_uri":"$request_uri","http_host":"$http_host","content_type":"$content_type",'
      '"content_length":"$content_length","http_x_user_id":"$http_x_user_id",'
      '"request_id":"$request_id","status":"$status","body_bytes_sent":"$body_bytes_sent",'
      '"upstream_response_time":"$upstream_response_time",'
      '"upstream_header_time":"$upstream_header_time","request_body":"$request_body"}';

nginx writes the line when a request has *ended*, so it began `request_time` earlier. The latency is
the upstream's: the sum of `upstream_response_time`, which is a list where the next server was
tried; `request_time` also counts a slow client, and is taken only where no upstream was asked.
Times are milliseconds; 0.000 means less than one and is not known.

`escape=json` passes bytes above 0x7f through, so a line need not be UTF-8; those bytes are kept.
nginx has the request's body only while it is in memory (`client_body_buffer_size`): a request whose
body is not there as long as it was is rejected. It never has the answer's body.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

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
from harness.readers import instant, json_record, wire
from harness.readers.json_record import Record
from harness.readers.pieces import MAX_ENTRY_BYTES, lines, too_long

_CLIENT_LEFT = 499

_SECONDS = re.compile(r"(\d{1,12})(?:\.(\d{1,9}))?", re.ASCII)
_ATTEMPT = re.compile("[,:]")  # a comma for the next server, a colon for the next group
_ABSENT = ("", "-")


@dataclass(frozen=True, slots=True)
class Names:
    """Under which key of the log each thing stands.

    Attributes:
        msec: When the request ended, seconds since 1970.
        time_iso8601: The same as text, to the second; used where `msec` is absent.
        request: The whole request line; used where method or target are absent.
        headers: Keys that hold request header fields, with the header's name. Keys that begin with
            `http_` do without.
    """

    msec: str = "msec"
    time_iso8601: str = "time_iso8601"
    request_time: str = "request_time"
    request_method: str = "request_method"
    request_uri: str = "request_uri"
    request: str = "request"
    request_body: str = "request_body"
    request_id: str = "request_id"
    host: str = "host"
    content_type: str = "content_type"
    content_length: str = "content_length"
    status: str = "status"
    body_bytes_sent: str = "body_bytes_sent"
    upstream_response_time: str = "upstream_response_time"
    upstream_header_time: str = "upstream_header_time"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Nginx:
    """Reads access logs, one request a line."""

    names: Names = field(default_factory=Names)
    resolution_ns: int = 1_000_000
    max_entry_bytes: int = MAX_ENTRY_BYTES

    def sniff(self, head: bytes) -> bool:
        names = self.names
        asked = ({names.request_method, names.request_uri}, {names.request})
        told = {names.status, names.msec, names.time_iso8601}
        return any(
            any(keys >= need for need in asked) and keys & told
            for keys in json_record.first_keys(head)
        )

    def read(self, source: Source) -> Iterator[Recorded | LateAnswer | Rejected]:
        for number, line in lines(source.chunks, max_bytes=self.max_entry_bytes):
            position = f"line {number}"
            if line is None:
                yield Rejected(position, too_long(self.max_entry_bytes))
                continue
            try:
                yield _recorded(_Line(_decode(line), self.names), position)
            except ValueError as exc:
                yield Rejected(position, str(exc))


READER = Nginx()


def _decode(line: bytes) -> Record:
    """One object, its texts with one character per byte.

    Raises:
        ValueError: Not JSON, which `escape=default` is not, or not an object.
    """
    try:
        return json_record.decode(line)
    except ValueError as exc:
        if b"\\x" in line:
            raise ValueError(f"{exc}; the log_format must say escape=json") from exc
        if _is_utf8(line):
            raise
    try:
        record = json.loads(line.decode("utf-8", "surrogateescape"))
    except RecursionError as exc:
        raise ValueError("not JSON: nested too deeply") from exc
    if not isinstance(record, dict):
        raise ValueError(f"is {json_record.kind(record)}, must be an object")
    return record


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class _Line:
    """A line's values by what they are, whatever their keys are called."""

    record: Record
    names: Names

    def raw(self, what: str) -> bytes | None:
        """The bytes nginx had; None where the log does not have the value."""
        return _raw(what, self.record.get(getattr(self.names, what)))

    def text(self, what: str) -> str | None:
        """The value with one character per byte; None also for nginx's `-` and for nothing."""
        value = self.raw(what)
        text = None if value is None else value.decode("latin-1")
        return None if text in _ABSENT else text

    def has(self, what: str) -> bool:
        return self.record.get(getattr(self.names, what)) is not None

    def seconds_ns(self, what: str) -> int | None:
        text = self.text(what)
        return None if text is None else _seconds_ns(what, text)


def _raw(what: str, value: Any) -> bytes | None:
    match value:
        case None:
            return None
        case bool() | dict() | list():
            raise ValueError(f"{what}: is {json_record.kind(value)}, must be a string or a number")
        case str():
            return value.encode("utf-8", "surrogateescape")
        case _:
            return repr(value).encode()


def _seconds_ns(what: str, text: str) -> int:
    match = _SECONDS.fullmatch(text)
    if match is None:
        raise ValueError(f"{what}: is {text[:40]!r}, must be seconds, as in 0.123")
    return int(match[1]) * instant.NS_PER_S + int((match[2] or "").ljust(9, "0"))


def _recorded(line: _Line, position: str) -> Recorded:
    method, target = _request_line(line)
    body = _body(line, method)
    headers = wire.framed(_headers(line), body, method)
    return Recorded(
        entry_id=line.text("request_id") or "",
        position=position,
        at_ns=_started_at_ns(line),
        request=Request(method, target, headers, body),
        answer=_answer(line),
    )


def _request_line(line: _Line) -> tuple[str, str]:
    method, target = line.text("request_method"), line.text("request_uri")
    if method is None or target is None:
        method, _, rest = (line.text("request") or "").partition(" ")
        target = rest.rpartition(" ")[0]
    return wire.method(method), wire.target(target)


def _started_at_ns(line: _Line) -> int | None:
    ended_ns = line.seconds_ns("msec")
    if ended_ns is None:
        iso = line.text("time_iso8601")
        if iso is None:
            return None
        ended_ns = instant.named("time_iso8601", iso)
    return instant.in_range(ended_ns - (line.seconds_ns("request_time") or 0))


def _body(line: _Line, method: str) -> bytes:
    body = line.raw("request_body")
    if body is None or body == b"-":
        body = b""
    length = line.text("content_length")
    if length is not None and length != str(len(body)):
        raise ValueError(
            f"request_body: has {len(body)} bytes, the request had {length[:20]}: nginx logs what "
            f"is in memory, raise client_body_buffer_size"
        )
    if not body and method in ("POST", "PUT", "PATCH") and not line.has("content_length"):
        raise ValueError(f"request_body: a {method} without one; log $request_body")
    return body


def _headers(line: _Line) -> list[tuple[str, str]]:
    headers = []
    known = {getattr(line.names, each.name) for each in fields(Names) if each.name != "headers"}
    for key, value in line.record.items():
        name = line.names.headers.get(key)
        if name is None and key.startswith("http_") and key not in known:
            name = key.removeprefix("http_").replace("_", "-").title()
        raw = None if name is None else _raw(key, value)
        if name is not None and raw is not None and raw not in (b"", b"-"):
            headers.append(wire.header(name, raw.decode("latin-1")))
    present = {name.lower() for name, _ in headers}
    for name, what in (("Host", "host"), ("Content-Type", "content_type")):
        text = line.text(what)
        if text is not None and name.lower() not in present:
            headers.append(wire.header(name, text))
    return headers


def _answer(line: _Line) -> RecordedAnswer | None:
    if not line.has("status"):
        return None
    asked_ns = _sum_ns(line, "upstream_response_time")
    return RecordedAnswer(
        _outcome(line),
        latency_s=_seconds(_sum_ns(line, "request_time") if asked_ns is None else asked_ns),
        first_byte_s=_seconds(_sum_ns(line, "upstream_header_time")),
    )


def _outcome(line: _Line) -> Outcome:
    text = line.text("status") or ""
    if not re.fullmatch(r"\d{3}", text, re.ASCII):
        raise ValueError(f"status: is {text[:40]!r}, must be a status such as 200")
    status = int(text)
    if status < 100:
        return Failure(FailureKind.DISCONNECTED, "nginx logged no status")
    if status == _CLIENT_LEFT:
        return Failure(FailureKind.CANCELLED, "the client left before the answer (499)")
    sent = line.text("body_bytes_sent") or "0"
    if not (sent.isascii() and sent.isdigit() and len(sent) < 16):
        raise ValueError(f"body_bytes_sent: is {sent[:40]!r}, must be a number of bytes")
    return Response(status, n_body_bytes=int(sent), truncated=int(sent) > 0)


def _sum_ns(line: _Line, what: str) -> int | None:
    """Nanoseconds over all attempts; None where none was made."""
    text = line.text(what)
    values = [] if text is None else map(str.strip, _ATTEMPT.split(text))
    attempts = [value for value in values if value not in _ABSENT]
    return sum(_seconds_ns(what, each) for each in attempts) if attempts else None


def _seconds(total_ns: int | None) -> float | None:
    """None also for 0, which stands for anything below a millisecond."""
    return None if total_ns is None else instant.seconds_between(0, total_ns)

"""HAR 1.2 archives: what browsers' developer tools, Playwright, mitmproxy and proxies export.

One JSON document, read entry by entry. A HAR holds texts where the wire had bytes, so:

- A request's body must have the size that its Content-Length says, as UTF-8, as ISO-8859-1 or
  decoded from base64; a body that was left out or altered cannot be asked again.
- HTTP/2 pseudo-headers become the request line and `Host`.
- An answer's text is decoded: its Content-Encoding no longer applies and is dropped.
- Status 0 is a request that failed; what `_error` says decides how.
- Service time is `send + wait + receive`; time in queues and for connecting is left out (`ssl` is
  part of `connect`, and -1 means that a phase did not take place). An answer from a cache has none.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote_plus

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
from harness.readers.json_array import Damage, JsonArray
from harness.readers.json_record import Record
from harness.readers.pieces import BYTE_ORDER_MARK, MAX_ENTRY_BYTES, too_long

_SNIFF = re.compile(rb'\s*\{\s*"(?:[$\w]+"\s*:\s*"[^"]*"\s*,\s*")?log"\s*:\s*\{')
_URL = re.compile(r"https?://([^/?#]*)([^#]*)(?:#.*)?", re.IGNORECASE | re.DOTALL)
_CHARSET = re.compile(r";\s*charset\s*=\s*\"?([\w.:-]+)", re.IGNORECASE)
_MS_PER_S = 1000

_GZIP = b"\x1f\x8b"

# Words of Chromium's and Firefox's network errors.
_FAILURES = (
    (re.compile(r"timed?_?\s?out", re.IGNORECASE), FailureKind.TIMEOUT),
    (re.compile(r"abort|cancel|blocked", re.IGNORECASE), FailureKind.CANCELLED),
    (re.compile(r"refused|resolve|dns|unreachable|connection_failed|ssl|cert", re.IGNORECASE),
     FailureKind.CONNECT_ERROR),
    (re.compile(r"invalid|malformed|protocol", re.IGNORECASE), FailureKind.UNREADABLE),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Har:
    """Reads archives of any size: one entry is in memory at a time."""

    resolution_ns: int = 1_000_000
    max_entry_bytes: int = MAX_ENTRY_BYTES

    def sniff(self, head: bytes) -> bool:
        return _SNIFF.match(head.removeprefix(BYTE_ORDER_MARK)) is not None

    def read(self, source: Source) -> Iterator[Recorded | LateAnswer | Rejected]:
        array = JsonArray(
            iter(source.chunks),
            (b"log", b"entries"),
            first_keys={b"startedDateTime", b"pageref"},
            max_bytes=self.max_entry_bytes,
        )
        for number, element in enumerate(array, start=1):
            position = f"entry {number}"
            if isinstance(element, Damage):
                yield Rejected(position, self._says(element))
                continue
            try:
                record = json_record.decode(element)
            except ValueError as exc:
                array.damaged()
                yield Rejected(position, str(exc))
                continue
            try:
                entry = _recorded(record, position)
            except ValueError as exc:
                yield Rejected(position, str(exc))
            else:
                array.good()
                yield entry

    def _says(self, damage: Damage) -> str:
        match damage:
            case Damage.NO_ARRAY:
                return "no log.entries in this file"
            case Damage.NO_ELEMENT:
                return "between entries stands what is no entry"
            case Damage.TOO_LONG:
                return too_long(self.max_entry_bytes)
            case Damage.CUT_OFF:
                return "the file ends in the middle of an entry"


READER = Har()


def _recorded(record: Record, position: str) -> Recorded:
    started = json_record.optional_text(record, "startedDateTime")
    request = json_record.part(record, "request")
    if request is None:
        raise ValueError("request: is missing")
    if record.get("_webSocketMessages") is not None:
        raise ValueError("is a WebSocket, which is no request and answer")
    return Recorded(
        entry_id="",
        position=position,
        at_ns=None if started is None else instant.named("startedDateTime", started),
        request=_request(request),
        answer=_answer(record),
    )


def _request(record: Record) -> Request:
    method = wire.method(json_record.text(record, "method"))
    url = json_record.text(record, "url")
    match = _URL.fullmatch(url)
    if match is None or method == "CONNECT":
        scheme = url.partition(":")[0]  # what comes after it may be a user's
        raise ValueError(f"url: {method} {scheme[:20]!r} is no HTTP request to a server")
    authority, target = match[1].rpartition("@")[2], match[2]
    headers = _headers(record)
    pseudo = dict(field for field in headers if field[0].startswith(":"))
    headers = tuple(field for field in headers if not field[0].startswith(":"))
    if _is_web_socket(headers):
        raise ValueError("is a WebSocket, which is no request and answer")
    if not wire.values(headers, "host"):
        headers = (("Host", pseudo.get(":authority", authority)), *headers)
    body = _request_body(json_record.part(record, "postData"), headers)
    return Request(
        method,
        wire.target(target if target.startswith("/") else f"/{target}"),
        wire.framed(headers, body, method),
        body,
    )


def _is_web_socket(headers: Headers) -> bool:
    return any(value.lower() == "websocket" for value in wire.values(headers, "upgrade"))


def _headers(record: Record) -> Headers:
    """Header fields, with HTTP/2 pseudo-headers (whose names begin with a colon) among them."""
    headers = []
    for field in json_record.array(record, "headers"):
        if not isinstance(field, dict):
            raise ValueError(f"headers: has {json_record.kind(field)}, must be objects")
        name, value = json_record.text(field, "name"), json_record.text(field, "value")
        pseudo = name.startswith(":")
        checked = wire.header(name[1:] if pseudo else name, value)
        headers.append((name, value) if pseudo else checked)
    return tuple(headers)


def _request_body(post: Record | None, headers: Headers) -> bytes:
    lengths = wire.values(headers, "content-length")
    candidates = list(_bodies(post))
    if not lengths:
        return candidates[0]
    for body in candidates:
        if lengths == [str(len(body))]:
            return body
    raise ValueError(
        f"postData: has {len(candidates[0])} bytes, the request had {lengths[0][:20]}: "
        f"the body was not recorded as it was sent"
    )


def _bodies(post: Record | None) -> Iterator[bytes]:
    """What the body may have been, likeliest first."""
    text = None if post is None else json_record.optional_text(post, "text")
    if post is not None and text is not None:
        if post.get("encoding") == "base64":
            yield json_record.from_base64(post, "text")
            return
        yield text.encode()
        try:
            yield text.encode("latin-1")  # some exporters put one character for one byte
        except UnicodeEncodeError:
            return
    elif post is not None and (params := json_record.array(post, "params")):
        yield "&".join(_form_field(param) for param in params).encode()
    else:
        yield b""


def _form_field(param: object) -> str:
    if not isinstance(param, dict) or param.get("fileName") is not None:
        raise ValueError("postData: a form with files was recorded without its text")
    name = json_record.text(param, "name")
    value = json_record.optional_text(param, "value") or ""
    return f"{quote_plus(name)}={quote_plus(value)}"


def _answer(record: Record) -> RecordedAnswer | None:
    response = json_record.part(record, "response")
    if response is None:
        return None
    latency_s, first_byte_s = _times(record)
    return RecordedAnswer(_outcome(record, response), latency_s, first_byte_s)


def _outcome(record: Record, response: Record) -> Outcome:
    """An answer; a failure where there was none, or where the browser says it broke off."""
    answered = response.get("status") not in (0, -1, None)
    broke_off = (response.get("_error"), record.get("_error"))
    detail = next((text for text in broke_off if isinstance(text, str) and text), None)
    if detail is None and answered:
        return _response(response)
    detail = detail or "no answer"
    kinds = (kind for words, kind in _FAILURES if words.search(detail))
    kind = next(kinds, FailureKind.DISCONNECTED)
    return Failure(kind, detail, _response(response) if answered else None)


def _response(record: Record) -> Response:
    status = json_record.status(record, "status")
    headers = tuple(field for field in _headers(record) if not field[0].startswith(":"))
    content = json_record.part(record, "content") or {}
    body = _content(content)
    if body is None:
        n_bytes = _n_bytes_left_out(status, headers, content)
        return Response(status, headers, b"", n_body_bytes=n_bytes, truncated=n_bytes > 0)
    if not body.startswith(_GZIP):
        # The text was decoded on the way into the archive.
        headers = tuple(field for field in headers if field[0].lower() != "content-encoding")
    return Response(status, headers, body, n_body_bytes=len(body))


def _n_bytes_left_out(status: int, headers: Headers, content: Record) -> int:
    """Size of a body that the archive does not have. An archive that says 0 may not know it."""
    size = json_record.number(content, "size") or 0
    lengths = [v for v in wire.values(headers, "content-length") if v.isascii() and v.isdigit()]
    if size <= 0 and lengths and len(lengths[0]) < 16 and status not in (204, 304):
        size = int(lengths[0])
    return max(0, int(size))


def _content(content: Record) -> bytes | None:
    """The answer's body; None when the archive has left it out."""
    text = json_record.optional_text(content, "text")
    if text is None:
        return None
    if content.get("encoding") == "base64":
        return base64.b64decode(text, validate=True)
    charset = _CHARSET.search(json_record.optional_text(content, "mimeType") or "")
    if charset is not None:
        try:
            return text.encode(charset[1])
        except (LookupError, ValueError):
            pass  # an unknown name, or text that was not of that charset: as UTF-8, like the rest
    return text.encode()


def _times(record: Record) -> tuple[float | None, float | None]:
    """Latency and time to the first byte, in seconds, where the entry tells them."""
    if record.get("_fromCache") is not None:
        return None, None
    timings = json_record.part(record, "timings") or {}
    send_ms, wait_ms, receive_ms = (
        _phase_ms(timings, name) for name in ("send", "wait", "receive")
    )
    if wait_ms is not None and receive_ms is not None:
        latency_ms: float | None = (send_ms or 0) + wait_ms + receive_ms
    else:
        latency_ms = json_record.number(record, "time")
        if latency_ms is not None:
            outside = ("blocked", "dns", "connect")
            latency_ms -= sum(_phase_ms(timings, name) or 0 for name in outside)
    first_byte_ms = None if wait_ms is None else (send_ms or 0) + wait_ms
    return _seconds(latency_ms), _seconds(first_byte_ms)


def _phase_ms(timings: Record, name: str) -> float | None:
    value = json_record.number(timings, name)
    return None if value is None or value < 0 else value


def _seconds(ms: float | None) -> float | None:
    return ms / _MS_PER_S if ms is not None and ms > 0 else None

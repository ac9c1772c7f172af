"""One HTTP/1 message that was recorded as bytes: its head, and where its body ends.

Recorders cut messages off (a lost packet, a size limit), so nothing here trusts a length. A request
whose body is not all there cannot be asked again and is unreadable; an answer that was cut keeps
what is there and says so. Chunked bodies are put together: an answer's body is defined without its
transfer coding, and a request gets the length in the place where its coding was named.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.exchange import Headers, Request, Response
from harness.readers import wire

_HEAD_END = re.compile(rb"\r?\n\r?\n")
_VERSION = re.compile(r"HTTP/1\.[01]")
_STATUS_LINE = re.compile(r"HTTP/1\.[01] ([1-9]\d\d)(?: .*)?")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r?\n")
_LAST_CHUNK_END = re.compile(rb"(?:[^\r\n]+\r?\n)*\r?\n")


@dataclass(frozen=True, slots=True)
class Body:
    """A body without its transfer coding.

    Attributes:
        n_missing: Bytes that its length promises and that are not there; None when a chunked body
            stops early, because nobody knows how much is missing.
    """

    content: bytes
    n_missing: int | None = 0


def request(payload: bytes) -> Request:
    """A request as it was recorded.

    Raises:
        ValueError: No request, or one whose body is not all there.
    """
    line, headers, rest = _split(payload)
    method, _, rest_of_line = line.partition(" ")
    target, _, version = rest_of_line.rpartition(" ")
    if not _VERSION.fullmatch(version):
        raise ValueError("does not start with a request line of HTTP/1")
    if not _length_or_chunked(headers) and rest.strip(b"\r\n"):
        raise ValueError(f"has {len(rest)} bytes of body, and no length that says so")
    body = _body(headers, rest) if _length_or_chunked(headers) else Body(b"")
    if body.n_missing != 0:
        raise ValueError(f"body is cut off after {len(body.content)} bytes")
    return Request(
        wire.method(method),
        wire.target(target),
        wire.framed(headers, body.content, "") if _is_coded(headers) else headers,
        body.content,
    )


def response(payload: bytes) -> Response:
    """An answer as it was recorded; interim answers (100 Continue) before it are passed over.

    Raises:
        ValueError: No answer.
    """
    while True:
        line, headers, rest = _split(payload)
        match = _STATUS_LINE.fullmatch(line)
        if match is None:
            raise ValueError("does not start with a status line of HTTP/1")
        status = int(match[1])
        if status >= 200 or not rest.startswith(b"HTTP/1."):
            break
        payload = rest
    bodiless = status < 200 or status in (204, 304)
    body = Body(b"") if bodiless else _body(headers, rest)
    return Response(
        status,
        headers,
        body.content,
        n_body_bytes=len(body.content) + (body.n_missing or 0),
        truncated=body.n_missing != 0,
    )


def n_missing(payload: bytes) -> int | None:
    """How many bytes this message lacks; None when more could follow and nothing says how many."""
    try:
        line, headers, rest = _split(payload)
        if _length_or_chunked(headers):
            return _body(headers, rest).n_missing
    except ValueError:
        return 0
    ends_with_head = not line.startswith("HTTP/") or line[8:].startswith((" 1", " 204", " 304"))
    return 0 if ends_with_head else None


def _split(payload: bytes) -> tuple[str, Headers, bytes]:
    """First line, header fields and the bytes after the head."""
    end = _HEAD_END.search(payload)
    if end is None:
        raise ValueError("head is cut off: no empty line ends it")
    line, *fields = payload[: end.start()].decode("latin-1").split("\n")
    return line.removesuffix("\r"), tuple(map(_field, fields)), payload[end.end() :]


def _field(line: str) -> tuple[str, str]:
    name, colon, value = line.removesuffix("\r").partition(":")
    if not colon:
        raise ValueError("headers: a line has no colon")
    return wire.header(name, value.strip(" \t"))


def _is_coded(headers: Headers) -> bool:
    return any(name.lower() == "transfer-encoding" for name, _ in headers)


def _length_or_chunked(headers: Headers) -> bool:
    return any(name.lower() in ("content-length", "transfer-encoding") for name, _ in headers)


def _body(headers: Headers, rest: bytes) -> Body:
    codings = wire.values(headers, "transfer-encoding")
    if codings:
        if [coding.strip().lower() for coding in codings] != ["chunked"]:
            raise ValueError(f"transfer-encoding: is {', '.join(codings)!r}, must be chunked")
        return _joined_chunks(rest)
    lengths = set(wire.values(headers, "content-length"))
    if not lengths:
        return Body(rest)
    length = lengths.pop()
    if lengths or not (length.isascii() and length.isdigit() and len(length) < 16):
        raise ValueError(f"content-length: is {length[:20]!r}, must be one number")
    n_bytes = int(length)
    if rest[n_bytes:].strip(b"\r\n"):
        raise ValueError(f"body has {len(rest)} bytes, Content-Length says {n_bytes}")
    return Body(rest[:n_bytes], max(0, n_bytes - len(rest)))


def _joined_chunks(rest: bytes) -> Body:
    """RFC 9112 section 7.1; trailer fields are dropped, as that section allows."""
    content: list[bytes] = []
    at = 0
    while (size := _CHUNK_SIZE.match(rest, at)) is not None:
        n_bytes = int(size[1], 16)
        if n_bytes == 0:
            whole = _LAST_CHUNK_END.fullmatch(rest, size.end()) is not None
            return Body(b"".join(content), 0 if whole else None)
        content.append(rest[size.end() : size.end() + n_bytes])
        at = size.end() + n_bytes
        at += 2 if rest[at : at + 2] == b"\r\n" else 1
    return Body(b"".join(content), None)

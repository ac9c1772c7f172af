"""What the champion's answer says in its head, and what of it goes on to the client."""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.http1.grammar import TOKEN, TOKENS, tokens, without_fields
from harness.http1.request_head import CHUNKED
from harness.http1.response import UnreadableError

OPEN = -2
"""Stands for a length that only the end of the connection tells."""

# Values may hold control characters here: what users get from the champion today, they shall get.
_HEAD = re.compile(
    rb"HTTP/1\.([01]) ([1-9][0-9][0-9])(?: [^\r\n\x00]*+)?\r\n(?:"
    + TOKEN
    + rb"++:[^\r\n\x00]*+\r\n)*+\r\n"
)

# As for requests: without groups, against the head in lower case.
_SPECIAL = re.compile(
    rb"\n(?:c(?:ontent-(?:length|type)|onnection)|t(?:ransfer-encoding|e)|keep-alive"
    rb"|proxy-connection|upgrade):[^\r]*+"
)

_HOP_BY_HOP_FIELD = re.compile(
    rb"\r\n(connection|keep-alive|proxy-connection|te|upgrade):([^\r]*+)"
)

_LENGTH = re.compile(rb"\ncontent-length:[ \t]*([0-9]{1,18})[ \t]*")

_HOP_BY_HOP = frozenset({b"connection", b"keep-alive", b"proxy-connection", b"upgrade", b"te"})
_NOT_TO_BE_NAMED = frozenset({b"content-length", b"transfer-encoding"})


@dataclass(slots=True)
class ResponseHead:
    """A head of the champion.

    Attributes:
        raw: As it came, from the status line to the empty line.
        wire: As it goes to a client of HTTP/1.1; the same object where nothing had to change.
        n_body: Bytes of body, `CHUNKED`, or `OPEN`; what the fields say, whatever the method was.
        keeps_alive: Whether the champion's connection may carry another request.
        is_event_stream: Whether the body is a stream of server-sent events.
    """

    raw: bytes
    wire: bytes
    status: int
    n_body: int
    keeps_alive: bool
    is_event_stream: bool


def read_response_head(raw: bytes) -> ResponseHead:
    """Check a head and find what matters in it.

    Args:
        raw: From the status line to the empty line, both included.

    Raises:
        UnreadableError: It is no head of HTTP/1, or does not say beyond doubt where the body ends.
    """
    matched = _HEAD.fullmatch(raw)
    if matched is None:
        raise UnreadableError(f"not an HTTP/1.1 answer, it starts with {raw[:40]!r}")
    minor, status = matched.groups()
    length = kind = b""
    codings: list[bytes] = []
    has_hop_by_hop = False
    lower = raw.lower()
    for found in _SPECIAL.findall(lower):
        if found.startswith(b"\ncontent-length:"):
            if length:
                raise UnreadableError("answered with two Content-Length fields")
            length = found
        elif found.startswith(b"\ncontent-type:"):
            kind = found
        elif found.startswith(b"\ntransfer-encoding:"):
            codings.append(found.partition(b":")[2])
        else:
            has_hop_by_hop = True
    head = ResponseHead(
        raw,
        raw,
        int(status),
        _n_body(length, b",".join(codings) if codings else None),
        minor == b"1",
        b"text/event-stream" in kind,
    )
    if has_hop_by_hop:
        _strip(head, lower)
    if minor == b"0":
        # The version is that of one hop (RFC 9110 section 2.5), and ours is 1.1.
        head.wire = b"HTTP/1.1" + head.wire[8:]
    return head


def _strip(head: ResponseHead, lower: bytes) -> None:
    raw = head.raw
    pieces, at = [], 0
    connections = []
    for found in _HOP_BY_HOP_FIELD.finditer(lower):
        name, value = found.groups()
        if name == b"connection":
            connections.append(value)
        pieces.append(raw[at : found.start()])
        at = found.end()
    head.wire = b"".join(pieces) + raw[at:]
    connection = b",".join(connections)
    if not connection or TOKENS.fullmatch(connection) is None:
        return
    options = tokens(connection)
    head.keeps_alive = b"close" not in options and (head.keeps_alive or b"keep-alive" in options)
    named = frozenset(options) - _HOP_BY_HOP - _NOT_TO_BE_NAMED - {b"close"}
    if named:
        head.wire = without_fields(head.wire, named)


def _n_body(length: bytes, coding: bytes | None) -> int:
    """From the line of the length, empty where there is none, and the codings' value."""
    if coding is not None:
        if length:
            raise UnreadableError("answered with both Content-Length and Transfer-Encoding")
        codings = tokens(coding)
        if b"chunked" in codings[:-1]:
            raise UnreadableError("answered with chunks inside another transfer coding")
        return CHUNKED if codings[-1:] == [b"chunked"] else OPEN
    if not length:
        return OPEN
    matched = _LENGTH.fullmatch(length)
    if matched is None:
        raise UnreadableError("answered with a Content-Length that is no number")
    return int(matched[1])

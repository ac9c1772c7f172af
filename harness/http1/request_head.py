"""What a client's request head says, and what of it goes on to the champion.

Theory of operation
===================

A head is checked as a whole by one regular expression: the request line and field lines of RFC 9112
and nothing else, so that whoever reads it after us cannot find other fields in it than we did. Then
the few fields are looked at that say where the message ends, where it goes, and what concerns this
connection alone. Everything else is bytes to us.

Where two readers could differ about the end of the message, the request is refused: two lengths
(even equal ones), a length beside a transfer coding, any coding but a plain `chunked`, blanks other
than spaces around it, and the spellings with an underscore that CGI-like servers take for the same
field. The request then never reaches the champion.

Hop-by-hop fields (RFC 9110 section 7.6.1) are cut out of the raw head; nothing is added, reordered
or respelled. `Transfer-Encoding` stays, because the body goes on in the very chunks it came in. An
upgrade is the exception that is passed on, but for `h2c`: a tunnel in which requests travel would
be out of reach of these checks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.http1.grammar import FIELD, FIELDS, TOKEN, TOKENS, tokens, with_line, without_fields
from harness.http1.limits import ORDINARY_REQUEST, RequestLimits
from harness.http1.refusal import Refusal, RefusedError

CHUNKED = -1
"""Stands for a length that only the last chunk tells."""

_HEAD = re.compile(
    rb"(" + TOKEN + rb"++) ([\x21-\x7e\x80-\xff]++) HTTP/1\.([01])\r\n" + FIELDS,
)

# Matched against the head in lower case. Without groups, because that is twice as fast, and most
# heads have a host and a length alone.
_SPECIAL = re.compile(
    rb"\n(?:c(?:ontent[-_]length|onnection)|t(?:ransfer[-_]encoding|e)|host|upgrade|keep-alive"
    rb"|proxy-connection):[^\r]*+"
)

_HOP_BY_HOP_FIELD = re.compile(
    rb"\r\n(connection|keep-alive|proxy-connection|te|upgrade):([^\r]*+)"
)

_LENGTH = re.compile(rb"\ncontent-length: *([0-9]{1,18}) *")

# RFC 3986 section 3.2.2 without user information; the comma is left out, because a list of hosts is
# what it stands for in practice. Of a head in lower case, like the length.
_HOST = re.compile(
    rb"\nhost: *(?:[a-z0-9._~!$&'()*+;=%-]++|\[[0-9a-z:.%_~-]++\])(?::[0-9]{0,5})? *"
)

_ABSOLUTE = re.compile(rb"https?://([^/?#]*)([^#]*)", re.IGNORECASE)

_HOP_BY_HOP = frozenset({b"connection", b"keep-alive", b"proxy-connection", b"te", b"upgrade"})

# Fields that a client may not have us remove: they decide where the message goes and ends.
_NOT_TO_BE_NAMED = frozenset({b"content-length", b"transfer-encoding", b"host"})


@dataclass(slots=True)
class RequestHead:
    """A request's head that was accepted.

    Attributes:
        raw: As it came, from the request line to the empty line.
        wire: As it goes to the champion; the same object where nothing had to change.
        n_body: Bytes of body that follow, or `CHUNKED`.
        is_http10: Whether the client speaks HTTP/1.0.
        keeps_alive: Whether the client's connection may carry another request.
        upgrades: Whether it asks for another protocol on this connection.
    """

    raw: bytes
    wire: bytes
    method: bytes
    target: bytes
    n_body: int
    is_http10: bool
    keeps_alive: bool
    upgrades: bool

    def fields(self) -> list[tuple[bytes, bytes]]:
        """Names and values in their order, as they came but for blanks before the value."""
        return FIELD.findall(self.raw)


def read_request_head(raw: bytes, limits: RequestLimits = ORDINARY_REQUEST) -> RequestHead:
    """Check a head and find what matters in it.

    Args:
        raw: From the request line to the empty line, both included.

    Raises:
        RefusedError: It is not acceptable.

    Examples:
        >>> head = read_request_head(b"GET /p HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n")
        >>> head.method, head.n_body, head.wire is head.raw
        (b'GET', 0, True)
    """
    matched = _HEAD.fullmatch(raw)
    if matched is None:
        raise _malformed(raw)
    method, target, minor = matched.groups()
    if (
        len(raw) > limits.max_head_bytes
        or len(target) > limits.max_target_bytes
        or raw.count(b"\n") - 2 > limits.max_fields
    ):
        raise _too_large(target, raw, limits)
    is_http10 = minor == b"0"
    host = length = coding = b""
    has_hop_by_hop = False
    lower = raw.lower()
    for found in _SPECIAL.findall(lower):
        if found.startswith(b"\nhost:"):
            if host:
                raise RefusedError(Refusal.HOST, "two Host fields")
            host = found
        elif found.startswith(b"\ncontent-length:"):
            if length:
                raise RefusedError(Refusal.FRAMING, "two Content-Length fields")
            length = found
        elif found.startswith(b"\ntransfer-encoding:"):
            if coding:
                raise RefusedError(Refusal.FRAMING, "two Transfer-Encoding fields")
            coding = found
        elif found.startswith((b"\ncontent_", b"\ntransfer_")):
            name = found[1:].partition(b":")[0].decode()
            raise RefusedError(Refusal.FRAMING, f"a field called {name}")
        else:
            has_hop_by_hop = True
    if not host:
        if not is_http10:
            raise RefusedError(Refusal.HOST, "no Host field")
    elif _HOST.fullmatch(host) is None:
        raise RefusedError(Refusal.HOST, "a Host that is no host and port")
    n_body = _n_body(length, coding, is_http10) if length or coding else 0
    head = RequestHead(raw, raw, method, target, n_body, is_http10, not is_http10, False)
    if has_hop_by_hop:
        _strip(head, lower)
    if target[0] != 0x2F or method == b"CONNECT":  # "/"
        _settle_target(head, host)
    return head


def _strip(head: RequestHead, lower: bytes) -> None:
    """Take out what concerns the client's connection alone."""
    raw = head.raw
    pieces, at = [], 0
    connections, upgrades = [], []
    for found in _HOP_BY_HOP_FIELD.finditer(lower):
        name, value = found.groups()
        if name == b"connection":
            connections.append(value)
        elif name == b"upgrade":
            upgrades.append(value)
        pieces.append(raw[at : found.start()])
        at = found.end()
    head.wire = b"".join(pieces) + raw[at:]
    connection, upgrade = b",".join(connections), b",".join(upgrades)
    if not connection:
        return
    if TOKENS.fullmatch(connection) is None:
        raise RefusedError(Refusal.MALFORMED, "a Connection field that is no list of names")
    options = tokens(connection)
    head.keeps_alive = b"close" not in options and (not head.is_http10 or b"keep-alive" in options)
    named = frozenset(options) - _HOP_BY_HOP - {b"close"}
    if named:
        if not named.isdisjoint(_NOT_TO_BE_NAMED):
            raise RefusedError(Refusal.FRAMING, "a Connection field that names a framing field")
        head.wire = without_fields(head.wire, named)
    protocols = tokens(upgrade)
    if b"upgrade" in options and protocols and b"h2c" not in protocols and not head.is_http10:
        head.upgrades = True
        kept = [value for name, value in head.fields() if name.lower() == b"upgrade"]
        for value in kept:
            head.wire = with_line(head.wire, b"Upgrade: %b\r\n" % value)
        head.wire = with_line(head.wire, b"Connection: upgrade\r\n")


def _n_body(length: bytes, coding: bytes, is_http10: bool) -> int:
    """From the lines of the two fields, in lower case; empty where there is none."""
    if not coding:
        matched = _LENGTH.fullmatch(length)
        if matched is None:
            raise RefusedError(Refusal.FRAMING, "a Content-Length that is no number")
        return int(matched[1])
    if length:
        raise RefusedError(Refusal.FRAMING, "both Content-Length and Transfer-Encoding")
    if is_http10:
        raise RefusedError(Refusal.FRAMING, "Transfer-Encoding in HTTP/1.0")
    value = coding.partition(b":")[2]
    if value.strip(b" ") != b"chunked":
        if TOKENS.fullmatch(value) and tokens(value)[1:] and tokens(value)[-1] == b"chunked":
            raise RefusedError(Refusal.CODING, "a transfer coding other than chunked")
        raise RefusedError(Refusal.FRAMING, "a Transfer-Encoding that is not chunked")
    return CHUNKED


def _too_large(target: bytes, raw: bytes, limits: RequestLimits) -> RefusedError:
    if len(target) > limits.max_target_bytes:
        return RefusedError(
            Refusal.LONG_TARGET, f"a target of more than {limits.max_target_bytes} bytes"
        )
    if len(raw) > limits.max_head_bytes:
        return RefusedError(
            Refusal.LARGE_HEAD, f"a head of more than {limits.max_head_bytes} bytes"
        )
    return RefusedError(Refusal.LARGE_HEAD, f"more than {limits.max_fields} header fields")


def _settle_target(head: RequestHead, host: bytes) -> None:
    """Accept the rare forms of targets (RFC 9112 section 3.2) that mean something here."""
    method, target = head.method, head.target
    if method == b"CONNECT":
        raise RefusedError(Refusal.METHOD, "CONNECT is for forward proxies")
    if target == b"*" and method == b"OPTIONS":
        return
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is None:
        raise RefusedError(Refusal.TARGET, "a target that is no path")
    authority, path = absolute.groups()
    if authority.lower() != host.partition(b":")[2].strip(b" "):
        raise RefusedError(Refusal.TARGET, "a target with another host than the Host field")
    if not path and method == b"OPTIONS":
        path = b"*"
    elif not path.startswith(b"/"):
        path = b"/" + path
    head.target = path
    head.wire = b"%b %b%b" % (method, path, head.wire[len(method) + 1 + len(target) :])


def _malformed(raw: bytes) -> RefusedError:
    """Say what is wrong with a head that is none."""
    first, _, fields = raw.partition(b"\r\n")
    if first == b"PRI * HTTP/2.0":
        return RefusedError(Refusal.HTTP2, "HTTP/2 is not spoken here; send HTTP/1.1")
    if b"\n" in raw.replace(b"\r\n", b""):
        return RefusedError(Refusal.MALFORMED, "a line that ends in LF alone")
    if b"\r" in raw.replace(b"\r\n", b""):
        return RefusedError(Refusal.MALFORMED, "a CR that ends no line")
    version = first.rpartition(b" ")[2]
    if re.fullmatch(rb"HTTP/[0-9]\.[0-9]", version) and not version.startswith(b"HTTP/1."):
        return RefusedError(Refusal.VERSION, "a version of HTTP other than 1.0 and 1.1")
    if re.fullmatch(TOKEN + rb"+ [\x21-\x7e\x80-\xff]+ HTTP/1\.[01]", first) is None:
        return RefusedError(Refusal.MALFORMED, "no request line")
    for line in fields.split(b"\r\n")[:-2]:
        if line[:1] in (b" ", b"\t"):
            return RefusedError(Refusal.MALFORMED, "a folded field")
        name, colon, _ = line.partition(b":")
        if colon and re.fullmatch(TOKEN + rb"+[ \t]+", name):
            return RefusedError(Refusal.MALFORMED, "a space before a colon")
        if not colon or re.fullmatch(TOKEN + rb"+", name) is None:
            return RefusedError(Refusal.MALFORMED, "a line that is no field")
    return RefusedError(Refusal.MALFORMED, "a control character in a field")


def check_beginning(data: bytes, limits: RequestLimits = ORDINARY_REQUEST) -> None:
    """Refuse the beginning of a head that cannot become acceptable, whatever follows.

    Raises:
        RefusedError: It is not HTTP/1, has a bare line feed, or is too long already.
    """
    if data[:2] == b"\x16\x03":
        raise RefusedError(Refusal.MALFORMED, "TLS on a plain port")
    if data.count(b"\n") != data.count(b"\r\n"):
        raise RefusedError(Refusal.MALFORMED, "a line that ends in LF alone")
    line_end = data.find(b"\r\n")
    if line_end < 0 and len(data) > limits.max_target_bytes + 64:
        raise RefusedError(
            Refusal.LONG_TARGET, f"a target of more than {limits.max_target_bytes} bytes"
        )
    if len(data) > limits.max_head_bytes:
        raise RefusedError(Refusal.LARGE_HEAD, f"a head of more than {limits.max_head_bytes} bytes")
    if data and re.match(TOKEN, data) is None and data != b"\r":
        raise RefusedError(Refusal.MALFORMED, "no request line")

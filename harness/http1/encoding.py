"""A request as bytes, exactly as it was recorded.

Method, target, order, case and duplicates of header fields are put on the wire as they stand; no
field is added, none is changed. What is refused is what would turn one request into two, or put a
field where the framing rules cannot see it: line breaks and NUL anywhere in the head, and field
names that are no token (RFC 9110 section 5.6.2).
"""

from __future__ import annotations

import re

from harness.exchange import Request

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")

_seen: set[str] = set()  # tokens: a log has few distinct names; the bound is for a hostile one
_MOST_SEEN = 4096


class UnsendableError(ValueError):
    """The request cannot be put on the wire as one request. The message says why."""


def encode(request: Request) -> bytes:
    """Head and body as one piece of bytes.

    Raises:
        UnsendableError: A line break, NUL or character beyond ISO-8859-1 in the head, or a method
            or header name that is no token.

    Examples:
        >>> encode(Request("POST", "/p?q=%2e", (("hOST", "a"), ("Content-Length", "2")), b"hi"))
        b'POST /p?q=%2e HTTP/1.1\\r\\nhOST: a\\r\\nContent-Length: 2\\r\\n\\r\\nhi'
    """
    headers = request.headers
    for name, _ in headers:
        if name not in _seen and not _is_token(name):
            raise UnsendableError(f"{name!r} is no header name")
    if request.method not in _seen and not _is_token(request.method):
        raise UnsendableError(f"{request.method!r} is no method")
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers])
    head = f"{request.method} {request.target} HTTP/1.1\r\n{lines}"
    # Every line ends once: one line feed or carriage return more came with the text.
    n_lines = len(headers) + 1
    if head.count("\n") != n_lines or head.count("\r") != n_lines or "\0" in head:
        raise UnsendableError(_line_break(request))
    try:
        return b"%b\r\n%b" % (head.encode("latin-1"), request.body)
    except UnicodeEncodeError as exc:
        character = exc.object[exc.start]
        raise UnsendableError(f"{character!r} in the head is not ISO-8859-1") from exc


def _is_token(text: str) -> bool:
    if _TOKEN.fullmatch(text) is None:
        return False
    if len(_seen) < _MOST_SEEN:
        _seen.add(text)
    return True


def _line_break(request: Request) -> str:
    for name, value in request.headers:
        if any(c in value for c in "\r\n\0"):
            return f"header {name!r} has a line break or NUL in its value"
    return f"target {request.target!r} has a line break or NUL"

"""What may stand in the head of a request or an answer, checked once on the way in.

Text from the wire has one character per byte (see `harness.exchange`). What could not have come
off a wire, or would turn one request into two when it is sent again, makes an entry unreadable.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from harness.exchange import Headers

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_TARGET = re.compile(r"[\x21-\x7e\x80-\xff]+")
_VALUE = re.compile(r"[\x01-\x09\x0b\x0c\x0e-\xff]*")


def method(text: str) -> str:
    """The same text.

    Raises:
        ValueError: It is no method (RFC 9110 section 9.1).
    """
    if not is_token(text):
        raise ValueError(f"method: is {text[:40]!r}, must be a word such as POST")
    return text


def target(text: str) -> str:
    """The same text.

    Raises:
        ValueError: It is empty, or holds a space, a control character or one beyond U+00FF.
    """
    if not _TARGET.fullmatch(text):
        path = text.partition("?")[0]  # what comes after it may be a user's
        raise ValueError(
            f"target: is {path[:80]!r}, must be a path without spaces, one character per byte"
        )
    return text


def header(name: str, value: str) -> tuple[str, str]:
    """The same pair.

    Raises:
        ValueError: The name is no token, or the value holds a line break, NUL or a character
            beyond U+00FF.
    """
    if not is_token(name):
        raise ValueError(f"headers: {name[:40]!r} is no header name")
    if not ((value.isascii() and value.isprintable()) or _VALUE.fullmatch(value)):
        # The value is not shown: it may be a key.
        raise ValueError(f"headers: {name}: must be one line, one character per byte")
    return (name, value)


@lru_cache(maxsize=4096)  # a log has few distinct names; the bound is for a hostile one
def is_token(text: str) -> bool:
    """Whether it can be a method or a header's name (RFC 9110 section 5.6.2)."""
    return _TOKEN.fullmatch(text) is not None


def values(headers: Headers, name: str) -> list[str]:
    """Values of all fields of that (lower-case) name, in their order."""
    return [value for have, value in headers if have.lower() == name]


def framed(headers: Iterable[tuple[str, str]], body: bytes, method: str) -> Headers:
    """Headers that say how long the body is, for a body that is kept without its framing.

    A Content-Length stays as it is. A transfer coding gives its place to one: the body is no
    longer coded, and a length beside a coding never counted (RFC 9112 section 6.3).
    """
    headers = tuple(headers)
    names = {name.lower() for name, _ in headers}
    length = ("Content-Length", str(len(body)))
    if "transfer-encoding" in names:
        kept = [field for field in headers if field[0].lower() != "content-length"]
        first = next(i for i, (name, _) in enumerate(kept) if name.lower() == "transfer-encoding")
        after = (field for field in kept[first:] if field[0].lower() != "transfer-encoding")
        return (*kept[:first], length, *after)
    if "content-length" in names or not (body or method in ("POST", "PUT", "PATCH")):
        return headers
    return (*headers, length)

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
        raise ValueError(
            f"target: is {text[:80]!r}, must be a path without spaces, one character per byte"
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
        raise ValueError(
            f"headers: {name}: is {value[:40]!r}, must be one line, one character per byte"
        )
    return (name, value)


@lru_cache(maxsize=4096)  # a log has few distinct names; the bound is for a hostile one
def is_token(text: str) -> bool:
    """Whether it can be a method or a header's name (RFC 9110 section 5.6.2)."""
    return _TOKEN.fullmatch(text) is not None


def values(headers: Headers, name: str) -> list[str]:
    """Values of all fields of that (lower-case) name, in their order."""
    return [value for have, value in headers if have.lower() == name]


def with_length(headers: Iterable[tuple[str, str]], body: bytes, method: str) -> Headers:
    """Headers that say how long the body is, for logs that keep a body and not its framing.

    A field that is there stays as it is.
    """
    headers = tuple(headers)
    framed = any(name.lower() in ("content-length", "transfer-encoding") for name, _ in headers)
    if framed or not (body or method in ("POST", "PUT", "PATCH")):
        return headers
    return (*headers, ("Content-Length", str(len(body))))

"""The parts of RFC 9110 and 9112 that a head is made of, as regular expressions over bytes.

Quantifiers are possessive: what does not match fails in one pass, however long it is.
"""

from __future__ import annotations

import re

TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]"

# Field lines (RFC 9112 section 5): no space before the colon, no folding, no control character but
# the tab in a value, and no line that ends in anything but CR LF.
FIELDS = rb"(?:" + TOKEN + rb"++:[\t\x20-\x7e\x80-\xff]*+\r\n)*+\r\n"

FIELD = re.compile(rb"\r\n([^:\r]+):[ \t]*([^\r]*)")
"""One field of a head that has been checked; its value may have blanks behind it."""

TOKENS = re.compile(rb"[ \t]*(?:" + TOKEN + rb"+[ \t]*)?(?:,[ \t]*(?:" + TOKEN + rb"+[ \t]*)?)*")
"""A list of tokens with empty elements (RFC 9110 section 5.6.1.2)."""


def tokens(value: bytes) -> list[bytes]:
    """The elements of a list, in lower case; empty ones are nothing.

    Examples:
        >>> tokens(b"Keep-Alive, , X-a")
        [b'keep-alive', b'x-a']
    """
    return [element for piece in value.lower().split(b",") if (element := piece.strip(b" \t"))]


def without_fields(head: bytes, names: frozenset[bytes]) -> bytes:
    """A checked head without the fields of these names (lower case); the rest stays as it is.

    Examples:
        >>> without_fields(b"GET / HTTP/1.1\\r\\nTE: a\\r\\nX: b\\r\\n\\r\\n", frozenset({b"te"}))
        b'GET / HTTP/1.1\\r\\nX: b\\r\\n\\r\\n'
    """
    first, *lines = head.split(b"\r\n")
    kept = [line for line in lines if line.partition(b":")[0].lower() not in names]
    return b"\r\n".join([first, *kept])


def with_line(head: bytes, line: bytes) -> bytes:
    """A head with one more field line, which ends in CR LF, behind all others."""
    return head[:-2] + line + b"\r\n"

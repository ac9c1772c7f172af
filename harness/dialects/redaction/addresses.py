"""E-mail addresses in a text."""

from __future__ import annotations

import re
from collections.abc import Iterator

_LOCAL_SIGNS = frozenset("._%+-'!$*^{}|~`")
"""What may stand in the part before the @ besides letters and digits.

Not `=`, `/`, `&`, `?` and `#`, which RFC 5322 allows there too: nearly always they stand before an
address, as in `to=a@example.com`, and one address should have one pseudonym.
"""
_ODD_SIGNS = frozenset("=/&?#")
_DOMAIN = re.compile(r"[\w-]++(?:\.[\w-]++)++")


def emails(text: str) -> Iterator[tuple[int, int]]:
    """Where e-mail addresses stand, in any script; the domain needs a dot and a name at its end."""
    floor = 0
    at = text.find("@")
    while at >= 0:
        end = _domain_end(text, at + 1)
        start = _local_start(text, at, floor)
        if end is not None and start < at:
            yield start, end
        floor = end or at + 1
        at = text.find("@", floor)


def _local_start(text: str, at: int, floor: int) -> int:
    """Where the part before the @ begins; `at` when there is none."""
    start = at
    while start > floor and (text[start - 1].isalnum() or text[start - 1] in _LOCAL_SIGNS):
        start -= 1
    if start == at > floor and text[start - 1] in _ODD_SIGNS:
        start -= 1  # one that consists of them alone ends with one
    named = start
    while named < at and not (text[named].isalnum() or text[named] == "_"):
        named += 1  # quotes and stars around an address are no part of it
    return named if named < at else start


def _domain_end(text: str, start: int) -> int | None:
    """Where the domain ends, without digits that follow it like a version; None for no domain."""
    domain = _DOMAIN.match(text, start)
    if domain is None:
        return None
    labels = domain[0].split(".")
    while len(labels) > 1:
        last = labels[-1].rstrip("-_")
        if len(last) > 1 and last[0].isalpha():
            return start + len(".".join(labels[:-1])) + 1 + len(last)
        del labels[-1]
    return None

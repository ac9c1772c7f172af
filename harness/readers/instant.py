"""Moments as text (RFC 3339) and as nanoseconds since 1970, UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache

NS_PER_S = 1_000_000_000

MIN_NS, MAX_NS = -(2**63), 2**63 - 1
"""What fits 64 bits, and so every column it may be stored in: the years 1677 to 2262."""

_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d):(\d\d)(?:[.,](\d+))?"
    r"(?:[Zz]|([+-])([01]\d|2[0-3]):?([0-5]\d))",
    re.ASCII,
)


def parse(text: str) -> int:
    """Nanoseconds since 1970 of an RFC 3339 time; digits beyond the ninth are dropped.

    Raises:
        ValueError: Not such a time, one without a zone, or one outside the years 1677 to 2262.

    Examples:
        >>> parse("1970-01-01T01:00:00.000000001+01:00")
        1
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError(
            f"is {text[:40]!r}, must be a date and time with a zone, as in 2025-06-01T12:00:00.5Z"
        )
    minute, second, fraction, sign, hours, minutes = match.groups()
    if int(second) > 60:
        raise ValueError(f"is {text[:40]!r}: a minute has no second {second}")
    # Second 60, a leap second, has no number of its own in Unix time: it is the next one, twice.
    seconds = _minute_s(minute) + int(second)
    if sign:
        ahead_s = 3600 * int(hours) + 60 * int(minutes)
        seconds -= ahead_s if sign == "+" else -ahead_s
    return in_range(seconds * NS_PER_S + (int(fraction[:9].ljust(9, "0")) if fraction else 0))


def named(name: str, text: str) -> int:
    """The same of a field of a log, whose name then stands in the error.

    Raises:
        ValueError: See `parse`.
    """
    try:
        return parse(text)
    except ValueError as exc:
        raise ValueError(f"{name}: {exc}") from exc


@lru_cache(maxsize=256)  # entries of a log share their minutes
def _minute_s(text: str) -> int:
    try:
        return int(datetime.fromisoformat(f"{text}:00+00:00").timestamp())
    except ValueError as exc:
        raise ValueError(f"is {text!r}: {exc}") from exc


def in_range(at_ns: int) -> int:
    """The same moment.

    Raises:
        ValueError: It does not fit 64 bits.
    """
    if not MIN_NS <= at_ns <= MAX_NS:
        raise ValueError(f"is {at_ns} ns since 1970, must be between the years 1677 and 2262")
    return at_ns


def render(at_ns: int) -> str:
    """RFC 3339 in UTC, with all nine digits.

    Examples:
        >>> render(1)
        '1970-01-01T00:00:00.000000001Z'
    """
    seconds, nanoseconds = divmod(at_ns, NS_PER_S)
    return f"{datetime.fromtimestamp(seconds, UTC).isoformat()[:19]}.{nanoseconds:09d}Z"


def seconds_between(start_ns: int, end_ns: int) -> float | None:
    """Seconds from start to end; None when the end is not later, which no measurement is."""
    return (end_ns - start_ns) / NS_PER_S if end_ns > start_ns else None

"""How much time live traffic covers: a verdict on an hour of it says nothing about the night."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """From the first to the last request of one run, in nanoseconds since 1970 (UTC)."""

    first_ns: int
    last_ns: int


def covered_s(spans: Iterable[Span]) -> float:
    """Seconds that runs cover together: what replicas saw at once counts once, a gap not at all.

    Examples:
        >>> hour = 3_600_000_000_000
        >>> covered_s([Span(0, 2 * hour), Span(hour, 3 * hour), Span(9 * hour, 10 * hour)]) / 3600
        4.0
    """
    covered_ns, end_ns = 0, None
    for span in sorted(spans, key=lambda one: one.first_ns):
        start_ns = span.first_ns if end_ns is None else max(span.first_ns, end_ns)
        covered_ns += max(0, span.last_ns - start_ns)
        end_ns = max(span.last_ns, start_ns)
    return covered_ns / 1e9


def seconds_to_come(min_duration_s: float, spans: Iterable[Span]) -> float:
    """What is left of the shortest duration; 0 where nothing is."""
    return max(0.0, min_duration_s - covered_s(spans))

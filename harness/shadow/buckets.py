"""The buckets in which durations are counted on a page: the same for everybody who writes or reads.

Six to a decade, from 100 µs to 330 s. A row of a histogram is `len(BOUNDS_US) + 2` cells that stand
side by side: how many durations fell into each bucket (over the bound before it, up to its own),
how many were longer than the last bound, and the sum of all of them in microseconds. Counts are
per bucket, not cumulative: a writer touches two cells per duration, a reader adds up.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

_STEPS = (100, 150, 220, 330, 470, 680)

BOUNDS_US: tuple[int, ...] = (
    *(step * 10**decade for decade in range(6) for step in _STEPS),
    *(step * 10**6 for step in _STEPS[:4]),
)
"""Upper bounds, microseconds, ascending; each belongs to its bucket."""

N_BUCKETS = len(BOUNDS_US) + 1
"""Buckets of a row: one for each bound and one for what is longer."""

_BEYOND = "inf"


def bucket_of(duration_us: int) -> int:
    """Which cell of a row counts this duration, from 0.

    Examples:
        >>> bucket_of(0), bucket_of(100), bucket_of(101), bucket_of(10**12) == N_BUCKETS - 1
        (0, 0, 1, True)
    """
    return bisect_left(BOUNDS_US, duration_us)


def cell_names(prefix: str) -> tuple[str, ...]:
    """Names of a row's cells, in the order in which they stand; the sum is the last one.

    Examples:
        >>> names = cell_names("champion_latency_us")
        >>> names[0], names[-2], names[-1]  # doctest: +NORMALIZE_WHITESPACE
        ('champion_latency_us.le.100', 'champion_latency_us.le.inf', 'champion_latency_us.sum')
    """
    bounds = (*(str(bound) for bound in BOUNDS_US), _BEYOND)
    return (*(f"{prefix}.le.{bound}" for bound in bounds), f"{prefix}.sum")


def first_cell(prefix: str) -> str:
    """Name of the first cell of a row, which has to be looked up once."""
    return f"{prefix}.le.{BOUNDS_US[0]}"


def observe(cells: memoryview, first: int, duration_us: int) -> None:
    """Count one duration in the row that starts at cell `first`; below 0 counts as 0."""
    duration_us = max(duration_us, 0)
    cells[first + bisect_left(BOUNDS_US, duration_us)] += 1
    cells[first + N_BUCKETS] += duration_us


@dataclass(frozen=True, slots=True)
class Histogram:
    """A row as it was read.

    Attributes:
        cumulative: Durations up to each bound of `BOUNDS_US`, and in the end all of them.
        sum_us: All durations added up, microseconds.
    """

    cumulative: tuple[int, ...]
    sum_us: int

    @property
    def count(self) -> int:
        return self.cumulative[-1]


def histogram(cells: Mapping[str, int], prefix: str) -> Histogram:
    """The row called `prefix` of a snapshot.

    Raises:
        KeyError: When the snapshot has no such row.
    """
    *names, total = cell_names(prefix)
    return Histogram(tuple(accumulate(cells[name] for name in names)), cells[total])


def added(rows: Sequence[Histogram]) -> Histogram:
    """Several rows as one: those of all fronts, for instance. No rows make an empty one."""
    columns = zip(*(row.cumulative for row in rows), strict=True)
    cumulative = tuple(sum(column) for column in columns) or (0,) * N_BUCKETS
    return Histogram(cumulative, sum(row.sum_us for row in rows))

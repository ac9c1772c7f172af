"""Counts of durations by bucket, as pages of counters hold them.

A row is the cells `<prefix>.le.<microseconds>` and `<prefix>.le.inf`, each with what fell between
the bound before it and its own, and `<prefix>.sum`. The bounds are read from the names, so that
nobody has to agree on them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from math import inf

_PER_S = 1_000_000
_BOUND = ".le."


@dataclass(frozen=True, slots=True)
class Histogram:
    """Durations by bucket.

    Attributes:
        bounds_s: Upper bounds in seconds, ascending; the last one is infinite.
        counts: Durations in each bucket, not added up.
        sum_s: All durations added up, seconds.
    """

    bounds_s: tuple[float, ...]
    counts: tuple[int, ...]
    sum_s: float

    @property
    def count(self) -> int:
        return sum(self.counts)

    @property
    def cumulative(self) -> tuple[int, ...]:
        """Durations up to each bound."""
        return tuple(accumulate(self.counts))

    def quantile(self, share: float) -> float | None:
        """The duration below which this share lies, seconds; None without durations.

        Linear within its bucket, as Prometheus does it; in the open last one its lower bound.

        Examples:
            >>> Histogram((0.1, 0.2, inf), (2, 2, 0), 0.5).quantile(0.5)
            0.1
        """
        total = self.count
        if total == 0:
            return None
        wanted = share * total
        below, lower_s = 0, 0.0
        for bound_s, count in zip(self.bounds_s, self.counts, strict=True):
            if count and below + count >= wanted:
                if bound_s == inf:
                    return lower_s
                return lower_s + (bound_s - lower_s) * (wanted - below) / count
            below += count
            lower_s = bound_s
        return lower_s

    def since(self, before: Histogram) -> Histogram:
        """What was added since an earlier look; everything where the counts began anew."""
        counts = tuple(now - then for now, then in zip(self.counts, before.counts, strict=False))
        if before.bounds_s != self.bounds_s or any(count < 0 for count in counts):
            return self
        return Histogram(self.bounds_s, counts, self.sum_s - before.sum_s)


def histogram(cells: Mapping[str, int], prefix: str) -> Histogram | None:
    """The row called `prefix`; None when there is none."""
    start = prefix + _BOUND
    buckets = sorted(
        (float(name[len(start) :]), count)
        for name, count in cells.items()
        if name.startswith(start)
    )
    if not buckets:
        return None
    return Histogram(
        tuple(bound / _PER_S for bound, _ in buckets),
        tuple(count for _, count in buckets),
        cells.get(f"{prefix}.sum", 0) / _PER_S,
    )


def added(rows: Iterable[Histogram | None]) -> Histogram | None:
    """Several rows of one shape as one; None when there is none."""
    total: Histogram | None = None
    for row in rows:
        if row is None:
            continue
        if total is None:
            total = row
            continue
        counts = tuple(map(sum, zip(total.counts, row.counts, strict=True)))
        total = Histogram(total.bounds_s, counts, total.sum_s + row.sum_s)
    return total

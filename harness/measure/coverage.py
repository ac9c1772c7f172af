"""What was found while answers were read: counts that belong to no row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Coverage:
    """Counts over pairs; coverages of parts are merged.

    Attributes:
        n_cancelled: Pairs left out because a client went away.
        n_not_kept: Answers whose body was not kept whole, so that nothing is known of them.
        n_champion_answers: Champion answers that could be read.
        found: By path name, in how many of those it matched.
        lacking: By path name, how many challenger answers lacked what the champion's had.
        n_with_truth: Pairs whose right label is known.
        n_truth_unreadable: Pairs whose truth is no JSON.
        n_truth_of_other_type: Answers whose label would be right if 7 were `"7"`; two answers that
            are equal byte for byte count once.
        undecodable: By side and reason, how many answers could not be read; `champion: not JSON`.
        compare_errors: By comparison and error, how often a comparator itself broke.
    """

    n_rows: int = 0
    n_cancelled: int = 0
    n_not_kept: int = 0
    n_champion_answers: int = 0
    n_with_truth: int = 0
    n_truth_unreadable: int = 0
    n_truth_of_other_type: int = 0
    found: Mapping[str, int] = field(default_factory=dict)
    lacking: Mapping[str, int] = field(default_factory=dict)
    undecodable: Mapping[str, int] = field(default_factory=dict)
    compare_errors: Mapping[str, int] = field(default_factory=dict)


def merged(coverages: Iterable[Coverage]) -> Coverage:
    """The coverage of all parts together."""
    total = Coverage()
    for coverage in coverages:
        total = Coverage(
            **{each.name: _sum(total, coverage, each.name) for each in fields(Coverage)}
        )
    return total


def _sum(one: Coverage, other: Coverage, name: str) -> Any:
    mine, more = getattr(one, name), getattr(other, name)
    if isinstance(mine, int):
        return mine + more
    # Not a sum of counters, which would drop the keys with a count of 0.
    return {key: mine.get(key, 0) + more.get(key, 0) for key in {**mine, **more}}

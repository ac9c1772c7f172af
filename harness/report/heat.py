"""Segments in rows and metrics in columns, with how warm each cell is and which are flagged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.quantity import difference_scale, say, say_interval
from harness.report import numbers
from harness.verdict import Finding, SegmentEstimate, Status

MOST_ROWS = 60
MOST_COLUMNS = 8

_STEPS = (0.0, 0.25, 0.5, 1.0, 2.0)
"""Harm in margins at which a cell gets warmer; below none it is cool."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One metric in one part.

    Attributes:
        heat: 0 for no harm to 5 for more than twice the margin; None where nothing can be said.
        flag: `masked harm` where the part is surely harmed and the whole passes, `harm` where the
            part is surely harmed and the whole is not shown to be fine, else empty.
    """

    said: str
    levels: str
    heat: int | None = None
    flag: str = ""


@dataclass(frozen=True, slots=True)
class PartRow:
    """One part of the traffic, its cells in the order of the columns."""

    name: str
    n_pairs: int
    n_clusters: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class HeatTable:
    """Parts of the traffic by metrics; `n_left_out` rows are too many to show."""

    columns: tuple[str, ...]
    rows: tuple[PartRow, ...]
    n_left_out: int


def heat_table(segments: Sequence[SegmentEstimate], findings: Sequence[Finding]) -> HeatTable:
    """Lay out what was seen within parts beside what was found there."""
    columns = tuple(dict.fromkeys(one.metric for one in segments))[:MOST_COLUMNS]
    names = list(dict.fromkeys(one.segment for one in segments))
    by_place = {(one.segment, one.metric): one for one in segments}
    margins = _margins(findings)
    flags = _flags(findings)
    rows = []
    for name in names[:MOST_ROWS]:
        inside = [by_place.get((name, metric)) for metric in columns]
        known = [one for one in inside if one is not None]
        rows.append(
            PartRow(
                name,
                max(one.n_pairs for one in known) if known else 0,
                max(one.n_clusters for one in known) if known else 0,
                tuple(
                    _cell(one, margins.get(metric), flags.get((name, metric), ""))
                    for one, metric in zip(inside, columns, strict=True)
                ),
            )
        )
    return HeatTable(columns, tuple(rows), max(0, len(names) - MOST_ROWS))


def _cell(one: SegmentEstimate | None, margin: float | None, flag: str) -> Cell:
    if one is None or one.harm is None or one.harm_low is None or one.harm_high is None:
        return Cell(numbers.NOTHING, "", flag=flag)
    parts = (one.harm, one.harm_low, one.harm_high)
    scale = difference_scale(one.unit, *parts, relative=one.relative)
    levels = f"{say(one.champion, one.unit)} → {say(one.challenger, one.unit)}"
    return Cell(say_interval(*parts, scale, signed=True), levels, _heat(one.harm, margin), flag)


def _heat(harm: float, margin: float | None) -> int | None:
    if not margin or margin <= 0 or harm != harm:
        return None
    return sum(harm / margin > step for step in _STEPS)


def _margins(findings: Sequence[Finding]) -> Mapping[str, float]:
    """By metric, the first margin above zero that a rule on the whole gives it."""
    found: dict[str, float] = {}
    for one in findings:
        if one.segment is None and one.margin is not None and one.margin > 0:
            found.setdefault(one.metric, one.margin)
    return found


def _flags(findings: Sequence[Finding]) -> Mapping[tuple[str, str], str]:
    passing = {one.rule for one in findings if one.segment is None and one.status is Status.PASS}
    return {
        (one.segment, one.metric): "masked harm" if one.rule in passing else "harm"
        for one in findings
        if one.segment is not None and one.status is Status.FAIL
    }

"""Rules below each other: the harm with its interval, and the margin it has to stay below.

Rules have different units, so each row has a scale of its own, laid so that all margins stand on
one line. Left of it is what the policy accepts; a rule passes when its whole interval is there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.report.charts.axis import Axis
from harness.report.charts.drawing import box, line, mark, path, picture, text

_ROW, _TOP, _BOTTOM = 58, 34, 12
_NARROW = 500
_APART = 3.0
_MARGIN_AT = 0.64
"""Where the margin's line stands: most rules pass, and what passes lies left of it."""


@dataclass(frozen=True, slots=True)
class ForestRow:
    """One rule, in the unit of its harm.

    Attributes:
        status: A `harness.verdict.Status`.
        said: The harm with its interval, as text; why there is none otherwise.
        wanted: `< 3 ms`.
        middle: None, like its bounds, where there is no estimate.
        zero: Where "no harm" is; None for a rule about a level.
    """

    rule: str
    status: str
    word: str
    said: str
    wanted: str
    middle: float | None
    low: float | None
    high: float | None
    margin: float | None
    zero: float | None = 0.0


def forest(rows: Sequence[ForestRow], *, width: int) -> str:
    """Draw the rules of one policy, in the order given."""
    is_narrow = width < _NARROW
    left, right = (4, width - 4) if is_narrow else (270, width - 120)
    row_height = _ROW + 22 if is_narrow else _ROW
    height = _TOP + row_height * len(rows) + _BOTTOM
    at = left + _MARGIN_AT * (right - left)
    parts = [
        box(left, _TOP - 4, at - left, height - _TOP - 4, "zone accepted"),
        box(at, _TOP - 4, right - at, height - _TOP - 4, "zone harmed"),
        text(at - 8, 20, "← accepted", "note", anchor="end"),
        text(at + 8, 20, "too much harm →", "note"),
    ]
    for i, row in enumerate(rows):
        top = _TOP + row_height * i
        parts += _row(row, top, left, right, at, is_narrow)
        if is_narrow:  # a line all the way down would cross the texts
            parts.append(line(at, top + 42, at, top + 70, "margin"))
    if not is_narrow:
        parts.append(line(at, _TOP - 10, at, height - _BOTTOM + 4, "margin"))
    title = f"{len(rows)} rules: {'; '.join(f'{row.rule} {row.word}' for row in rows)}"
    return picture(parts, width=width, height=height, title=title)


def _row(
    row: ForestRow, top: float, left: float, right: float, at: float, is_narrow: bool
) -> Iterator[str]:
    middle = top + (56 if is_narrow else 26)
    if is_narrow:
        yield mark(left + 8, top + 15, row.status)
        yield text(left + 20, top + 19, f"{row.word}: {row.rule}", "strong", most=44)
        yield text(left + 20, top + 35, f"{row.said}, wanted {row.wanted}", "note", most=56)
    else:
        yield text(0, top + 22, row.rule, "strong", most=38)
        yield text(0, top + 40, row.said, "note", most=44)
        yield mark(right + 18, top + 22, row.status)
        yield text(right + 32, top + 26, row.word, "strong")
        yield text(right + 12, top + 44, row.wanted, "note", most=18)
    if row.middle is None or row.low is None or row.high is None or row.margin is None:
        yield text((left + at) / 2, middle + 4, "no interval", "note", anchor="middle")
        return
    axis = _axis(row.low, row.high, row.margin, row.zero, left, right, at)
    if row.zero is not None and axis.holds(row.zero) and abs(axis(row.zero) - at) > 12:
        yield line(axis(row.zero), middle - 12, axis(row.zero), middle + 12, "zero")
        if abs(axis(row.zero) - at) > 30:  # else the margin's line would cross it
            yield text(axis(row.zero), middle + 24, "no harm", "tiny", anchor="middle")
    yield from _interval(row.middle, row.low, row.high, row.margin, row.status, axis, middle)


def _interval(
    middle: float, low: float, high: float, margin: float, status: str, axis: Axis, y: float
) -> Iterator[str]:
    """A bar with ends; an end that is open, or beyond the drawing, is an arrow.

    What is on one side of the margin is not drawn onto it, however close it is.
    """

    def place(value: float) -> float:
        if value < margin:
            return min(axis(value), axis(margin) - _APART)
        return max(axis(value), axis(margin) + _APART) if value > margin else axis(margin)

    kind = f"interval {status}"
    yield line(place(low), y, place(high), y, kind)
    for end, turned in ((low, -1), (high, 1)):
        x = place(end)
        if math.isfinite(end) and axis.holds(end):
            yield line(x, y - 6, x, y + 6, kind)
        else:
            yield path([(x - 7 * turned, y - 6), (x, y), (x - 7 * turned, y + 6)], kind)
    yield mark(place(middle), y, status)


def _axis(
    low: float,
    high: float,
    margin: float,
    zero: float | None,
    left: float,
    right: float,
    at: float,
) -> Axis:
    """The scale that shows the interval, and no harm where that is near, around the margin."""
    known = [value for value in (low, high, zero) if value is not None and math.isfinite(value)]
    below = max([margin - value for value in known] + [0.0]) * 1.15
    above = max([value - margin for value in known] + [0.0]) * 1.15
    per_pixel = max(below / (at - left), above / (right - at))
    if per_pixel == 0:
        per_pixel = (abs(margin) or 1.0) / (at - left)
    return Axis(margin - per_pixel * (at - left), margin + per_pixel * (right - at), left, right)

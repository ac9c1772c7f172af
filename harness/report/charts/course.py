"""How one rule's harm went from run to run, held against its margin."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.quantity import difference_scale
from harness.report.charts.axis import Axis, scaled_ticks
from harness.report.charts.drawing import line, mark, path, picture, text

_HEIGHT, _TOP, _BOTTOM, _LEFT, _RIGHT = 250, 20, 46, 66, 76
_LABEL = 84
"""Pixels that a date needs."""


@dataclass(frozen=True, slots=True)
class CoursePoint:
    """What one run found of a rule, in the unit of its harm.

    Attributes:
        said: When the run was, in few characters.
        status: A `harness.verdict.Status`; `no_data` too where the run was not judged by the rule.
        harm: None, like its bounds, where there is no estimate.
    """

    said: str
    status: str
    harm: float | None
    low: float | None
    high: float | None
    margin: float | None


def course(
    points: Sequence[CoursePoint], *, unit: str, relative: bool, width: int, title: str
) -> str:
    """Draw the runs in the order given, at equal distances."""
    floor, right = _HEIGHT - _BOTTOM, width - _RIGHT
    low, high = _reach(points)
    up = Axis(low, high, floor, _TOP)
    step = (right - _LEFT) / max(1, len(points))
    at = [_LEFT + (i + 0.5) * step for i in range(len(points))]
    scale = difference_scale(unit, low, high, relative=relative)
    parts = []
    for y, said in scaled_ticks(up, scale, most=6):
        parts += [line(_LEFT, y, right, y, "grid"), text(_LEFT - 8, y + 4, said, anchor="end")]
    parts.append(line(_LEFT, up(0.0), right, up(0.0), "zero"))
    harms = [(x, up(one.harm)) for x, one in zip(at, points, strict=True) if one.harm is not None]
    parts.append(path(harms, "line challenger"))
    parts += _margins(points, at, step, up)
    for x, one in zip(at, points, strict=True):
        parts += _point(one, x, up, floor)
    parts += _dates(points, at, step, floor)
    parts.append(text(_LEFT, _HEIGHT - 4, f"harm in{scale.suffix or ' its own unit'}", "note"))
    return picture(parts, width=width, height=_HEIGHT, title=title)


def _point(one: CoursePoint, x: float, up: Axis, floor: float) -> Iterator[str]:
    if one.harm is None or one.low is None or one.high is None:
        yield text(x, floor - 6, "–", "strong", anchor="middle")
        return
    kind = f"interval {one.status}"
    yield line(x, up(one.low), x, up(one.high), kind)
    for end in (one.low, one.high):
        if math.isfinite(end) and up.holds(end):
            yield line(x - 6, up(end), x + 6, up(end), kind)
    yield mark(x, up(one.harm), one.status)


def _margins(
    points: Sequence[CoursePoint], at: Sequence[float], step: float, up: Axis
) -> Iterator[str]:
    """Each run's own margin: a policy may have changed on the way."""
    for x, one in zip(at, points, strict=True):
        if one.margin is not None:
            y = up(one.margin)
            yield line(x - step / 2, y, x + step / 2, y, "margin")
    last = points[-1] if points else None
    if last is not None and last.margin is not None:
        yield text(at[-1] + step / 2 + 8, up(last.margin) + 4, "margin", "strong")


def _dates(
    points: Sequence[CoursePoint], at: Sequence[float], step: float, floor: float
) -> Iterator[str]:
    """As many as there is room for, the last one among them."""
    every = max(1, math.ceil(_LABEL / step))
    for i, (x, one) in enumerate(zip(at, points, strict=True)):
        if (len(points) - 1 - i) % every == 0:
            yield line(x, floor, x, floor + 4, "axis")
            yield text(x, floor + 18, one.said, anchor="middle", most=16)


def _reach(points: Sequence[CoursePoint]) -> tuple[float, float]:
    """No harm, margins and harms in full; of intervals what is not far beyond."""
    harms = [one.harm for one in points if one.harm is not None]
    inner = [*harms, *(one.margin for one in points if one.margin is not None), 0.0]
    finite = [value for value in inner if math.isfinite(value)]
    width = (max(finite) - min(finite)) or 1e-9
    ends = [end for one in points for end in (one.low, one.high) if end is not None]
    near = [end for end in ends if min(finite) - width <= end <= max(finite) + width]
    low, high = min([*finite, *near]), max([*finite, *near])
    return low - 0.08 * (high - low or width), high + 0.08 * (high - low or width)

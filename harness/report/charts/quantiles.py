"""How much more the challenger's quantiles are, from the fast end to the slow one.

The axis gives each halving of the rest the same room, so that the tail, which users complain about,
is as wide as the body.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from harness.quantity import Scale, difference_scale
from harness.report.charts.axis import Axis, scaled_ticks
from harness.report.charts.drawing import box, line, path, picture, text
from harness.report.material import QuantileCurve, QuantilePoint

_HEIGHT, _TOP, _BOTTOM, _LEFT, _RIGHT = 260, 34, 40, 70, 24
_MARKED = (0.5, 0.75, 0.9, 0.95, 0.99, 0.999)


def quantile_difference(curve: QuantileCurve, *, width: int, title: str, upwards: str) -> str:
    """Draw the differences that are known, with their band; nothing where none is.

    Where values are too few for a band the line is dotted.

    Args:
        upwards: What it means to be above zero, for instance `slower`.
    """
    known = [point for point in curve.points if point.difference is not None]
    if len(known) < 2:
        return ""
    floor = _HEIGHT - _BOTTOM
    along = Axis(_rest(known[0].p), _rest(known[-1].p), _LEFT, width - _RIGHT)
    reach = _reach(known)
    up = Axis(reach[0], reach[1], floor, _TOP)
    scale = difference_scale(curve.unit, *reach)
    parts = [
        text(_LEFT, 18, f"challenger − champion,{scale.suffix}", "note"),
        *_levels(up, scale, width),
        line(_LEFT, up(0.0), width - _RIGHT, up(0.0), "zero"),
        *_band(known, along, up),
        *_line(known, along, up),
        text(width - _RIGHT, 18, f"↑ challenger {upwards}", "note", anchor="end"),
    ]
    for p in _MARKED:
        if known[0].p <= p <= known[-1].p:
            x = along(_rest(p))
            parts.append(line(x, floor, x, floor + 4, "axis"))
            parts.append(text(x, floor + 18, f"p{100 * p:g}", anchor="middle"))
    return picture(parts, width=width, height=_HEIGHT, title=title)


def _rest(p: float) -> float:
    return -math.log10(1 - p)


def _reach(known: Sequence[QuantilePoint]) -> tuple[float, float]:
    """What the drawing shows: the line, and of the band no more than three times its extent."""
    line_ = [one.difference or 0.0 for one in known] + [0.0]
    extent = max(line_) - min(line_) or 1e-9
    ends = [end for one in known for end in (one.low, one.high) if end is not None]
    low = max(min([*ends, *line_]), min(line_) - 3 * extent)
    high = min(max([*ends, *line_]), max(line_) + 3 * extent)
    room = 0.06 * (high - low)
    return low - room, high + room


def _levels(up: Axis, scale: Scale, width: int) -> Iterator[str]:
    for y, said in scaled_ticks(up, scale, most=6):
        yield line(_LEFT, y, width - _RIGHT, y, "grid")
        yield text(_LEFT - 8, y + 4, said, anchor="end")


def _line(known: Sequence[QuantilePoint], along: Axis, up: Axis) -> Iterator[str]:
    for one, after in pairwise(known):
        ends = [(along(_rest(at.p)), up(at.difference or 0.0)) for at in (one, after)]
        is_sure = one.low is not None and after.low is not None
        yield path(ends, "line challenger" if is_sure else "line challenger unsure")


def _band(known: Sequence[QuantilePoint], along: Axis, up: Axis) -> Iterator[str]:
    """The stretches where both bounds are known."""
    stretch: list[QuantilePoint] = []
    for one in [*known, None]:
        if one is not None and one.low is not None and one.high is not None:
            stretch.append(one)
            continue
        if len(stretch) > 1:
            upper = [(along(_rest(at.p)), up(at.high or 0.0)) for at in stretch]
            lower = [(along(_rest(at.p)), up(at.low or 0.0)) for at in reversed(stretch)]
            yield path([*upper, *lower], "band", closed=True)
        elif stretch:
            x, only = along(_rest(stretch[0].p)), stretch[0]
            low, high = up(only.low or 0.0), up(only.high or 0.0)
            yield box(x - 2, high, 4, low - high, "band")
        stretch = []

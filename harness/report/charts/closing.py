"""A rule's always-valid interval after more and more pairs, closing on its margin or not."""

from __future__ import annotations

import math

from harness.quantity import difference_scale, level_scale
from harness.report.charts.axis import Axis, round_ratios, scaled_ticks
from harness.report.charts.drawing import line, mark, path, picture, text
from harness.report.material import History

_HEIGHT, _TOP, _BOTTOM, _LEFT, _RIGHT = 240, 18, 40, 54, 62


def closing(history: History, *, width: int, status: str, is_level: bool) -> str:
    """Draw the interval at each look; the last one is the verdict's. Nothing below two looks.

    Args:
        is_level: Whether a level is drawn and no harm: shares are then percent.
    """
    looks = history.looks
    if len(looks) < 2 or looks[0].n_pairs >= looks[-1].n_pairs:
        return ""
    floor, right = _HEIGHT - _BOTTOM, width - _RIGHT
    along = Axis(looks[0].n_pairs, looks[-1].n_pairs, _LEFT, right, is_logarithmic=True)
    low, high = _reach(history)
    up = Axis(low, high, floor, _TOP)
    scale = (
        level_scale(history.unit, low, high)
        if is_level
        else difference_scale(history.unit, low, high, relative=history.relative)
    )
    what = "level" if is_level else "harm"
    parts = []
    for y, said in scaled_ticks(up, scale, most=6):
        parts += [line(_LEFT, y, right, y, "grid"), text(_LEFT - 8, y + 4, said, anchor="end")]
    upper = [(along(look.n_pairs), up(look.harm_high)) for look in looks]
    lower = [(along(look.n_pairs), up(look.harm_low)) for look in reversed(looks)]
    last = looks[-1]
    parts += [
        path([*upper, *lower], "band", closed=True),
        path([(along(look.n_pairs), up(look.harm)) for look in looks], "line challenger"),
        line(_LEFT, up(history.margin), right, up(history.margin), "margin"),
        text(right + 8, up(history.margin) + 4, "margin", "strong"),
        mark(along(last.n_pairs), up(last.harm), status),
        text(_LEFT, _HEIGHT - 4, f"pairs seen; {what} in{scale.suffix or ' its own unit'}", "note"),
    ]
    for n in round_ratios(looks[0].n_pairs, last.n_pairs, most=6 if width > 500 else 3):
        x = along(n)
        parts += [
            line(x, floor, x, floor + 4, "axis"),
            text(x, floor + 18, f"{n:,.0f}", anchor="middle"),
        ]
    title = f"{history.rule}: harm and its interval over {last.n_pairs:,} pairs"
    return picture(parts, width=width, height=_HEIGHT, title=title)


def _reach(history: History) -> tuple[float, float]:
    """The margin and the later looks in full; the first ones may leave the drawing."""
    later = history.looks[len(history.looks) // 3 :]
    shown = [end for look in later for end in (look.harm_low, look.harm_high, look.harm)]
    finite = [value for value in [*shown, history.margin, 0.0] if math.isfinite(value)]
    room = 0.1 * (max(finite) - min(finite)) or 1e-9
    return min(finite) - room, max(finite) + room

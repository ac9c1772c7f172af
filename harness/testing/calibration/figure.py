"""Line charts as SVG, with nothing but text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT = 820, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 290, 48, 52
_COLOURS = ("#b3261e", "#1b5faa", "#2e7d32", "#8e5a00", "#6a3fa0", "#5f6368")
_MOST_STEPS = 6


@dataclass(frozen=True, slots=True)
class Line:
    """One line; `y` is a share in 0 to 1.

    Attributes:
        colour: Its place among the colours, where it shares one; None for one of its own.
    """

    name: str
    points: Sequence[tuple[float, float]]
    is_dashed: bool = False
    colour: int | None = None


@dataclass(frozen=True, slots=True)
class Chart:
    """Shares against a number or a few named places.

    Attributes:
        name: File name without its ending.
        x_ticks: Position and text of each mark on the x axis.
        is_log: Whether x, above 0, is drawn by its logarithm.
        y_low: Where the y axis starts.
        y_high: Where it ends.
    """

    name: str
    title: str
    x_label: str
    y_label: str
    lines: Sequence[Line]
    x_ticks: Sequence[tuple[float, str]]
    is_log: bool = False
    y_low: float = 0.0
    y_high: float = 1.0


def svg(chart: Chart) -> str:
    """Draw a chart."""
    body = [*_frame(chart), *_x_axis(chart), *_y_axis(chart)]
    for number, line in enumerate(chart.lines):
        body += _line(chart, line, number)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'font-family="sans-serif" font-size="12" fill="#202124">\n'
        + "\n".join(body)
        + "\n</svg>\n"
    )


def _frame(chart: Chart) -> list[str]:
    middle = (_TOP + _HEIGHT - _BOTTOM) / 2
    return [
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
        _text(_LEFT, 24, chart.title, extra='font-size="14" font-weight="bold"'),
        _text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 12, chart.x_label, anchor="middle"),
        _text(16, middle, chart.y_label, "middle", f'transform="rotate(-90 16 {middle:g})"'),
    ]


def _x_axis(chart: Chart) -> list[str]:
    bottom = _HEIGHT - _BOTTOM
    marks = [f'<path d="M{_LEFT} {bottom}H{_WIDTH - _RIGHT}" stroke="#5f6368" fill="none"/>']
    for x, name in chart.x_ticks:
        at = _x(chart, x)
        marks.append(f'<path d="M{at:.1f} {bottom}v5" stroke="#5f6368"/>')
        marks.append(_text(at, bottom + 18, name, anchor="middle"))
    return marks


def _y_axis(chart: Chart) -> list[str]:
    marks = []
    # Whole tens on the axis; every second one where there are many.
    height = round(10 * (chart.y_high - chart.y_low))
    for tens in range(0, height + 1, 2 if height > _MOST_STEPS else 1):
        share = chart.y_low + tens / 10
        at = _y(chart, share)
        marks.append(f'<path d="M{_LEFT} {at:.1f}H{_WIDTH - _RIGHT}" stroke="#e0e0e0"/>')
        marks.append(_text(_LEFT - 8, at + 4, f"{share:.0%}", anchor="end"))
    return marks


def _line(chart: Chart, line: Line, number: int) -> list[str]:
    place = number if line.colour is None else line.colour
    colour = _COLOURS[place % len(_COLOURS)]
    points = " ".join(f"{_x(chart, x):.1f},{_y(chart, y):.1f}" for x, y in line.points)
    dashes = ' stroke-dasharray="5 4"' if line.is_dashed else ""
    at = _TOP + 12 + 20 * number
    edge = _WIDTH - _RIGHT + 12
    style = f'stroke="{colour}" stroke-width="2"{dashes}'
    return [
        f'<polyline points="{points}" fill="none" {style}/>',
        f'<path d="M{edge} {at - 4}h18" {style}/>',
        _text(edge + 24, at, line.name),
    ]


def _x(chart: Chart, value: float) -> float:
    low, high, place = chart.x_ticks[0][0], chart.x_ticks[-1][0], value
    if chart.is_log:
        low, high, place = math.log(low), math.log(high), math.log(value)
    return _LEFT + (_WIDTH - _RIGHT - _LEFT) * (place - low) / (high - low)


def _y(chart: Chart, share: float) -> float:
    height = _HEIGHT - _BOTTOM - _TOP
    inside = min(chart.y_high, max(chart.y_low, share))
    return _TOP + height * (chart.y_high - inside) / (chart.y_high - chart.y_low)


def _text(x: float, y: float, text: str, anchor: str = "start", extra: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {extra}>{escape(text)}</text>'

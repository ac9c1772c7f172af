"""Where the requests went: each stage a bar, and below it what did not come as far as the next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.quantity import say
from harness.report.charts.axis import Axis
from harness.report.charts.drawing import box, picture, text

_STAGE, _LOSS, _NARROW, _NARROW_LEFT = 34, 22, 500, 150
_LEAST = 2.0
"""Pixels of the smallest bar: one request of a million is still to be seen."""


@dataclass(frozen=True, slots=True)
class Stage:
    """So many requests came as far as here; `losses` of them no further, by reason."""

    name: str
    n: int
    losses: Sequence[tuple[str, int]] = ()


def flow(stages: Sequence[Stage], *, width: int) -> str:
    """Draw the stages from first to last, all to the scale of the first."""
    is_narrow = width < _NARROW
    left, right = (_NARROW_LEFT, width - 78) if is_narrow else (220, width - 140)
    axis = Axis(0.0, max(stages[0].n, 1), left, right)
    parts: list[str] = []
    y = 6.0
    for stage in stages:
        parts += _bar(stage.name, stage.n, 0, stages[0].n, axis, y, is_stage=True)
        y += _STAGE
        rest = stage.n
        for reason, n in stage.losses:
            rest -= n
            parts += _bar(f"− {reason}", n, rest, stages[0].n, axis, y, is_stage=False)
            y += _LOSS
        y += 4 if stage.losses else 0
    title = ", ".join(f"{stage.n:,} {stage.name}" for stage in stages)
    return picture(parts, width=width, height=y, title=f"Requests: {title}")


def _bar(
    name: str, n: int, start: int, n_all: int, axis: Axis, y: float, *, is_stage: bool
) -> Iterator[str]:
    height = 22 if is_stage else 14
    baseline = y + height / 2 + 4
    x = axis(start)
    kind = "strong" if is_stage else "note"
    yield text(axis.start - 12, baseline, name, kind, anchor="end", most=30)
    long = max(_LEAST, axis(start + n) - x) if n else 0.0
    yield box(min(x, axis.end - long), y, long, height, "stage" if is_stage else "lost")
    yield text(axis.end + 10, baseline, f"{n:,}", kind)
    if n_all and axis.start > _NARROW_LEFT:
        yield text(axis.end + 140, baseline, say(n / n_all, "fraction"), "note", anchor="end")

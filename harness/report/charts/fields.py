"""How often each field differs, with a mark where the champion differs from itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.quantity import say
from harness.report.charts.axis import Axis
from harness.report.charts.drawing import box, line, picture, text
from harness.report.material import Field

_ROW, _NARROW = 30, 500


def disagreement(fields: Sequence[Field], *, width: int) -> str:
    """Draw a bar for each field; `|` in it is the noise floor, where one is known."""
    is_narrow = width < _NARROW
    left, right = (4, width - 64) if is_narrow else (230, width - 84)
    row = _ROW + 16 if is_narrow else _ROW
    shares = [share for one in fields for share in (one.share, one.floor or 0.0)]
    axis = Axis(0.0, max(*shares, 1e-9), left, right)
    parts = [
        part
        for i, one in enumerate(fields)
        for part in _row(one, 4 + row * i + (16 if is_narrow else 0), axis, is_narrow)
    ]
    title = "; ".join(f"{one.name} differs {say(one.share, 'fraction')}" for one in fields[:8])
    return picture(parts, width=width, height=row * len(fields) + 8, title=title)


def _row(one: Field, y: float, axis: Axis, is_narrow: bool) -> Iterator[str]:
    if is_narrow:
        yield text(axis.start, y - 4, one.name, most=46)
    else:
        yield text(axis.start - 12, y + 15, one.name, anchor="end", most=34)
    yield box(axis.start, y, axis(one.share) - axis.start, 20, "differs")
    if one.floor is not None:
        x = axis(one.floor)
        yield line(x, y - 4, x, y + 24, "floor")
    yield text(axis.end + 10, y + 15, say(one.share, "fraction"), "strong")

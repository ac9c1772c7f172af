"""Parts of a drawing as SVG text.

Nothing has a colour or a style of its own: classes say what a thing is, and the page how it looks,
by day, by night and on paper. Text may come from anywhere and is made harmless here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from harness.report.sanitize import printable

LONGEST_TEXT = 80

Point = tuple[float, float]


def picture(parts: Iterable[str], *, width: float, height: float, title: str) -> str:
    """The whole drawing, with a title for those who cannot see it."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_n(width)} {_n(height)}" '
        f'role="img" aria-label="{escape(printable(title, longest=400))}">{"".join(parts)}</svg>'
    )


def text(
    x: float, y: float, said: str, kind: str = "", *, anchor: str = "start", most: int = 80
) -> str:
    """One line of text; `anchor` is start, middle or end."""
    shown = escape(printable(said, longest=most))
    return f'<text x="{_n(x)}" y="{_n(y)}" text-anchor="{anchor}"{_kind(kind)}>{shown}</text>'


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<path d="M{_n(x1)} {_n(y1)}L{_n(x2)} {_n(y2)}"{_kind(kind)}/>'


def box(x: float, y: float, width: float, height: float, kind: str) -> str:
    size = f'width="{_n(max(0.0, width))}" height="{_n(max(0.0, height))}"'
    return f'<rect x="{_n(x)}" y="{_n(y)}" {size}{_kind(kind)}/>'


def path(points: Sequence[Point], kind: str, *, closed: bool = False) -> str:
    """Straight lines from point to point."""
    if not points:
        return ""
    steps = "L".join(f"{_n(x)} {_n(y)}" for x, y in points)
    return f'<path d="M{steps}{"Z" if closed else ""}"{_kind(kind)}/>'


def mark(x: float, y: float, status: str, size: float = 6) -> str:
    """The sign of a status; each has a shape of its own: disc, square, ring, dash."""
    kind = f"mark {status}"
    match status:
        case "pass":
            return f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(size)}"{_kind(kind)}/>'
        case "fail":
            return box(x - size, y - size, 2 * size, 2 * size, kind)
        case "inconclusive":
            return f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(size - 1)}"{_kind(kind + " ring")}/>'
        case _:
            return line(x - size, y, x + size, y, kind)


def _kind(kind: str) -> str:
    return f' class="{kind}"' if kind else ""


def _n(number: float) -> str:
    """A tenth of a pixel is more than enough."""
    return f"{number:.1f}".rstrip("0").rstrip(".")

"""Two distributions over each other, and beside them what failed.

The champion is an area, the challenger a line, so that they are told apart without colours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.quantity import say
from harness.report.charts.axis import Axis, level_ticks, round_numbers
from harness.report.charts.drawing import Point, box, line, path, picture, text
from harness.report.material import Distribution

_HEIGHT, _TOP, _BOTTOM = 260, 46, 40
_LEFT, _FAILED = 52, 96
"""Room at the right for failures, which have no place on an axis of time."""


def overlaid(seen: Distribution, *, width: int, title: str) -> str:
    """Draw the share of all requests in each bin, of both sides, to one scale."""
    is_time = bool(seen.timeouts or seen.champion_failed or seen.challenger_failed)
    right = width - (_FAILED + 14 if is_time else 4)
    floor = _HEIGHT - _BOTTOM
    axis = Axis(seen.edges[0], seen.edges[-1], _LEFT, right, seen.is_logarithmic)
    n_champion = sum(seen.champion) + sum(seen.champion_failed.values())
    n_challenger = sum(seen.challenger) + sum(seen.challenger_failed.values())
    highest = max(
        *(n / max(n_champion, 1) for n in seen.champion),
        *(n / max(n_challenger, 1) for n in seen.challenger),
        1e-9,
    )
    up = Axis(0.0, highest, floor, _TOP)
    parts = [
        *_legend(),
        *_levels(up, right),
        line(_LEFT, floor, right, floor, "axis"),
        path(_steps(seen.champion, n_champion, seen.edges, axis, up), "area champion", closed=True),
        path(_steps(seen.challenger, n_challenger, seen.edges, axis, up), "line challenger"),
    ]
    for x, said in level_ticks(axis, seen.unit, most=7 if width > 500 else 4):
        parts += [line(x, floor, x, floor + 4, "axis"), text(x, floor + 18, said, anchor="middle")]
    parts += _timeouts(seen, axis, floor)
    if is_time:
        parts += _failures(seen, width, floor, n_champion, n_challenger)
    return picture(parts, width=width, height=_HEIGHT, title=title)


def _legend() -> Iterator[str]:
    yield box(2, 8, 22, 10, "area champion")
    yield text(30, 17, "champion")
    yield line(106, 13, 128, 13, "line challenger")
    yield text(134, 17, "challenger")


def _levels(up: Axis, right: float) -> Iterator[str]:
    for share in round_numbers(0.0, up.high, most=4)[1:]:
        yield line(_LEFT, up(share), right, up(share), "grid")
        yield text(_LEFT - 8, up(share) + 4, f"{100 * share:.3g} %", "note", anchor="end")


def _steps(
    counts: Sequence[int], n: int, edges: Sequence[float], axis: Axis, up: Axis
) -> list[Point]:
    """The outline of a histogram, from the floor and back to it."""
    points: list[Point] = [(axis(edges[0]), up(0.0))]
    for count, low, high in zip(counts, edges, edges[1:], strict=False):
        y = up(count / max(n, 1))
        points += [(axis(low), y), (axis(high), y)]
    return [*points, (axis(edges[-1]), up(0.0))]


def _timeouts(seen: Distribution, axis: Axis, floor: float) -> Iterator[str]:
    """Where a side's patience ends; one line where both have the same."""
    for limit in sorted(set(seen.timeouts.values())):
        if axis.holds(limit):
            yield line(axis(limit), _TOP - 6, axis(limit), floor, "margin")
            said = f"timeout {say(limit, 's')}"
            yield text(axis(limit) - 5, _TOP + 6, said, "note", anchor="end")


def _failures(
    seen: Distribution, width: int, floor: float, n_champion: int, n_challenger: int
) -> Iterator[str]:
    """A bar for each side, to a scale of its own: all of the height is every request."""
    start = width - _FAILED
    sides = (
        ("champion", sum(seen.champion_failed.values()), n_champion),
        ("challenger", sum(seen.challenger_failed.values()), n_challenger),
    )
    up = Axis(0.0, 1.0, floor, _TOP)
    yield text(width, 17, "failed", "strong", anchor="end")
    yield line(start, floor, width, floor, "axis")
    for i, (side, n_failed, n) in enumerate(sides):
        x, share = start + 10 + 44 * i, n_failed / n if n else 0.0
        yield box(x, _TOP, 30, floor - _TOP, "rail")
        yield box(x, up(share), 30, floor - up(share), f"failed {side}")
        yield text(x + 15, floor + 18, say(share, "fraction"), anchor="middle")
        yield text(x + 15, floor + 33, side[:5] + ".", "tiny", anchor="middle")

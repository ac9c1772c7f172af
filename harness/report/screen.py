"""A rich console that draws into a string: nothing is asked of the terminal or the environment."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, RenderableType

LEAST_WIDTH = 72


def draw(parts: Iterable[RenderableType], *, width: int, colour: bool) -> str:
    """Lay out `parts` one below the other.

    Args:
        width: Columns; less than `LEAST_WIDTH` is taken as that.
        colour: Whether escape sequences are written. Without them the text is plain.

    Returns:
        The lines without trailing spaces, ending in a line end.
    """
    console = Console(
        width=max(width, LEAST_WIDTH),
        height=100,
        force_terminal=colour,
        color_system="standard" if colour else None,
        no_color=not colour,
        legacy_windows=False,
        force_jupyter=False,
        markup=False,
        emoji=False,
        highlight=False,
        _environ={},
    )
    with console.capture() as capture:
        for part in parts:
            console.print(part)
    lines = [line.rstrip() for line in capture.get().split("\n")]
    return "\n".join(lines).strip("\n") + "\n"

"""One pair side by side, and the list of pairs worth looking at (`harness show`)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from harness.report import numbers
from harness.report.diff import Piece, lined_up, pieces
from harness.report.sanitize import one_line
from harness.report.screen import LEAST_WIDTH, draw
from harness.verdict import Disagreement


@dataclass(frozen=True, slots=True)
class BothSides:
    """One fact about a pair, for instance `latency`, `12.3 ms`, `18.9 ms`."""

    name: str
    champion: str
    challenger: str


@dataclass(frozen=True, slots=True)
class PairView:
    """One pair, as a person is to see it.

    Attributes:
        request: The request in a line, for instance `POST /v1/predict`.
        about: What else there is to say in a line: when, whose, which challenger.
        facts: Outcome, status, latency, cost and the like, side by side.
        differences: Where the answers differ and how, one path or comparison each.
        champion: Its answer as text; `as_text` makes it from a JSON value. None when there is none.
    """

    request_id: str
    request: str
    about: str
    facts: tuple[BothSides, ...]
    differences: tuple[tuple[str, str], ...]
    champion: str | None
    challenger: str | None


def render_pair(view: PairView, *, width: int, colour: bool) -> str:
    """Draw one pair: what it was, the facts, the differences, both answers lined up.

    Args:
        width: Columns, `LEAST_WIDTH` or more.
        colour: Whether escape sequences are written; marks say the same without.
    """
    return draw(_pair(view), width=max(width, LEAST_WIDTH), colour=colour)


def render_list(disagreements: Sequence[Disagreement], *, width: int, colour: bool) -> str:
    """Draw the pairs worth looking at, in the order given, one line each."""
    if not disagreements:
        return "No disagreements are stored for this run.\n"
    return draw([disagreement_table(disagreements)], width=width, colour=colour)


def disagreement_table(disagreements: Sequence[Disagreement]) -> Table:
    """The request, how far apart, the paths that differ, and what each side said."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", expand=True)
    table.add_column("request", no_wrap=True)
    table.add_column("size", justify="right", no_wrap=True)
    table.add_column("differs in", ratio=3, no_wrap=True, overflow="ellipsis")
    table.add_column("champion", ratio=4, no_wrap=True, overflow="ellipsis")
    table.add_column("challenger", ratio=4, no_wrap=True, overflow="ellipsis")
    for pair in disagreements:
        table.add_row(
            Text(one_line(pair.request_id, longest=40)),
            numbers.size(pair.size),
            Text(one_line(", ".join(pair.paths[:3]))),
            Text(one_line(pair.champion)),
            Text(one_line(pair.challenger)),
        )
    return table


def as_text(value: object) -> str:
    """A JSON value as lines; keys sorted, because their order means nothing.

    Examples:
        >>> as_text({"b": 1, "a": "é"}).splitlines()
        ['{', '  "a": "é",', '  "b": 1', '}']
    """
    return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True)


def _pair(view: PairView) -> Iterator[RenderableType]:
    yield Text.assemble(
        (one_line(view.request_id, longest=80), "bold"), "  ", one_line(view.request)
    )
    yield Text(one_line(view.about), "dim")
    yield Text()
    yield _facts(view.facts)
    if view.differences:
        yield Text()
        yield Text("differs in", "dim")
        yield _differences(view.differences)
    yield Text()
    yield _answers(view)


def _facts(facts: Sequence[BothSides]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    table.add_column("", style="dim", no_wrap=True)
    table.add_column("champion", overflow="fold")
    table.add_column("challenger", overflow="fold")
    for fact in facts:
        same = fact.champion == fact.challenger
        table.add_row(
            one_line(fact.name),
            Text(one_line(fact.champion)),
            Text(one_line(fact.challenger), "" if same else "bold"),
        )
    return table


def _differences(differences: Sequence[tuple[str, str]]) -> Table:
    table = Table.grid(padding=(0, 3, 0, 0))
    table.add_column(overflow="fold")
    table.add_column(overflow="fold")
    for path, note in differences:
        table.add_row(Text(one_line(path), "yellow"), Text(one_line(note)))
    return table


def _answers(view: PairView) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim", expand=True)
    table.add_column("champion", ratio=1, overflow="fold")
    table.add_column("", width=1)
    table.add_column("challenger", ratio=1, overflow="fold")
    for line in lined_up(view.champion, view.challenger):
        champion, challenger = pieces(line)
        table.add_row(
            _coloured(champion, "bold red"),
            Text(line.mark, "yellow"),
            _coloured(challenger, "bold green"),
        )
    return table


def _coloured(parts: Sequence[Piece], style: str) -> Text:
    return Text.assemble(*((part.text, style if part.differs else "") for part in parts))

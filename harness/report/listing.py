"""Pairs to look at as a list for a terminal: what there is to choose by, then a line for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from harness.quantity import MINUS, say
from harness.report import numbers
from harness.report.sanitize import one_line
from harness.report.screen import draw

MOST_FIELDS = 3

ID_CHARACTERS = 16
"""The beginning of an id names a request as well as all of it does; no ellipsis to copy along."""

SHORT = 16
"""Characters up to which answers are shown whole, and what differs gets the room that is left."""


@dataclass(frozen=True, slots=True)
class ListedPair:
    """One line of the list.

    Attributes:
        size: How bad it is, larger is worse; 0 for a pair that agrees.
        outcome: How it ended: `both-answered`, `challenger-failed` and so on.
        fields: Comparisons and paths that differ.
        segments: `source=mobile` and the like.
        champion: What it said, in a line.
        latency_s: Challenger minus champion; None where one is unknown. `cost_usd` likewise.
    """

    request_id: str
    size: float
    outcome: str
    fields: tuple[str, ...]
    segments: tuple[str, ...]
    champion: str
    challenger: str
    latency_s: float | None = None
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """The pairs that were chosen, and what there is to choose by.

    Attributes:
        heading: What the list is of, in a line.
        counts: By what can be chosen (`field`, `segment`, `outcome`), how often each value occurs.
        shows: Which columns there are besides the usual ones: `latency`, `cost`, `segment`.
    """

    heading: str
    pairs: tuple[ListedPair, ...]
    counts: Mapping[str, Mapping[str, int]]
    shows: frozenset[str] = frozenset()


def render_listing(listing: Listing, *, width: int, colour: bool) -> str:
    """Draw a list of pairs; colour says nothing that words do not."""
    return draw(_parts(listing), width=width, colour=colour)


def _parts(listing: Listing) -> Iterator[RenderableType]:
    yield Text(one_line(listing.heading), "bold")
    yield _counts(listing.counts)
    if listing.pairs:
        yield Text()
        yield _table(listing)


def _counts(counts: Mapping[str, Mapping[str, int]]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for heading, values in counts.items():
        if values:
            said = (
                f"{one_line(name, longest=60)} {numbers.count(n)}" for name, n in values.items()
            )
            table.add_row(heading, " · ".join(said))
    return table


Cell = Callable[[ListedPair], Text]


def _table(listing: Listing) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", expand=True)
    cells: list[Cell] = []

    def column(heading: str, cell: Cell, *, ratio: int | None = None, right: bool = False) -> None:
        table.add_column(
            heading,
            ratio=ratio,
            no_wrap=True,
            overflow="ellipsis",
            justify="right" if right else "left",
        )
        cells.append(cell)

    column("request", lambda pair: Text(one_line(pair.request_id[:ID_CHARACTERS])))
    column("size", lambda pair: Text(numbers.size(pair.size)), right=True)
    if "latency" in listing.shows:
        column("latency", lambda pair: Text(_more(pair.latency_s, "s")), right=True)
    if "cost" in listing.shows:
        column("cost", lambda pair: Text(_more(pair.cost_usd, "usd")), right=True)
    if len(listing.counts.get("outcome", {})) > 1:
        column("outcome", lambda pair: Text(one_line(pair.outcome)))
    if "segment" in listing.shows:
        column("segment", lambda pair: Text(one_line(", ".join(pair.segments), longest=32)))
    column("differs in", lambda pair: Text(_fields(pair.fields)), ratio=3)
    both = [text for pair in listing.pairs for text in (pair.champion, pair.challenger)]
    share = 3 if max(map(len, both)) > SHORT else None
    column("champion", lambda pair: Text(one_line(pair.champion)), ratio=share)
    column("challenger", lambda pair: Text(one_line(pair.challenger)), ratio=share)
    for pair in listing.pairs:
        table.add_row(*(cell(pair) for cell in cells))
    return table


def _fields(fields: Sequence[str]) -> str:
    """Paths say more than the comparison that found them."""
    paths = [one for one in fields if one.startswith("$")]
    return one_line(", ".join((paths or list(fields))[:MOST_FIELDS]))


def _more(value: float | None, unit: str) -> str:
    if value is None:
        return numbers.NOTHING
    sign = MINUS if value < 0 else "+" if value > 0 else ""
    return f"{sign}{say(abs(value), unit)}"

"""A stored run for people who work in a notebook: lazy frames, the verdict, figures.

`harness.open_run` is this module's. It is imported when it is first asked for: the sidecar's front,
which imports `harness`, must not load polars.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path

import polars as pl
from rich.console import RenderableType
from rich.text import Text

from harness.cli.gate import config_of
from harness.cli.illustrating import dossier
from harness.cli.judging import Judged, Tables, judged
from harness.cli.pair_views import view_of
from harness.cli.places import RUNS, stored_run
from harness.cli.verdicts import verdict_on
from harness.config import Config, load
from harness.errors import UsageError
from harness.measure.browsing import Choice, Order, browse
from harness.report import figure
from harness.report.alone import Screen, drawing, fragment
from harness.report.comparison_view import PairView, render_pair
from harness.report.figure import Figure
from harness.report.material import Dossier
from harness.store.manifest import Manifest, Pacing
from harness.store.reader import StoredRun
from harness.verdict import Verdict

_WIDTH = 120


@dataclass(frozen=True, slots=True, repr=False)
class ShownVerdict(Verdict):
    """A verdict that a notebook and rich know how to show."""

    def __repr__(self) -> str:
        each = ", ".join(f"{one.challenger} {one.decision}" for one in self.challengers)
        return f"<verdict {self.decision}: {each}>"

    def __rich__(self) -> RenderableType:
        return Screen(self)

    def _repr_html_(self) -> str:
        return fragment(self)


@dataclass(frozen=True, slots=True, repr=False)
class ShownFigure:
    """One drawing.

    Attributes:
        note: What a reader should know of it.
        svg: With its colours and its paper.
    """

    title: str
    note: str
    svg: str

    def __repr__(self) -> str:
        return f"<figure {self.title!r}: {self.note}>"

    def _repr_svg_(self) -> str:
        return self.svg


@dataclass(frozen=True, slots=True, repr=False)
class ShownPair:
    """One pair side by side."""

    view: PairView

    def __repr__(self) -> str:
        return render_pair(self.view, width=_WIDTH, colour=False)

    def __rich__(self) -> RenderableType:
        return Text.from_ansi(render_pair(self.view, width=_WIDTH, colour=True))


def open_run(path: str | Path, *, config: str | Path | None = None) -> OpenedRun:
    """Open a stored run.

    Args:
        path: Its folder, its id below `runs/`, or a URI, of which a copy is made.
        config: Judges and compares; None for the config that the run was made with.

    Raises:
        UsageError: There is no such run, or it has no config and none is given.
        StoreError: What is there cannot be read.
    """
    stored = stored_run(str(path), RUNS)
    return OpenedRun(stored, config_of(stored) if config is None else load(Path(config)))


class OpenedRun:
    """A stored run. Calls no model; values that are not stored yet are computed and kept.

    Attributes:
        path: Its folder.
    """

    def __init__(self, stored: StoredRun, config: Config) -> None:
        self.path = stored.path
        self._stored = stored
        self._config = config
        self._tables = Tables(config, open_loop=stored.manifest.pacing is Pacing.OPEN)

    def __repr__(self) -> str:
        return f"<run {self.manifest.run_id}: {', '.join(self.challengers) or 'no challengers'}>"

    @property
    def manifest(self) -> Manifest:
        """What the run is: config, deployments, versions, times."""
        return self._stored.manifest

    @property
    def challengers(self) -> tuple[str, ...]:
        return self._stored.challengers

    def pairs(self, challenger: str | None = None) -> pl.LazyFrame:
        """Every pair as it came off the wire, a row for each request and challenger.

        Args:
            challenger: None for all of them; `challenger` is a column.
        """
        return pl.concat([self._stored.scan(name) for name in self._named(challenger)])

    def values(self, challenger: str | None = None) -> pl.LazyFrame:
        """What statistics read: outcomes, times, costs, labels and comparisons of every pair.

        Args:
            challenger: As for `pairs`; `challenger` is the first column.
        """
        tables = (
            self._tables.of(self._stored, name).select(pl.lit(name).alias("challenger"), pl.all())
            for name in self._named(challenger)
        )
        return pl.concat(list(tables), how="diagonal")

    @cached_property
    def verdict(self) -> ShownVerdict:
        """As it is kept with the run; judged where it is not, or not since pairs came."""
        found = verdict_on(self._stored, self._config)
        return ShownVerdict(**{one.name: getattr(found, one.name) for one in fields(found)})

    def disagreements(
        self,
        challenger: str | None = None,
        *,
        field: str | None = None,
        segments: Mapping[str, str] | None = None,
        outcome: str | None = None,
        order: str = Order.SIZE,
        most: int = 20,
    ) -> pl.DataFrame:
        """The pairs worth a look, as `harness show` lists them.

        Args:
            challenger: None where there is one alone.
        """
        name = self._one(challenger)
        choice = Choice(field, segments or {}, outcome, Order(order), most)
        comparisons = [one.name for one in self._config.compare]
        return browse(self._tables.of(self._stored, name), comparisons, choice)

    def pair(self, request_id: str, challenger: str | None = None) -> ShownPair:
        """One pair side by side.

        Args:
            request_id: Ours, the beginning of it, or the log's own.

        Raises:
            UsageError: It is no request's, or that of several.
        """
        name = self._one(challenger)
        rows = self._stored.find_like(request_id).filter(pl.col("challenger") == name)
        if len(rows) != 1:
            raise UsageError(f"{request_id}: {len(rows)} pairs of {self.path} match. Name one")
        return ShownPair(view_of(rows.row(0, named=True), self._config))

    def figures(self, challenger: str | None = None) -> tuple[ShownFigure, ...]:
        """The drawings of `harness gate RUN -o report.html`; the run is judged for them."""
        name = self._one(challenger)
        one, material = self._judged.verdict.of(name), self._dossier.materials[name]
        drawn = [
            ("Rules", figure.rules(one.findings)),
            *((each.title, each) for each in figure.times_and_costs(material)),
            ("Requests", figure.requests(one, material)),
            ("Fields that differ", figure.differing(material.fields)),
            *((each.title, each) for each in figure.looks(material.histories, one.findings)),
        ]
        return tuple(_shown(title, each) for title, each in drawn if each is not None)

    @cached_property
    def _judged(self) -> Judged:
        return judged([self._stored], self._config)

    @cached_property
    def _dossier(self) -> Dossier:
        found = self._judged
        return dossier([self._stored], self._config, found.collected, found.verdict)

    def _named(self, challenger: str | None) -> Sequence[str]:
        if challenger is not None:
            return (self._one(challenger),)
        if not self.challengers:
            raise UsageError(f"{self.path}: has no challengers, so there are no pairs")
        return self.challengers

    def _one(self, challenger: str | None) -> str:
        if challenger in self.challengers:
            return challenger
        if challenger is None and len(self.challengers) == 1:
            return self.challengers[0]
        known = ", ".join(self.challengers) or "none"
        wanted = "several" if challenger is None else f"no {challenger!r}"
        raise UsageError(f"{self.path}: has {wanted}; its challengers are {known}. Name one")


def _shown(title: str, one: Figure) -> ShownFigure:
    return ShownFigure(title, one.note, drawing(one))

"""`harness show`: the pairs of a run that are worth a look, and one of them side by side."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.gate import config_of
from harness.cli.judging import Tables
from harness.cli.outputs import colour, width
from harness.cli.pair_views import Row, view_of
from harness.cli.places import RUNS, stored_run
from harness.cli.recording import recording
from harness.config import Config, load
from harness.errors import UsageError
from harness.measure.disagreements import disagreements
from harness.report.comparison_view import render_list, render_pair
from harness.store.manifest import Pacing
from harness.store.reader import StoredRun

_NAMED = 5


def show(
    run: Annotated[str, typer.Argument(metavar="RUN", help="Folder or id of a run.")],
    request_id: Annotated[
        str | None,
        typer.Argument(
            metavar="REQUEST_ID",
            help="One request of it: its id, the beginning of it, or the log's own id.",
        ),
    ] = None,
    challenger: Annotated[
        str | None, typer.Option("--challenger", metavar="NAME", help="This challenger alone.")
    ] = None,
    most: Annotated[
        int, typer.Option("--most", metavar="N", min=1, help="How many disagreements.")
    ] = 20,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", metavar="FILE", help="Compare by this config, not by the run's own."
        ),
    ] = None,
) -> None:
    """Show a run's worst disagreements, or one pair side by side.

    Example: harness show runs/20250101T120000Z-digits-ab12cd
    """
    stored = stored_run(run, RUNS)
    if stored.observed is not None and not stored.challengers:
        for part in recording(stored, request_id):
            sys.stdout.write(part)
        return
    names = _challengers(stored, challenger)
    by = load(config) if config is not None else config_of(stored)
    if request_id is None:
        parts = _lists(stored, by, names, most)
    else:
        parts = _pairs(stored, by, names, request_id)
    for part in parts:
        sys.stdout.write(part)


def _challengers(stored: StoredRun, challenger: str | None) -> tuple[str, ...]:
    if challenger is None:
        return stored.challengers
    if challenger not in stored.challengers:
        known = ", ".join(stored.challengers) or "none"
        raise UsageError(f"--challenger {challenger}: the run has {known}. Name one of these")
    return (challenger,)


def _lists(stored: StoredRun, config: Config, names: tuple[str, ...], most: int) -> Iterator[str]:
    tables = Tables(config, open_loop=stored.manifest.pacing is Pacing.OPEN)
    comparisons = [one.name for one in config.compare]
    for name in names:
        found = disagreements(tables.of(stored, name), comparisons, most=most)
        if found:
            yield f"{name}: {len(found)} disagreements shown, worst first\n"
            yield render_list(found, width=width(), colour=colour())
            yield "\n"
        else:
            yield f"{name}: no disagreements\n"


def _pairs(
    stored: StoredRun, config: Config, names: tuple[str, ...], request_id: str
) -> Iterator[str]:
    rows = stored.find_like(request_id).to_dicts()
    chosen = [row for row in rows if row["challenger"] in names]
    if not chosen:
        raise UsageError(
            f"{request_id}: no pair of this request in {stored.path}. "
            f"`harness show {stored.path}` lists the worst ones"
        )
    if ids := _others(chosen):
        raise UsageError(
            f"{request_id}: {len(ids)} requests of {stored.path} match. "
            f"Name one of them: {', '.join(ids[:_NAMED])}{', ...' if len(ids) > _NAMED else ''}"
        )
    for row in chosen:
        yield render_pair(view_of(row, config), width=width(), colour=colour())
        yield "\n"


def _others(rows: Sequence[Row]) -> list[str]:
    """The ids of these rows where there are several; nothing where they are of one request."""
    ids = sorted({row["request_id"] for row in rows})
    return ids if len(ids) > 1 else []

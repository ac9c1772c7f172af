"""`harness show`: the pairs of a run that are worth a look, and one of them side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.gate import config_of
from harness.cli.listing import lists, outcome_of, segments_of
from harness.cli.outputs import colour, width
from harness.cli.paging import page
from harness.cli.pair_views import Row, view_of
from harness.cli.places import RUNS, stored_run
from harness.cli.recording import recording
from harness.config import Config, load
from harness.errors import UsageError
from harness.measure.browsing import Choice, Order
from harness.report.comparison_view import render_pair
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
    field: Annotated[
        str | None,
        typer.Option(
            "--field",
            metavar="NAME",
            help="Where the answers differ: a comparison, or a JSON path and all below it.",
        ),
    ] = None,
    segment: Annotated[
        list[str] | None,
        typer.Option(
            "--segment", metavar="NAME=VALUE", help="Of this part of the traffic; may be repeated."
        ),
    ] = None,
    outcome: Annotated[
        str | None,
        typer.Option(
            "--outcome",
            metavar="HOW",
            help="challenger-failed, champion-failed, both-failed, challenger-wrong, "
            "champion-wrong, both-answered; or how one failed: timeout, http_error, ...",
        ),
    ] = None,
    sort: Annotated[
        Order,
        typer.Option(
            "--sort", help="What comes first. By latency and by cost all pairs are listed."
        ),
    ] = Order.SIZE,
    most: Annotated[
        int, typer.Option("--limit", "--most", metavar="N", min=1, help="How many pairs.")
    ] = 20,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", metavar="FILE", help="Compare by this config, not by the run's own."
        ),
    ] = None,
) -> None:
    """List the pairs of a run that are worth a look, or show one of them side by side.

    Example: harness show RUN --field label --segment source=mobile --sort latency --limit 50
    """
    stored = stored_run(run, RUNS)
    if stored.observed is not None and not stored.challengers:
        page(recording(stored, request_id))
        return
    names = _challengers(stored, challenger)
    by = load(config) if config is not None else config_of(stored)
    if request_id is None:
        parts = segments_of(segment or (), stored)
        choice = Choice(field, parts, outcome_of(outcome), sort, most)
        texts = lists(stored, by, names, choice)
    else:
        texts = _pairs(stored, by, names, request_id)
    page(texts)


def _challengers(stored: StoredRun, challenger: str | None) -> tuple[str, ...]:
    if challenger is None:
        return stored.challengers
    if challenger not in stored.challengers:
        known = ", ".join(stored.challengers) or "none"
        raise UsageError(f"--challenger {challenger}: the run has {known}. Name one of these")
    return (challenger,)


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

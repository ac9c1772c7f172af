"""`harness compare`: several runs or challengers beside each other."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.outputs import colour, width, write_file
from harness.cli.places import RUNS, stored_run
from harness.cli.verdicts import standings
from harness.config import load
from harness.errors import UsageError
from harness.report.standings import Standing
from harness.report.standings_forms import as_markdown, as_record, on_screen
from harness.report.trend import as_page
from harness.store.catalogue import of_config
from harness.store.reader import StoredRun

FORMS: dict[str, Callable[[Sequence[Standing]], str]] = {
    ".md": as_markdown,
    ".json": as_record,
    ".html": as_page,
}


def compare(
    runs: Annotated[list[str], typer.Argument(metavar="RUN", help="Runs, by folder or id.")],
    challenger: Annotated[
        list[str] | None,
        typer.Option(
            "--challenger", metavar="NAME", help="This challenger alone; may be repeated."
        ),
    ] = None,
    history: Annotated[
        bool,
        typer.Option(
            "--history", help="Take every run of the same config in the run's folder, oldest first."
        ),
    ] = False,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", metavar="FILE", help="Judge all by this config, not each by its own."
        ),
    ] = None,
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Write to a file: .html, .md or .json. May be given several times.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Put several runs or challengers beside each other, rule by rule. Calls no model.

    A run that has no verdict yet is judged.

    Example: harness compare RUN --history -o trend.html
    """
    for path in output or ():
        _form(path)
    stored = [stored_run(run, RUNS) for run in runs]
    if history:
        stored = _of_the_same_configs(stored)
    found = standings(_once(stored), None if config is None else load(config), challenger or ())
    for path in output or ():
        write_file(path, _form(path)(found))
    if as_json:
        sys.stdout.write(as_record(found))
    else:
        sys.stdout.write(on_screen(found, width=width(), colour=colour()))


def _form(path: Path) -> Callable[[Sequence[Standing]], str]:
    try:
        return FORMS[path.suffix.lower()]
    except KeyError:
        known = ", ".join(FORMS)
        raise UsageError(
            f"-o {path}: unknown type {path.suffix or '(no suffix)'}. Use one of {known}"
        ) from None


def _of_the_same_configs(runs: Sequence[StoredRun]) -> list[StoredRun]:
    folders = dict.fromkeys((run.path.parent, run.manifest.config_digest) for run in runs)
    return [StoredRun.open(path) for key in folders for path in of_config(*key)]


def _once(runs: Sequence[StoredRun]) -> list[StoredRun]:
    """A run that was named twice stands there once."""
    return list({run.path.resolve(): run for run in runs}.values())

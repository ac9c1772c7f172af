"""`harness annotate`: ask judges and classifiers about the pairs of a stored run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from harness.cli import annotating
from harness.cli.exits import OK
from harness.cli.places import RUNS, stored_run
from harness.config import Config, load
from harness.config.loading import rebuilt
from harness.errors import UsageError
from harness.store.reader import StoredRun


def annotate(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The run whose pairs are looked at.")],
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", metavar="FILE", help="Ask whom this config names, not the run's own."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Ask judges and classifiers about stored pairs, and keep what they say with the run.

    What was asked before is remembered, so that doing it again asks for the rest alone. Then
    `harness gate RUN` judges by it and asks nobody. Files and secrets of the run's own config are
    found from the current directory and the environment.

    Example: harness annotate runs/20250101T120000Z-prompts-ab12cd --config harness.yaml
    """
    stored = stored_run(run, RUNS)
    by = load(config) if config is not None else _config_of(stored)
    if not by.annotators:
        raise UsageError(
            f"{by.path}: names nobody to ask. Add `judge:` or `classifiers:`, or name another "
            f"config with --config"
        )
    annotated = annotating.annotate(stored, by)
    if as_json:
        typer.echo(json.dumps([one.as_json() for one in annotated], indent=2))
    else:
        annotating.say(annotated, typer.echo)
    return OK


def _config_of(run: StoredRun) -> Config:
    if not run.manifest.config:
        raise UsageError(f"{run.path}: was imported without a config. Name one with --config FILE")
    return rebuilt(run.manifest.config, path=Path("harness.yaml").absolute())

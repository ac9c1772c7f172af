"""`harness gate`: judge stored runs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.illustrating import page_of
from harness.cli.judging import judged, warn
from harness.cli.outputs import check_outputs, print_verdict, write_outputs
from harness.cli.places import RUNS, stored_run
from harness.config import Config, load, restore
from harness.errors import UsageError
from harness.gate.exit_code import HoldAs, exit_code
from harness.store.reader import StoredRun
from harness.store.remote import is_uri

Outputs = Annotated[
    list[Path] | None,
    typer.Option(
        "-o",
        "--output",
        metavar="FILE",
        help="Write the verdict to a file: .html, .json, .xml (JUnit) or .md. May be repeated.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the verdict as JSON.")]
OneChallenger = Annotated[
    str | None,
    typer.Option(
        "--challenger",
        metavar="NAME",
        help="Show this one in full; its decision becomes the exit code.",
        show_default=False,
    ),
]
HoldIs = Annotated[
    HoldAs | None,
    typer.Option("--hold-as", help="What a hold is where CI knows two colours."),
]


def gate(
    runs: Annotated[list[str], typer.Argument(metavar="RUN", help="Runs, judged as one.")],
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", metavar="FILE", help="Judge by this config's policy, not the run's own."
        ),
    ] = None,
    output: Outputs = None,
    as_json: AsJson = False,
    challenger: OneChallenger = None,
    hold_as: HoldIs = None,
) -> int:
    """Judge one stored run, or several pooled. Calls no model.

    Exit codes: 0 promote, 10 reject, 11 hold, 12 the run is no evidence.

    Example: harness gate runs/20250101T120000Z-digits-ab12cd -o verdict.json -o junit.xml
    """
    check_outputs(output or ())
    stored = [stored_run(run, RUNS) for run in runs]
    _refuse_doubles(stored)
    _refuse_recordings(stored)
    by = load(config) if config is not None else config_of(stored[0])
    code = conclude(stored, by, output or (), as_json, challenger, hold_as)
    if any(map(is_uri, runs)):
        print("harness: the verdict is kept with the copy alone", file=sys.stderr)
    return code


def _refuse_doubles(runs: Sequence[StoredRun]) -> None:
    seen = set()
    for run in runs:
        if run.path.resolve() in seen:
            raise UsageError(f"{run.path}: is named twice, and its pairs count once. Name it once")
        seen.add(run.path.resolve())


def _refuse_recordings(runs: Sequence[StoredRun]) -> None:
    for run in runs:
        if not run.challengers:
            raise UsageError(
                f"{run.path}: has no challengers, so there is nothing to judge. Ask some the same "
                f"requests: harness replay CONFIG --log {run.path}"
            )


def conclude(
    stored: Sequence[StoredRun],
    config: Config,
    outputs: Sequence[Path],
    as_json: bool,
    challenger: str | None,
    hold_as: HoldAs | None,
) -> int:
    """Judge, say it everywhere it is wanted, and give the exit code."""
    found = judged(stored, config)
    verdict = found.verdict
    code = exit_code(verdict, challenger=challenger, hold_as=hold_as)
    warn(found.coverage)
    try:
        write_outputs(verdict, outputs, lambda: page_of(stored, config, found))
    finally:  # a file that cannot be written costs nobody the verdict
        if challenger is not None and not as_json:
            verdict = replace(verdict, challengers=(verdict.of(challenger),))
        print_verdict(verdict, as_json=as_json)
    return code


def config_of(run: StoredRun) -> Config:
    """The config a run was made with. Secrets in it are references still.

    Raises:
        UsageError: It was imported without one.
    """
    if not run.manifest.config:
        raise UsageError(f"{run.path}: was imported without a config. Name one with --config FILE")
    return restore(run.manifest.config, path=run.path / "run.json")

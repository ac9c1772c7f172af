"""`harness --version`."""

from __future__ import annotations

from typing import Annotated

import typer

import harness


def _print(wanted: bool) -> None:
    if wanted:
        print(f"harness {harness.__version__}")
        raise typer.Exit


def print_version(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version and exit.", is_eager=True, callback=_print
        ),
    ] = False,
) -> None:
    """Carries the program's own options; commands do the work."""

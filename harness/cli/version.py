"""`harness --version`."""

from __future__ import annotations

from typing import Annotated

import typer

from harness import __version__


def print_version(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True)
    ] = False,
) -> None:
    if version:
        print(f"harness {__version__}")
        raise typer.Exit

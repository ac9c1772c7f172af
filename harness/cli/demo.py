"""`harness demo`: the bundled champion and challengers, running until Ctrl-C."""

from __future__ import annotations

import sys

import typer

from harness.demo.serve import serve_all


def demo() -> None:
    """Run the bundled champion and challengers, and print a config that asks them.

    Five real models on the handwritten digits, each behind HTTP on a free port of this machine.
    Addresses go to stderr and the config to stdout, complete once every server answers.

    Example: harness demo > demo.yaml, and in another terminal: harness replay demo.yaml
    """
    serve_all(
        say=lambda line: print(line, file=sys.stderr, flush=True),
        show=lambda config: typer.echo(config, nl=False),
    )

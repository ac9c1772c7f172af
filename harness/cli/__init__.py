"""Roof: one file per subcommand. Results go to stdout, talk to stderr, the rest is exit codes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from importlib import import_module

import typer

from harness.cli.exits import run
from harness.cli.version import print_version

COMMANDS = {
    "init": "harness.cli.init:init",
    "check": "harness.cli.check:check",
    "replay": "harness.cli.replay:replay",
    "shadow": "harness.cli.shadow:shadow",
    "import": "harness.cli.importing:import_log",
    "annotate": "harness.cli.annotate:annotate",
    "feedback": "harness.cli.feedback:feedback",
    "gate": "harness.cli.gate:gate",
    "compare": "harness.cli.compare:compare",
    "plan": "harness.cli.plan:plan",
    "show": "harness.cli.show:show",
    "runs": "harness.cli.runs:app",
    "demo": "harness.cli.demo:demo",
}
"""Where each command lives. Only the one that is called is imported: scipy alone takes a second."""


def main(arguments: Sequence[str] | None = None) -> None:
    """The `harness` program."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    sys.exit(run(partial(_call, words)))


def _call(words: Sequence[str]) -> object:
    called = [words[0]] if words and words[0] in COMMANDS else list(COMMANDS)
    return program(called)(args=list(words), prog_name="harness", standalone_mode=False)


def program(names: Sequence[str]) -> typer.Typer:
    """The program with these commands."""
    app = typer.Typer(
        name="harness",
        help="Shadow-deployment and replay testing for ML models and LLM prompts.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback()(print_version)
    for name in names:
        module, _, attribute = COMMANDS[name].partition(":")
        command = getattr(import_module(module), attribute)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)
    return app

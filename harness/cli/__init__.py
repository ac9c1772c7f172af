"""Roof: one file per subcommand. Results go to stdout, talk to stderr, the rest is exit codes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial

import typer

from harness.cli.check import check
from harness.cli.demo import demo
from harness.cli.exits import run
from harness.cli.gate import gate
from harness.cli.importing import import_log
from harness.cli.init import init
from harness.cli.replay import replay
from harness.cli.runs import app as runs
from harness.cli.show import show
from harness.cli.version import print_version

app = typer.Typer(
    name="harness",
    help="Shadow-deployment and replay testing for ML models and LLM prompts.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.callback()(print_version)
app.command("init")(init)
app.command("check")(check)
app.command("replay")(replay)
app.command("import")(import_log)
app.command("gate")(gate)
app.command("show")(show)
app.add_typer(runs, name="runs")
app.command("demo")(demo)


def main(arguments: Sequence[str] | None = None) -> None:
    """The `harness` program."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    sys.exit(run(partial(app, args=words, prog_name="harness", standalone_mode=False)))

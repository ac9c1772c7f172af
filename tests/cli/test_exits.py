"""How the program ends, whatever happens: a code, and at most one sentence on stderr."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from harness import __version__
from harness.cli import COMMANDS
from harness.cli.exits import run
from harness.errors import ConfigError, StoreFullError, UnreachableError
from tests.cli.conftest import ROOT

SUBCOMMANDS = [
    *([name] for name in COMMANDS),
    ["runs", "list"],
    ["runs", "prune"],
    ["runs", "erase"],
]


@pytest.mark.parametrize("words", SUBCOMMANDS, ids=" ".join)
def test_every_help_has_an_example(harness, words):
    """It goes to stdout, and asking for it is no mistake."""
    said = harness(*words, "--help")

    assert (said.code, said.err) == (0, "")
    assert re.search(rf"Example: harness {words[0]}\b", said.out)


def test_the_version_is_said(harness):
    """On stdout, as one line."""
    said = harness("--version")

    assert (said.code, said.out, said.err) == (0, f"harness {__version__}\n", "")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["frobnicate"], "No such command 'frobnicate'. Try 'harness --help'"),
        (["gate"], "Missing argument 'RUN'. Try 'harness gate --help'"),
        (["gate", "x", "--bogus"], "No such option: --bogus. Try 'harness gate --help'"),
        (
            ["gate", "x", "--hold-as", "maybe"],
            "Invalid value for '--hold-as': 'maybe' is not one of 'pass', 'fail'. "
            "Try 'harness gate --help'",
        ),
    ],
)
def test_wrong_words_are_wrong_use(harness, words, message):
    """Exit 2, one sentence, nothing on stdout."""
    said = harness(*words)

    assert (said.code, said.out, said.err) == (2, "", f"harness: {message}\n")


def test_no_words_at_all_show_what_there_is(harness):
    """Exit 2 as for any wrong use, with the list of commands."""
    said = harness()

    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("harness: no command.\n\nUsage: harness ")
    assert all(f"\n  {name} " in said.err for name in COMMANDS)


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        (ConfigError("a.yaml", "key", "is wrong", line=3), 2, "harness: a.yaml:3: key: is wrong\n"),
        (UnreachableError("new: nobody is there"), 13, "harness: new: nobody is there\n"),
        (StoreFullError("runs/x: no room"), 1, "harness: runs/x: no room\n"),
        (KeyboardInterrupt(), 130, "harness: interrupted\n"),
        (typer.Exit(12), 12, ""),
    ],
)
def test_each_way_of_ending_has_its_code(capsys, raised, code, said):
    """Whoever can put it right decides the code."""

    def command():
        raise raised

    assert run(command) == code
    assert capsys.readouterr().err == said


def test_a_bug_is_one_line_and_a_file_with_the_traceback(capsys, monkeypatch, tmp_path):
    """Exit 1; the screen has the place of the details, and not the details."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def command():
        raise ValueError("two\nlines")

    code = run(command)

    err = capsys.readouterr().err
    assert code == 1
    assert err.startswith("harness: could not finish, ValueError: two lines. Details: ")
    assert err.count("\n") == 1
    details = Path(err.split("Details: ")[1].strip())
    assert details.parent == tmp_path
    assert 'raise ValueError("two\\nlines")' in details.read_text()


@pytest.mark.process
def test_a_reader_who_leaves_is_no_error():
    """`harness ... | head` ends quietly."""
    process = subprocess.run(
        f"{sys.executable} -m harness replay --help | head -1",
        shell=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert process.stdout == "Usage: harness replay [OPTIONS] {CONFIG}\n"
    assert process.stderr == ""

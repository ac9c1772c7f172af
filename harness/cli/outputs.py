"""Where a verdict goes: the terminal, `--json`, and files by suffix."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from harness.errors import StoreFullError
from harness.report import json_form, terminal
from harness.report.by_suffix import is_page, renderer_for
from harness.report.screen import LEAST_WIDTH
from harness.verdict import Verdict

_WIDTH_OF_A_PIPE = 120


def check_outputs(paths: Sequence[Path]) -> None:
    """Refuse a suffix nobody writes before a long run, not after it.

    Raises:
        UsageError: Naming the suffixes there are.
    """
    for path in paths:
        if not is_page(path):
            renderer_for(path)


def write_outputs(verdict: Verdict, paths: Sequence[Path], page: Callable[[], str]) -> None:
    """Write every file, each beside its place first and then into it.

    Args:
        page: The verdict as a page, made only where one is asked for.

    Raises:
        StoreFullError: A file cannot be written.
    """
    for path in paths:
        text = page() if is_page(path) else renderer_for(path)(verdict)
        write_file(path, text)


def write_file(path: Path, text: str) -> None:
    """Write a file that was asked for by `-o`.

    Raises:
        StoreFullError: It cannot be written.
    """
    beside = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    except OSError as exc:
        raise StoreFullError(f"-o {path}: cannot be written: {exc.strerror}") from exc


def print_verdict(verdict: Verdict, *, as_json: bool) -> None:
    """Print the verdict to stdout, for people or for programs."""
    if as_json:
        sys.stdout.write(json_form.render(verdict))
    else:
        sys.stdout.write(terminal.render(verdict, width=width(), colour=colour()))
    sys.stdout.flush()


def width() -> int:
    """Columns to draw in."""
    if not sys.stdout.isatty():
        return _WIDTH_OF_A_PIPE
    return max(LEAST_WIDTH, shutil.get_terminal_size().columns)


def colour() -> bool:
    """Whether to colour: on a terminal that did not ask not to (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")

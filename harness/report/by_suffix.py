"""Which form a file gets, told by its suffix."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath

from harness.errors import UsageError
from harness.report import json_form, junit, markdown
from harness.verdict import Verdict

RENDERERS: dict[str, Callable[[Verdict], str]] = {
    ".json": json_form.render,
    ".md": markdown.render,
    ".xml": junit.render,
}

PAGE = ".html"
"""A page shows more than a verdict: `harness.report.page` is given the rest."""


def is_page(path: PurePath) -> bool:
    """Whether `-o path` asks for the page."""
    return path.suffix.lower() == PAGE


def renderer_for(path: PurePath) -> Callable[[Verdict], str]:
    """The renderer for `-o path`.

    Raises:
        UsageError: Nothing is written with that suffix.
    """
    try:
        return RENDERERS[path.suffix.lower()]
    except KeyError:
        known = ", ".join((*RENDERERS, PAGE))
        raise UsageError(
            f"-o {path}: unknown type {path.suffix or '(no suffix)'}. Use one of {known}"
        ) from None

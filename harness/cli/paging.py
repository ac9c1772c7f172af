"""Long text for people: through their pager on a terminal, plainly everywhere else."""

from __future__ import annotations

import os
import pydoc
import sys
from collections.abc import Iterable

_LESS = "FRX"
"""As git has it: no pager for what fits the screen, colours as colours, the text stays behind."""


def page(texts: Iterable[str]) -> None:
    """Print texts; `$PAGER`, or less, lets people scroll and search where somebody sits there."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        for text in texts:
            sys.stdout.write(text)
        sys.stdout.flush()
        return
    os.environ.setdefault("LESS", _LESS)
    pydoc.pager("".join(texts))

"""Progress on stderr: one line that renews itself on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from typing import Self, TextIO

from harness.replay.progress import Progress

_BETWEEN_LINES_S = 10.0


class ProgressLine:
    """Shows how far a replay is. A context manager, so that the terminal is left clean."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._renews = stream.isatty()
        self._next_s = time.monotonic() + _BETWEEN_LINES_S
        self._width = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._width:
            self._stream.write("\r" + " " * self._width + "\r")
            self._stream.flush()

    def show(self, progress: Progress) -> None:
        text = said(progress)
        if self._renews:
            # A line that wraps cannot be renewed: every turn would leave a copy of it behind.
            text = _cut(text, shutil.get_terminal_size().columns - 1)
            self._stream.write("\r" + text.ljust(self._width))
            self._stream.flush()
            self._width = len(text)
        elif time.monotonic() >= self._next_s:
            self._next_s = time.monotonic() + _BETWEEN_LINES_S
            self._stream.write(f"harness: {text}\n")
            self._stream.flush()


def said(progress: Progress) -> str:
    """One line: how many, how fast, how long still, and who failed at what."""
    parts = [
        f"{progress.n_answered:,}/{progress.n_entries:,}",
        f"{progress.rate_per_s:,.0f}/s",
    ]
    if progress.remaining_s is not None:
        parts.append(f"{_clock(progress.remaining_s)} left")
    failing = {name: seen for name, seen in progress.outcomes.items() if set(seen) - {"ok"}}
    if not failing:
        parts.append(f"all {len(progress.outcomes)} deployments ok")
    parts += [f"{name}: {_outcomes(seen)}" for name, seen in failing.items()]
    parts += [f"{name} ${usd:,.2f}" for name, usd in progress.spent_usd.items() if usd]
    return "  ".join(parts)


def _outcomes(seen: Mapping[str, int]) -> str:
    failed = {kind: n for kind, n in sorted(seen.items()) if kind != "ok"}
    return ", ".join(
        [f"{seen.get('ok', 0):,} ok", *(f"{n:,} {kind}" for kind, n in failed.items())]
    )


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: max(0, width - 1)] + "…"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"

"""Both sides' distributions in a few lines: what failed, and how latency lies."""

from __future__ import annotations

from collections.abc import Sequence

from harness.quantity import say
from harness.report.numbers import count
from harness.report.sanitize import one_line
from harness.verdict import Arm


def arms_lines(arms: Sequence[Arm]) -> list[tuple[str, str]]:
    """Headings and lines, champion first; nothing unless both sides are described."""
    match arms:
        case [champion, challenger]:
            lines = [("failed", f"{_failed(champion)} → {_failed(challenger)}")]
            shared = [name for name in champion.latency_s if name in challenger.latency_s]
            latency = " · ".join(
                f"{one_line(name)} {say(champion.latency_s[name], 's')}"
                f" → {say(challenger.latency_s[name], 's')}"
                for name in shared
            )
            said = f"{latency} (of answered requests)"
            return [*lines, ("latency", said)] if latency else lines
        case _:
            return []


def _failed(arm: Arm) -> str:
    kinds = {kind: n for kind, n in arm.outcomes.items() if kind != "ok" and n}
    named = ", ".join(f"{one_line(kind)} {count(n)}" for kind, n in sorted(kinds.items()))
    return named or "none"

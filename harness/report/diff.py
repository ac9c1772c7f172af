"""Two answers line by line: what is the same, what changed, and within a line which words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from harness.report import numbers
from harness.report.sanitize import one_line

# Lining up two answers takes time that grows with the product of their lines.
MOST_LINES = 1000
LONGEST_LINE = 4000
CONTEXT = 3
"""Equal lines shown around a difference; longer equal stretches are folded into one line."""

LEAD = 40
"""Characters that are alike and shown before the first that is not."""

CHANGED, ONLY_CHAMPION, ONLY_CHALLENGER = "≠", "<", ">"

_MOST_WORDS = 400
_WORD = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\w+|\s+|.")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of both answers, lined up; None where a side has nothing to set against it."""

    mark: str
    champion: str | None
    challenger: str | None


@dataclass(frozen=True, slots=True)
class Piece:
    """Some characters of a line, and whether the other side has others in their place."""

    text: str
    differs: bool


def lined_up(
    champion: str | None,
    challenger: str | None,
    *,
    most_lines: int = MOST_LINES,
    longest_line: int = LONGEST_LINE,
) -> list[Line]:
    """Both answers as printable lines, what is equal and far from any difference folded.

    Args:
        champion: None where there is no answer.
    """
    left, right = (_lines(side) for side in (champion, challenger))
    beside = _lines_beside(left[:most_lines], right[:most_lines], longest_line)
    rest = _rest(left[most_lines:], right[most_lines:])
    return [*_folded(list(beside)), *rest]


def pieces(line: Line) -> tuple[list[Piece], list[Piece]]:
    """A changed line in pieces, champion's first; other lines are of one piece each."""
    if line.mark != CHANGED or line.champion is None or line.challenger is None:
        whole = line.mark != " "
        return _whole(line.champion, whole), _whole(line.challenger, whole)
    left, right = (_WORD.findall(side) for side in (line.champion, line.challenger))
    if max(len(left), len(right)) > _MOST_WORDS:
        return [Piece(line.champion, True)], [Piece(line.challenger, True)]
    before, after = [], []
    for tag, i, i_end, j, j_end in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        before.append(Piece("".join(left[i:i_end]), tag != "equal"))
        after.append(Piece("".join(right[j:j_end]), tag != "equal"))
    return [one for one in before if one.text], [one for one in after if one.text]


def _whole(side: str | None, differs: bool) -> list[Piece]:
    """A line that differs as it is; its indentation does not."""
    if side is None:
        return []
    text = side.lstrip()
    kept = [Piece(side[: len(side) - len(text)], False), Piece(text, differs)]
    return [one for one in kept if one.text]


def _lines(answer: str | None) -> list[str]:
    if answer is None:
        return ["(no answer)"]
    # A carriage return at the end of a line is part of the line break.
    return [line.removesuffix("\r") for line in answer.split("\n")]


def _rest(champion: Sequence[str], challenger: Sequence[str]) -> Iterator[Line]:
    """What is not lined up, for want of room: how much it is, and whether it differs."""
    if champion or challenger:
        left, right = (
            f"… {numbers.count(len(side))} more lines" if side else None
            for side in (champion, challenger)
        )
        yield Line(" ", left, right) if champion == challenger else _different(left, right)


def _lines_beside(
    champion: Sequence[str], challenger: Sequence[str], longest: int
) -> Iterator[Line]:
    """Both answers line by line, equal lines beside each other."""
    matcher = SequenceMatcher(None, champion, challenger)  # its junk rule keeps repeats cheap
    for tag, i, i_end, j, j_end in matcher.get_opcodes():
        if tag == "equal":
            shown = (one_line(line, longest=longest) for line in champion[i:i_end])
            yield from (Line(" ", line, line) for line in shown)
            continue
        n = max(i_end - i, j_end - j)
        left = [*champion[i:i_end], *[None] * (n - (i_end - i))]
        right = [*challenger[j:j_end], *[None] * (n - (j_end - j))]
        for pair in zip(left, right, strict=True):
            yield _different(*_cut(*pair, longest))


def _cut(champion: str | None, challenger: str | None, longest: int) -> tuple[str | None, ...]:
    """Both lines as they are shown: long ones from shortly before they begin to differ.

    Cut at the same place, two answers that differ late would look the same.
    """
    start = 0
    if champion is not None and challenger is not None:
        alike = _alike(champion, challenger)
        start = alike - LEAD if alike > longest - LEAD else 0
    return tuple(
        None if side is None else "…" * (start > 0) + one_line(side[start:], longest=longest)
        for side in (champion, challenger)
    )


def _alike(left: str, right: str) -> int:
    """How many characters two lines begin with alike; by halving, for lines of megabytes."""
    low, high = 0, min(len(left), len(right))
    while low < high:
        middle = (low + high + 1) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _different(champion: str | None, challenger: str | None) -> Line:
    if champion is None:
        return Line(ONLY_CHALLENGER, None, challenger)
    if challenger is None:
        return Line(ONLY_CHAMPION, champion, None)
    return Line(CHANGED, champion, challenger)


def _folded(lines: Sequence[Line]) -> Iterator[Line]:
    """Leave out what is equal and far from any difference, and say how much that is."""
    near = [False] * len(lines)
    for at, line in enumerate(lines):
        if line.mark != " ":
            start = max(at - CONTEXT, 0)
            near[start : at + CONTEXT + 1] = [True] * len(near[start : at + CONTEXT + 1])
    hidden = 0
    for line, shown in zip(lines, near, strict=True):
        if not shown:
            hidden += 1
            continue
        if hidden:
            yield _gap(hidden)
            hidden = 0
        yield line
    if hidden:
        yield _gap(hidden)


def _gap(n: int) -> Line:
    text = f"… {numbers.count(n)} equal lines"
    return Line(" ", text, text)

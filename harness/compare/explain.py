"""A closer look at one pair that differs, for a person.

deepdiff does what our own walk does not: it finds elements that moved within a list and shows which
lines of a long text changed. It is a thousand times slower and its effort grows with the square of
a list, so that it is asked about one pair at a time, and only about answers it can finish.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from deepdiff import DeepDiff
from deepdiff.helper import notpresent

from harness.compare.patterns import Patterns
from harness.compare.structure import SameStructure, count_leaves
from harness.compare.wording import shown, step_text
from harness.output import JsonValue, same_scalar

# deepdiff takes 0.3 s for 2 000 numbers that all differ, on one core; the limits hold it there.
MOST_LEAVES = 4_000
_MOST_PASSES = 10_000
_MOST_DIFFS = 50_000
_LIMITS_REACHED = ("MAX PASS LIMIT REACHED", "MAX DIFF LIMIT REACHED")


@dataclass(frozen=True, slots=True)
class Explanation:
    """What differs, one line each.

    Attributes:
        complete: False when there was more than could be said.
    """

    lines: tuple[str, ...]
    complete: bool


def explain(
    champion: JsonValue,
    challenger: JsonValue,
    *,
    ignore: Sequence[str] = (),
    unordered: Sequence[str] = (),
    most_lines: int = 40,
) -> Explanation:
    """Say how two answers differ; elements of a list are matched wherever they stand.

    Args:
        ignore: As for `SameStructure`.
        unordered: As for `SameStructure`; it decides whether there is anything to say.
        most_lines: How many lines to give.

    Returns:
        No lines when `SameStructure` finds no difference.
    """
    differences = SameStructure(tuple(ignore), tuple(unordered)).differences(champion, challenger)
    if not differences:
        return Explanation((), complete=True)
    if count_leaves(champion) + count_leaves(challenger) > MOST_LEAVES:
        lines, complete = [str(difference) for difference in differences], True
    else:
        lines, complete = _matched(champion, challenger, Patterns.of(ignore))
    if not lines:
        lines = [f"{differences[0]} (the same elements in another order)"]
    return Explanation(tuple(lines[:most_lines]), complete and len(lines) <= most_lines)


def _matched(
    champion: JsonValue, challenger: JsonValue, ignored: Patterns
) -> tuple[list[str], bool]:
    """Lines in the order of their paths, and whether deepdiff came to its end."""
    diff = DeepDiff(
        champion,
        challenger,
        ignore_order=True,
        report_repetition=True,
        ignore_nan_inequality=True,
        max_passes=_MOST_PASSES,
        max_diffs=_MOST_DIFFS,
        view="tree",
    )
    blocks = []
    for level in (level for levels in diff.values() for level in levels):
        path = level.path(output_format="list")
        if not ignored.covers(path) and not same_scalar(level.t1, level.t2):
            where = "$" + "".join(map(step_text, path))
            blocks.append((where, _block(where, level)))
    statistics: dict[str, int] = diff.get_stats()  # type: ignore[no-untyped-call]
    complete = not any(statistics.get(limit) for limit in _LIMITS_REACHED)
    return [line for _, block in sorted(blocks) for line in block], complete


def _block(where: str, level: Any) -> list[str]:
    """One difference, and the lines that changed where it is a long text."""
    if level.t1 is notpresent:
        return [f"{where}: {shown(level.t2)} is extra"]
    if level.t2 is notpresent:
        return [f"{where}: {shown(level.t1)} is missing"]
    changed = level.additional.get("diff", "").splitlines()[2:]
    return [
        f"{where}: {shown(level.t1)} -> {shown(level.t2)}",
        *(f"    {_printable(line)}" for line in changed),
    ]


def _printable(line: str) -> str:
    return "".join(char if char.isprintable() else "·" for char in line[:200])

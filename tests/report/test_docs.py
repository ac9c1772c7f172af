"""The page on verdicts shows what really comes out."""

from __future__ import annotations

from pathlib import Path

from harness.gate.next_steps import REMEDIES
from harness.quantity import Scale, say_interval
from harness.report.signs import STATUS_SIGNS, STATUS_WORDS
from harness.verdict import Status
from tests.report.rewrite_goldens import GOLDENS

PAGE = (Path(__file__).parents[2] / "docs" / "verdict.md").read_text(encoding="utf-8")


def test_the_example_is_a_golden_rendering():
    """Nobody edits the picture by hand."""
    assert f"```text\n{(GOLDENS / 'hold.txt').read_text(encoding='utf-8')}```" in PAGE


def test_every_status_is_explained_with_its_sign():
    """Word of the JSON form, sign and word of the screen."""
    for status in Status:
        shown = STATUS_SIGNS[status]
        if status in {Status.INCONCLUSIVE, Status.NO_DATA}:
            shown += f" {STATUS_WORDS[status]}"
        assert f"| `{status}` | {shown} |" in PAGE


def test_every_check_is_explained():
    """A check that can make a run invalid is looked up here."""
    for check in REMEDIES:
        assert f"| `{check}` |" in PAGE


def test_the_row_that_is_explained_is_how_numbers_are_written():
    """The interval of the example, from its numbers."""
    shown = say_interval(0.0004, -0.0002, 0.0011, Scale(1000, " ms"), signed=True)

    assert shown in PAGE

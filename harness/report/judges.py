"""What judges said, and how far they can be trusted: a line for each."""

from __future__ import annotations

from collections.abc import Iterator

from harness.quantity import MINUS
from harness.report import numbers
from harness.verdict import ChallengerVerdict, JudgeReport


def judge_lines(judged: ChallengerVerdict) -> Iterator[str]:
    """One line for each judge; nothing where nobody was asked."""
    return map(_line, judged.judges)


def _line(one: JudgeReport) -> str:
    n_ties = one.n_judged - one.n_better - one.n_worse
    counts = f"{numbers.count(one.n_better)} better, {numbers.count(n_ties)} ties, "
    said = f"{one.judge}: {counts}{numbers.count(one.n_worse)} worse"
    if one.n_missing:
        said += f", {numbers.count(one.n_missing)} missing"
    if one.consistency is not None:
        said += f"; both orders agree in {numbers.share(one.consistency)}"
    if one.position_bias is not None:
        low, high = _signed(one.bias_low), _signed(one.bias_high)
        said += f"; prefers what comes first by {_signed(one.position_bias)} [{low}, {high}]"
    if one.agreement is not None:
        said += f"; κ with the first judge {_signed(one.agreement)}"
    return said


def _signed(value: float | None) -> str:
    if value is None:
        return numbers.NOTHING
    return f"{'+' if value > 0 else MINUS if value < 0 else ''}{abs(value):.2f}"

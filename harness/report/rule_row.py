"""One finding as the cells of a table, the same in every format."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.report import numbers
from harness.report.signs import STATUS_SIGNS, STATUS_WORDS
from harness.verdict import Finding, Status


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A rule with its numbers as text. `rule` is as the policy says it: not yet sanitized.

    Attributes:
        wanted: What the rule asks of `harm`, for instance `< 3 ms`.
        word: The status in a word; `sign` says the same in a character.
    """

    rule: str
    champion: str
    challenger: str
    harm: str
    wanted: str
    word: str
    sign: str
    status: Status


def row_of(finding: Finding) -> RuleRow:
    """The row of one finding; a rule about a segment names it."""
    return RuleRow(
        rule=f"{finding.rule} [{finding.segment}]" if finding.segment else finding.rule,
        champion=numbers.champion(finding),
        challenger=numbers.challenger(finding),
        harm=numbers.harm(finding),
        wanted=numbers.demand(finding),
        word=STATUS_WORDS[finding.status],
        sign=STATUS_SIGNS[finding.status],
        status=finding.status,
    )


def harm_heading(findings: Iterable[Finding]) -> str:
    """Two one-sided bounds at 95 % confidence enclose 90 %."""
    known = [finding for finding in findings if finding.confidence is not None]
    confidence = known[0].confidence if known and known[0].confidence else 0.95
    share = f"{100 * (2 * confidence - 1):.3g} %"
    if known and known[0].e_value is not None:
        return f"harm, {share} at any look"
    return f"harm, {share} interval"

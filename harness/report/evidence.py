"""How much evidence each rule has gathered, where a run may be looked at any time."""

from __future__ import annotations

from collections.abc import Sequence

from harness.quantity import say_e_value
from harness.report.sanitize import one_line
from harness.verdict import Finding, Status


def evidence_line(findings: Sequence[Finding]) -> str:
    """E-values of all rules and what they need; empty where one look was planned.

    For instance `e-values, 20 needed: not_worse accuracy 123 · improves accuracy 3.4`.
    """
    told = [
        f"{one_line(finding.rule, longest=80)} {_of(finding)}"
        for finding in findings
        if (finding.e_value is not None)
    ]
    confidences = [finding.confidence for finding in findings if finding.e_value is not None]
    if not told or confidences[0] is None:
        return ""
    return f"e-values, {1 / (1 - confidences[0]):.3g} needed: {' · '.join(told)}"


def _of(finding: Finding) -> str:
    """What speaks for passing; where an alarm was raised, what speaks for harm."""
    if finding.status is Status.FAIL and finding.memory is not None:
        return f"{say_e_value(finding.memory.e_harm)} for harm"
    return say_e_value(finding.e_value or 0.0)

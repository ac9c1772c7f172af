"""What pairs without a value could do to a rule, in a line."""

from __future__ import annotations

from harness.quantity import difference_scale
from harness.report import numbers
from harness.verdict import Finding, Status


def missing_note(finding: Finding) -> str | None:
    """How many pairs a rule left out, and how bad they would have to be to turn it.

    For instance `12 pairs (1.3 %) without a value left out: were they worse by 35 pp on average,
    it would not pass`. None where none was.
    """
    if not (finding.n_left_out and finding.n_pairs):
        return None
    share = f" ({numbers.share(finding.missing_share)})" if finding.missing_share else ""
    left_out = f"{numbers.count(finding.n_left_out)} pairs{share} without a value left out"
    return f"{left_out}{_tipping(finding)}"


def both_answered_note(finding: Finding) -> str | None:
    """The harm without failures, where it lies on the other side of what was wanted."""
    without, harm, margin = finding.harm_both_answered, finding.harm, finding.margin
    if without is None or harm is None or margin is None or (without < margin) == (harm < margin):
        return None
    said = _amount(finding, without)
    return f"failures count: among pairs that both sides answered the harm is {said}"


def _tipping(finding: Finding) -> str:
    if finding.tipping_point is None:
        can_pass = finding.missing_harm_high is not None and finding.status in _SETTLED
        return "; however they are, nothing would change" if can_pass else ""
    turned = "not pass" if finding.status is Status.PASS else "not fail"
    worse = "at least" if finding.status is Status.PASS else "at most"
    amount = _amount(finding, finding.tipping_point)
    return f": with a mean harm of {worse} {amount} among them it would {turned}"


_SETTLED = frozenset({Status.PASS, Status.FAIL})


def _amount(finding: Finding, harm: float) -> str:
    scale = difference_scale(finding.unit, harm, relative=finding.relative)
    return f"{scale.digits(harm, 1, signed=True)}{scale.suffix}"

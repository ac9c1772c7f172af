"""How much evidence there is, where a run may be looked at any time."""

from dataclasses import replace

from harness.report import markdown, terminal
from harness.report.evidence import evidence_line
from harness.report.rule_row import harm_heading
from harness.verdict import Memory, Status
from tests.report.samples import SAMPLES

HOLD = SAMPLES["hold"]


def looked_at(verdict, e_value=12.4):
    """The sample as if its policy allowed any number of looks."""
    (one,) = verdict.challengers
    findings = tuple(
        finding
        if finding.harm is None
        else replace(finding, e_value=e_value, memory=Memory(e_harm=77.0))
        for finding in one.findings
    )
    return replace(verdict, challengers=(replace(one, findings=findings),))


def test_one_planned_look_has_no_evidence_line():
    """Nothing about e-values where there are none."""
    assert evidence_line(HOLD.challengers[0].findings) == ""
    assert "e-value" not in terminal.render(HOLD, width=100, colour=False)


def test_e_values_are_shown_beside_what_they_need():
    """Each rule's evidence, on the terminal and in Markdown, and an interval that is named so."""
    verdict = looked_at(HOLD)
    findings = verdict.challengers[0].findings

    assert evidence_line(findings).startswith("e-values, 20 needed: ")
    assert "improves accuracy 12" in evidence_line(findings)
    assert harm_heading(findings) == "harm, 90 % at any look"
    assert "e-values, 20 needed" in terminal.render(verdict, width=100, colour=False)
    assert "Evidence: e-values, 20 needed" in markdown.render(verdict)


def test_an_alarm_is_shown_as_evidence_for_harm():
    """A failed rule shows what failed it."""
    finding = replace(looked_at(HOLD).challengers[0].findings[0], status=Status.FAIL)

    assert evidence_line([finding]).endswith("77 for harm")

"""The verdict as JUnit XML, which every CI system shows.

One suite per challenger. Its first case is the decision, then one case per rule, then one per
validity check:

    promote, pass            passed
    reject, fail             failure     the challenger did it
    hold                     error       on the decision: nobody is to mistake silence for green
    inconclusive, no_data    skipped     on the rule: it was not answered
    invalid, failed check    error       the run did it

So a rejection shows failures, a hold shows one error and its open rules as skipped, and a system
that only counts failures and errors is never green but for a promotion.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from harness.report.losses import losses_line
from harness.report.sanitize import one_line
from harness.verdict import (
    ChallengerVerdict,
    Decision,
    Finding,
    FindingRole,
    Status,
    ValidityCheck,
    Verdict,
)

LONGEST_SENTENCE = 1000


def render(verdict: Verdict) -> str:
    """One `testsuites` document, with a line end."""
    suites = [_suite(judged) for judged in verdict.challengers]
    root = Element("testsuites", {"name": "harness", **_counts(suites)})
    root.extend(suites)
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _suite(judged: ChallengerVerdict) -> Element:
    name = one_line(judged.challenger, longest=80)
    decided = _case(name, "decision", judged.reason)
    match judged.decision:
        case Decision.REJECT:
            _add(decided, "failure", "reject", judged.reason)
        case Decision.HOLD | Decision.INVALID:
            _add(decided, "error", judged.decision, judged.reason)
        case Decision.PROMOTE:
            pass
    cases = [
        decided,
        *(_rule(name, finding) for finding in judged.findings),
        *(_check(name, check) for check in judged.validity),
    ]
    suite = Element("testsuite", {"name": name, **_counts(cases)})
    properties = SubElement(suite, "properties")
    for key, value in (
        ("decision", str(judged.decision)),
        ("pairs", str(judged.n_pairs)),
        ("clusters", str(judged.n_clusters)),
        ("requests", losses_line(judged)),
    ):
        SubElement(properties, "property", name=key, value=one_line(value, longest=500))
    suite.extend(cases)
    return suite


def _rule(suite: str, finding: Finding) -> Element:
    where = f" [{finding.segment}]" if finding.segment else ""
    case = _case(suite, finding.rule + where, finding.sentence)
    match finding.status:
        case Status.FAIL if finding.role is FindingRole.DIAGNOSTIC:
            _add(case, "skipped", "warning", finding.sentence)  # no rule of the policy failed
        case Status.FAIL:
            _add(case, "failure", finding.status, finding.sentence)
        case Status.INCONCLUSIVE | Status.NO_DATA:
            _add(case, "skipped", finding.status, finding.sentence)
        case Status.PASS:
            pass
    return case


def _check(suite: str, check: ValidityCheck) -> Element:
    case = _case(suite, f"validity {check.check}", check.sentence)
    if check.status is not Status.PASS:
        _add(case, "error", "invalid", check.sentence)
    return case


def _case(suite: str, name: str, sentence: str) -> Element:
    case = Element("testcase", classname=suite, name=one_line(name), time="0")
    SubElement(case, "system-out").text = one_line(sentence, longest=LONGEST_SENTENCE)
    return case


def _add(case: Element, outcome: str, kind: str, sentence: str) -> None:
    """Put the outcome before the text, the order in which the schema of JUnit wants them.

    The sentence stands twice: Jenkins shows the message, GitLab the text.
    """
    message = one_line(sentence, longest=LONGEST_SENTENCE)
    element = Element(outcome, type=str(kind), message=message)
    element.text = message
    case.insert(0, element)


def _counts(parents: list[Element]) -> dict[str, str]:
    """Cases by outcome; `skipped` as an attribute too, since readers differ in where they look."""
    cases = [case for parent in parents for case in parent.iter("testcase")]
    outcomes = {"failures": "failure", "errors": "error", "skipped": "skipped"}
    counts = {
        name: sum(case.find(tag) is not None for case in cases) for name, tag in outcomes.items()
    }
    return {"tests": str(len(cases)), **{name: str(n) for name, n in counts.items()}, "time": "0"}

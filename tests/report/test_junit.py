from __future__ import annotations

from xml.etree import ElementTree

import pytest

from harness.report.junit import render
from tests.report.hostile import hostile
from tests.report.samples import SAMPLES


def outcomes(name: str) -> dict[str, str]:
    root = ElementTree.fromstring(render(SAMPLES[name]))
    return {
        case.attrib["name"]: case[0].tag if len(case) > 1 else "passed"
        for case in root.iter("testcase")
    }


@pytest.mark.parametrize(
    ("name", "decision", "latency", "lag"),
    [
        ("promote", "passed", "passed", "passed"),
        ("hold", "error", "skipped", "passed"),
        ("reject", "failure", "failure", "passed"),
        ("invalid", "error", "passed", "error"),
    ],
)
def test_ci_systems_see_the_four_decisions_apart(name, decision, latency, lag):
    """Hold is an error with skipped rules, reject a failure, invalid an error of a check."""
    found = outcomes(name)

    assert found["decision"] == decision
    assert found["not_worse latency_s.p95"] == latency
    assert found["validity schedule_lag_p99_s"] == lag


def test_no_data_is_skipped_and_the_whole_is_not_green():
    """A system that only counts failures and errors still sees that nothing was shown."""
    root = ElementTree.fromstring(render(SAMPLES["hold"]))

    assert outcomes("hold")["at_most label.disagreement_rate"] == "skipped"
    assert root.attrib["errors"] == "1"
    assert root.attrib["failures"] == "0"
    assert root.attrib["skipped"] == "2"


def test_counts_are_those_of_the_cases():
    """Each suite and the whole count what they hold."""
    root = ElementTree.fromstring(render(SAMPLES["several"]))

    for part in [root, *root.iter("testsuite")]:
        cases = list(part.iter("testcase"))
        assert part.attrib["tests"] == str(len(cases))
        for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert part.attrib[name] == str(sum(case.find(tag) is not None for case in cases))


def test_hostile_text_is_well_formed_xml_and_harmless():
    """Controls and lone surrogates are illegal in XML 1.0; runner commands are pulled apart."""
    text = render(hostile(copies=2))

    ElementTree.fromstring(text)
    text.encode()
    assert not set(text) & set("\x1b\x07\x00\u202e\ud800")
    assert "##[" not in text
    assert "::set-output" not in text

from __future__ import annotations

import doctest
from dataclasses import replace

import pytest

import harness.report.numbers
from harness.report.numbers import challenger, demand, harm
from harness.verdict import Finding, FindingRole, Status
from tests.report.samples import SAMPLES


def test_examples_in_the_docstrings_are_true():
    """What the page shows is what comes out."""
    assert doctest.testmod(harness.report.numbers).failed == 0


def finding(rule: str, unit: str, margin: float, harms: tuple[float, float, float]) -> Finding:
    low, middle, high = harms
    bare = Finding(rule, FindingRole.GUARDRAIL, rule.split()[1], unit, Status.PASS, "")
    return replace(bare, margin=margin, harm_low=low, harm=middle, harm_high=high)


@pytest.mark.parametrize(
    ("found", "shown", "wanted"),
    [
        (
            finding("not_worse latency_s.mean", "s", 0.003, (-0.0002, 0.0004, 0.0011)),
            "+0.4 ms [−0.2, +1.1]",
            "< 3 ms",
        ),
        (
            finding("at_least accuracy", "fraction", -0.95, (-0.974, -0.963, -0.951)),
            "96.3 % [95.1, 97.4]",
            "> 95 %",
        ),
        (
            finding("at_most scores.mean", "distance", 0.02, (0.01, 0.012, 0.014)),
            "0.0120 [0.0100, 0.0140]",
            "< 0.02",
        ),
        (
            finding("improves accuracy", "fraction", -0.01, (-0.05, -0.03, -0.02)),
            "−3.0 pp [−5.0, −2.0]",
            "< −1 pp",
        ),
    ],
)
def test_a_table_cell_says_what_the_sentence_says(found, shown, wanted):
    """Harms are signed differences, absolute rules show the level they are about."""
    assert harm(found) == shown
    assert demand(found) == wanted


@pytest.mark.parametrize("name", SAMPLES)
def test_cells_and_sentences_agree(name):
    """Gate and report format through the same page, so a reader meets each number once."""
    for judged in SAMPLES[name].challengers:
        for found in judged.findings:
            assert found.harm is None or harm(found) in found.sentence


def test_a_quantile_among_the_failures_is_said():
    """A failing rule without a value is no missing value."""
    bare = Finding(
        "not_worse latency_s.p95", FindingRole.GUARDRAIL, "latency_s.p95", "s", Status.FAIL, ""
    )

    assert challenger(bare) == "failed"
    assert challenger(replace(bare, status=Status.NO_DATA)) == "–"

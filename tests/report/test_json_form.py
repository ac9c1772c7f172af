from __future__ import annotations

import json
import math
from dataclasses import fields, replace
from pathlib import Path

import pytest

from harness.report.json_form import render
from harness.verdict import (
    Arm,
    ChallengerVerdict,
    Circumstances,
    Disagreement,
    Finding,
    OrderEffect,
    PathDifference,
    Reweighted,
    SegmentContrast,
    SegmentEstimate,
    SegmentScan,
    ValidityCheck,
    Verdict,
)
from tests.report.hostile import hostile
from tests.report.samples import SAMPLES
from tests.report.schema import violations

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "verdict.schema.json").read_text())


@pytest.mark.parametrize("name", SAMPLES)
def test_every_verdict_keeps_the_documented_form(name):
    """docs/verdict.schema.json holds for each sample."""
    assert violations(json.loads(render(SAMPLES[name])), SCHEMA) == []


def test_a_verdict_full_of_oddities_keeps_the_form_too():
    """NaN, infinity, lone surrogates, controls: valid JSON, null where there is no number."""
    verdict = hostile(copies=2)

    parsed = json.loads(render(verdict), parse_constant=pytest.fail)

    assert violations(parsed, SCHEMA) == []
    assert parsed["challengers"][0]["disagreements"][0]["size"] is None


@pytest.mark.parametrize(
    ("definition", "noun"),
    [
        (SCHEMA, Verdict),
        (SCHEMA["$defs"]["challenger"], ChallengerVerdict),
        (SCHEMA["$defs"]["finding"], Finding),
        (SCHEMA["$defs"]["validity"], ValidityCheck),
        (SCHEMA["$defs"]["segment"], SegmentEstimate),
        (SCHEMA["$defs"]["segment_scan"], SegmentScan),
        (SCHEMA["$defs"]["contrast"], SegmentContrast),
        (SCHEMA["$defs"]["reweighted"], Reweighted),
        (SCHEMA["$defs"]["disagreement"], Disagreement),
        (SCHEMA["$defs"]["path"], PathDifference),
        (SCHEMA["$defs"]["arm"], Arm),
        (SCHEMA["$defs"]["circumstances"], Circumstances),
        (SCHEMA["$defs"]["order_effect"], OrderEffect),
    ],
    ids=lambda case: getattr(case, "__name__", ""),
)
def test_the_schema_knows_every_field(definition, noun):
    """A field added to a noun is documented in the same change."""
    assert set(definition["properties"]) == {field.name for field in fields(noun)}


def test_the_format_stands_first_and_the_names_are_the_contracts():
    """What pipelines rely on."""
    parsed = json.loads(render(SAMPLES["promote"]))

    assert next(iter(parsed)) == "format"
    assert parsed["decision"] == "promote"
    finding = parsed["challengers"][0]["findings"][1]
    assert finding["rule"] == "not_worse latency_s.p95"
    assert finding["relative"] is True
    assert (finding["harm"], finding["margin"]) == (0.021, 0.1)


def test_what_json_cannot_say_is_null():
    """An open bound and an undefined one alike."""
    (judged,) = SAMPLES["promote"].challengers
    odd = replace(judged.findings[0], harm_high=math.inf, p_value=math.nan)
    verdict = replace(SAMPLES["promote"], challengers=(replace(judged, findings=(odd,)),))

    (finding,) = json.loads(render(verdict))["challengers"][0]["findings"]

    assert finding["harm_high"] is None
    assert finding["p_value"] is None


def test_text_survives_and_printing_it_is_harmless():
    """Escapes in the file, the very text after parsing; only a lone surrogate is replaced."""
    verdict = hostile()

    text = render(verdict)

    assert not set(text) & set("\x1b\x07\u202e\x9b")
    reason = json.loads(text)["challengers"][0]["reason"]
    assert reason == verdict.challengers[0].reason.replace("\ud800", "\N{REPLACEMENT CHARACTER}")


def test_the_order_in_which_losses_were_counted_does_not_show():
    """The same verdict gives the same bytes."""
    (judged,) = SAMPLES["promote"].challengers
    turned = replace(judged, losses=dict(reversed(judged.losses.items())))

    assert render(replace(SAMPLES["promote"], challengers=(turned,))) == render(SAMPLES["promote"])

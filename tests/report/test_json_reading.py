from __future__ import annotations

import json
import re

import pytest

from harness.report.json_form import render
from harness.report.json_reading import verdict_of
from tests.report.hostile import hostile
from tests.report.samples import SAMPLES


@pytest.mark.parametrize("name", SAMPLES)
def test_what_was_written_is_read_back(name):
    """Every field of every noun."""
    assert verdict_of(json.loads(render(SAMPLES[name]))) == SAMPLES[name]


def test_numbers_that_json_does_not_have_stay_without_one():
    """Written again it is the same text."""
    text = render(hostile(copies=2))

    assert render(verdict_of(json.loads(text))) == text


def test_fields_come_and_go():
    """A later harness may say more, an earlier one said less."""
    record = json.loads(render(SAMPLES["hold"]))
    record["mood"] = "sunny"
    del record["ledger"]
    del record["challengers"][0]["circumstances"]

    assert verdict_of(record).challengers[0].circumstances is None


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"format": 2}, "$.format: is 2, must be 1"),
        ({"decision": "maybe"}, "$.decision: is 'maybe', must be one of promote, hold, reject, "),
        ({"challengers": {}}, "$.challengers: is {}, must be a list"),
        ({"run_ids": [7]}, "$.run_ids[0]: is 7, must be text"),
        ({"challengers": [{"challenger": "x"}]}, "$.challengers[0].decision: is missing"),
    ],
)
def test_what_is_no_verdict_is_refused(change, problem):
    """Where it is wrong, and what would be right."""
    record = json.loads(render(SAMPLES["hold"])) | change

    with pytest.raises(ValueError, match=re.escape(problem)):
        verdict_of(record)

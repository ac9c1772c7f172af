"""The pairs a person looks at first."""

import math

from harness.measure.disagreements import disagreements, one_line
from harness.verdict import Disagreement
from tests.measure.tables import values

SAME = {"label.agree": True, "label.distance": 0.0, "body.agree": True, "body.distance": 0.0}
DIFFERENT = {"body.agree": False, "body.distance": 0.25, "body.paths": ["$.a"]}


def test_failures_come_first_then_wrong_answers_then_distance():
    """What agrees is not there; ties keep their order."""
    table = values(
        SAME,
        {**SAME, **DIFFERENT},
        {**SAME, **DIFFERENT, "body.distance": math.inf},
        {**SAME, **DIFFERENT, "label.agree": False, "label.distance": 1.0, "champion_label": "7",
         "challenger_label": '"8"', "champion_correct": True, "challenger_correct": False},
        {"challenger_failed": True, "challenger_failure": "timeout", "champion_label": "7"},
        # both failed: nothing to see
        {"challenger_failed": True, "champion_failed": True},
        {**SAME, **DIFFERENT},
        # different, and no distance
        {**SAME, "label.agree": False, "label.distance": None},
    )  # fmt: skip

    found = disagreements(table, ["label", "body"], most=6)

    assert found == (
        Disagreement("r4", 3.0, (), "7", "failed: timeout"),
        Disagreement("r3", 2.5, ("label", "$.a"), "7", '"8"'),
        Disagreement("r2", 1.999, ("$.a",), "", ""),
        Disagreement("r1", 1.2, ("$.a",), "", ""),
        Disagreement("r6", 1.2, ("$.a",), "", ""),
        Disagreement("r7", 1.0, ("label",), "", ""),
    )
    assert disagreements(table.lazy(), ["label", "body"], most=1) == found[:1]


def test_without_comparisons_failures_are_still_found():
    """A config may compare nothing."""
    table = values({"challenger_failed": True, "challenger_failure": "shed"}, {})

    assert [pair.request_id for pair in disagreements(table, [])] == ["r0"]


def test_what_others_wrote_becomes_one_harmless_line():
    """Control characters do not reach a terminal, and length is bounded."""
    assert one_line("a\x1b[2J\n\n b\u202e\tc") == "a·[2J b· c"
    assert one_line("x" * 1000) == "x" * 119 + "…"
    assert one_line(" " * 1000) == ""

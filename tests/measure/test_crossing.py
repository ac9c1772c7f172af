"""Second answers of two deployments, held against each other's."""

import polars as pl

from harness.compare.label import SameLabel
from harness.dialects.json_predict import JsonPredict
from harness.dialects.paths import JsonPath
from harness.measure.crossing import crossed
from harness.measure.spec import Comparing, ValueSpec
from tests.measure.tables import pairs

SPEC = ValueSpec(
    open_loop=False,
    decode=JsonPredict().decode,
    comparisons=(Comparing("label", JsonPath("$.label"), SameLabel()),),
)
CROSSINGS = ["label.first_second", "label.second_first", "label.second_second"]


def asked_twice(request_id, first, second, **more):
    """A row of repeats: the first answer stands on the champion's side."""
    return {
        "request_id": request_id,
        "champion_body": b'{"label": %d}' % first,
        "challenger_body": b'{"label": %d}' % second,
        **more,
    }


def test_each_second_answer_meets_both_of_the_other_side():
    """Champion 1 then 2, challenger 2 then 1: only like positions differ."""
    champion = pairs(asked_twice("a", 1, 2), asked_twice("b", 1, 1))
    challenger = pairs(asked_twice("b", 1, 1), asked_twice("a", 2, 1))

    found = crossed(champion, challenger, SPEC)

    assert found["request_id"].to_list() == ["a", "b"]
    assert found.select(CROSSINGS).rows() == [(True, True, False), (True, True, True)]


def test_only_requests_that_both_were_asked_twice_count():
    """One side's repeat alone crosses with nothing."""
    champion = pairs(asked_twice("a", 1, 1), asked_twice("b", 1, 1))

    found = crossed(champion, pairs(asked_twice("b", 1, 1)), SPEC)

    assert found["request_id"].to_list() == ["b"]


def test_rows_are_told_by_the_first_answers():
    """Place among the calls and latency are those of the answers that stand in the pairs."""
    champion = pairs(asked_twice("a", 1, 1, champion_call_order=3, champion_latency_s=0.3))
    challenger = pairs(asked_twice("a", 1, 1, champion_call_order=2, champion_latency_s=0.2))

    found = crossed(champion, challenger, SPEC)

    names = [f"{side}_{name}" for side in ("champion", "challenger") for name in PLACE]
    assert found.select(names).row(0) == (3, 0.3, 2, 0.2)


def test_a_failed_answer_crosses_with_nothing():
    """Neither agreement nor difference; what was cancelled is no row at all."""
    lost = {"challenger_outcome": "timeout", "challenger_body": None, "challenger_body_bytes": None}
    champion = pairs(asked_twice("a", 1, 1) | lost, asked_twice("b", 1, 1))
    challenger = pairs(
        asked_twice("a", 1, 1), asked_twice("b", 1, 1) | lost | {"challenger_outcome": "cancelled"}
    )

    found = crossed(champion, challenger, SPEC)

    assert found["request_id"].to_list() == ["a"]
    assert found.select(CROSSINGS).rows() == [(True, None, None)]


def test_nothing_crossed_has_its_columns():
    """A run without repeats gives an empty table, not an error."""
    assert crossed(pairs(), pairs(), SPEC).select(CROSSINGS).schema == dict.fromkeys(
        CROSSINGS, pl.Boolean
    )


PLACE = ("order", "latency_s")

"""From pairs to the value table."""

import gzip
import json

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.compare.label import SameLabel
from harness.compare.numeric import WithinTolerance
from harness.compare.structure import SameStructure
from harness.dialects.json_predict import JsonPredict
from harness.dialects.paths import JsonPath
from harness.measure.coverage import merged
from harness.measure.spec import Comparing, NumericOutput, TruthInRequest, ValueSpec
from harness.measure.values import tabulate
from tests.measure.tables import pairs

DECODE = JsonPredict().decode


def spec(**changes):
    """Reads the label alone, in a closed loop."""
    return ValueSpec(
        **{"open_loop": False, "decode": DECODE, "label": JsonPath("$.label"), **changes}
    )


def body(**content):
    return json.dumps(content).encode()


def row_of(table, *names):
    return table.values.select(names).row(0)


def test_latency_is_service_time_in_a_closed_loop():
    """What was waited is not the deployment's there."""
    table = tabulate(pairs({"champion_wait_s": 5.0}), spec())

    assert row_of(table, "champion_latency_s", "champion_first_byte_s") == (0.1, 0.05)


def test_latency_counts_from_when_it_was_due_in_an_open_loop():
    """The wait is inside, without the part by which we ourselves were late."""
    table = tabulate(
        pairs(
            {
                "champion_wait_s": 5.0,
                "champion_sender_lag_s": 1.0,
                # from the log: nobody waited
                "challenger_wait_s": None,
                "challenger_sender_lag_s": None,
                "challenger_attempts": 0,
            },
            # nothing known is nothing known
            {"champion_latency_s": None, "challenger_wait_s": None},
        ),
        spec(open_loop=True),
    )

    columns = table.values.select(
        "champion_latency_s", "champion_first_byte_s", "challenger_latency_s"
    )
    assert columns.rows() == [(4.1, 4.05, 0.1), (None, 0.05, None)]


@pytest.mark.parametrize(
    ("truth", "label", "correct"),
    [
        ("7", b"7", True),
        ("7", b"7.0", True),
        ("7", b'"7"', False),
        ("7", b"8", False),
        ('"cat"', b'"cat"', True),
        ("null", b"null", True),
        ("true", b"1", False),
        (str(2**64 + 1), str(2**64 + 1).encode(), True),
        (str(2**64 + 1), str(2**64).encode(), False),
        (None, b"7", None),
        ("not json", b"7", None),
        pytest.param("[" * 100_000, b"7", None, id="a truth nested too deep"),
    ],
)
def test_correct_is_equality_with_the_truth_as_json(truth, label, correct):
    """7 is not "7"; without truth nothing is right or wrong."""
    answer = b'{"label": ' + label + b"}"

    table = tabulate(pairs({"truth": truth, "champion_body": answer}), spec())

    assert row_of(table, "champion_correct", "champion_label") == (
        correct,
        json.dumps(json.loads(label)),
    )


@pytest.mark.parametrize(
    ("challenger", "failure", "correct"),
    [
        ({}, None, True),
        ({"challenger_outcome": "timeout", "challenger_body": None}, "timeout", False),
        ({"challenger_body": b"<html>"}, "undecodable", False),
        ({"challenger_body": b""}, "undecodable", False),
        ({"challenger_body": None, "challenger_body_bytes": 0}, "undecodable", False),
        ({"challenger_body": b"{}"}, "no_output", False),
        # not kept, by our own choice: nothing failed, nothing is known
        ({"challenger_body": None, "challenger_body_bytes": 12}, None, None),
        ({"challenger_body": b'{"lab', "challenger_truncated": True}, None, None),
    ],
)
def test_a_failed_answer_is_wrong_and_an_unkept_one_unknown(challenger, failure, correct):
    """The failure says why; only what we did not keep ourselves is missing."""
    table = tabulate(pairs({"truth": "7", **challenger}), spec())

    assert row_of(table, "challenger_failed", "challenger_failure", "challenger_correct") == (
        failure is not None,
        failure,
        correct,
    )
    assert row_of(table, "champion_failed", "champion_correct") == (False, True)


def test_what_the_champion_lacks_too_is_no_failure():
    """A refused request has no label on either side; that is an answer, and a wrong one."""
    refusal = {"status": 422, "body": b'{"detail": "too long"}'}
    row = {f"{side}_{k}": v for side in ("champion", "challenger") for k, v in refusal.items()}

    table = tabulate(pairs({"truth": "7", **row}, {}), spec())

    assert table.values["champion_failed"].to_list() == [False, False]
    assert table.values["challenger_failed"].to_list() == [False, False]
    assert table.values["challenger_correct"].to_list() == [False, None]
    assert table.coverage.found == {"output.label": 1}


def test_the_same_refusal_in_no_json_is_an_answer():
    """Two equal HTML pages with status 404 agree; with different text both failed."""
    compare = (Comparing("body", JsonPath("$"), SameStructure(), keeps_paths=True),)
    row = {"champion_status": 404, "challenger_status": 404, "champion_body": b"<a>"}

    table = tabulate(
        pairs({**row, "challenger_body": b"<a>"}, {**row, "challenger_body": b"<b>"}),
        spec(label=None, comparisons=compare),
    )

    assert table.values["champion_failure"].to_list() == [None, "undecodable"]
    assert table.values["body.agree"].to_list() == [True, None]


@pytest.mark.parametrize(
    ("score", "value", "failure"),
    [
        (0.25, 0.25, None),
        (1, 1.0, None),
        (None, None, "no_output"),
        ("0.5", None, "no_output"),
        (True, None, "no_output"),
        (float("nan"), None, "no_output"),
        (float("inf"), None, "no_output"),
        (10**400, None, "no_output"),
    ],
)
def test_a_numeric_output_is_a_finite_number(score, value, failure):
    """Anything else in its place is a failure of the side that sent it."""
    scored = spec(outputs={"score": NumericOutput(JsonPath("$.score"))})
    row = {"champion_body": body(label=7, score=0.5), "challenger_body": body(label=7, score=score)}

    table = tabulate(pairs(row), scored)

    assert row_of(
        table, "champion_output.score", "challenger_output.score", "challenger_failure"
    ) == (0.5, value, failure)


COMPARISONS = (
    Comparing("label", JsonPath("$.label"), SameLabel()),
    Comparing("scores", JsonPath("$.scores"), WithinTolerance(absolute=0.5)),
    Comparing("body", JsonPath("$"), SameStructure(), keeps_paths=True),
)


def compared(champion, challenger, **columns):
    row = {"champion_body": champion, "challenger_body": challenger, **columns}
    table = tabulate(pairs(row), spec(label=None, comparisons=COMPARISONS)).values
    names = [f"{name}.{column}" for name in ("label", "scores") for column in ("agree", "distance")]
    return table.select(*names, "body.agree", "body.distance", "body.paths").row(0)


def test_comparisons_stand_side_by_side():
    """Agreement, distance, and paths where they are kept."""
    champion = body(label=7, scores=[1.0, 2.0])

    assert compared(champion, body(label=8, scores=[1.25, 2.0])) == (
        *(False, 1.0, True, 0.25),
        *(False, 2 / 3, ["$.label", "$.scores[0]"]),
    )
    assert compared(champion, champion) == (True, 0.0, True, 0.0, True, 0.0, [])
    # a part that neither has cannot agree
    assert compared(body(label=7), body(label=7)) == (True, 0.0, None, None, True, 0.0, [])
    # the challenger has what the champion does not: different, with no distance
    assert compared(body(label=7), champion)[2:4] == (False, None)
    # failed
    assert compared(champion, b"<html>") == (None,) * 7


def test_another_kind_of_status_is_another_answer():
    """The same body with 200 and with 404 does not agree; 200 and 201 do."""
    same = body(label=7, scores=[1])

    assert compared(same, same, challenger_status=404)[-3:] == (False, 0.0, ["status"])
    assert compared(same, same, challenger_status=201)[-3:] == (True, 0.0, [])
    assert compared(same, same, champion_status=None)[-3:] == (True, 0.0, [])


def test_headers_say_how_to_read_a_body():
    """Each side is decoded by its own headers, and agreement is about the meaning."""
    plain = body(label=7, scores=[1])
    headers = [{"name": "Content-Encoding", "value": "gzip"}, {"name": "Date", "value": "x"}]

    found = compared(plain, gzip.compress(plain), challenger_headers=headers)

    assert found == (True, 0.0, True, 0.0, True, 0.0, [])


def test_cancelled_pairs_are_left_out_and_counted():
    """Order and all other rows stay."""
    table = tabulate(
        pairs({}, {"champion_outcome": "cancelled"}, {}, {"challenger_outcome": "cancelled"}),
        spec(),
    )

    assert table.values["request_id"].to_list() == ["r0", "r2"]
    assert (table.coverage.n_rows, table.coverage.n_cancelled) == (2, 2)


def test_truth_can_stand_in_the_request():
    """A path into the request's body wins over the pair's own."""
    asked = spec(truth=TruthInRequest(DECODE, JsonPath("$.expected")))
    rows = [
        {"truth": "1", "request_body": body(expected=7)},
        {"truth": "1", "request_body": b"no json"},
        {"truth": "1", "request_body": body(other=7)},
    ]

    table = tabulate(pairs(*rows), asked)

    assert table.values["champion_correct"].to_list() == [True, None, None]
    assert table.coverage.n_with_truth == 1


def test_nothing_is_read_where_nothing_is_asked():
    """Without a dialect no answer is undecodable, and the columns are there all the same."""
    table = tabulate(
        pairs({"champion_body": b"<html>"}, {"challenger_outcome": "timeout"}),
        ValueSpec(open_loop=False),
    )

    assert table.values["champion_failed"].to_list() == [False, False]
    assert table.values["challenger_failure"].to_list() == [None, "timeout"]
    assert table.values["champion_correct"].to_list() == [None, None]


@pytest.mark.parametrize("asked", [spec(), ValueSpec(open_loop=False)])
def test_outcomes_may_come_as_categories(asked):
    """Columns of few different texts are read from Parquet as such."""
    part = pairs({"challenger_outcome": "timeout"}).with_columns(
        pl.col("champion_outcome", "challenger_outcome").cast(pl.Categorical)
    )

    assert tabulate(part, asked).values["challenger_failure"].to_list() == ["timeout"]
    assert tabulate(part, asked).values.schema["challenger_failure"] == pl.String


def test_segments_are_carried_over():
    """The table keeps what it is cut by."""
    table = pairs({}).with_columns(segments=pl.struct(source=pl.lit("mobile")))

    assert tabulate(table, spec()).values["segments"].to_list() == [{"source": "mobile"}]


def test_an_empty_part_gives_an_empty_table():
    """No rows, all columns."""
    table = tabulate(pairs({}).clear(), spec(comparisons=COMPARISONS))

    assert len(table.values) == 0
    assert table.values.schema == tabulate(pairs({}), spec(comparisons=COMPARISONS)).values.schema


def test_coverage_counts_what_belongs_to_no_row():
    """A path that never matches, types that differ, answers that cannot be read."""
    wrong = spec(outputs={"score": NumericOutput(JsonPath("$.nowhere"))})
    part = pairs(
        {"truth": '"7"'},
        {"truth": "{"},
        {"challenger_body": b"<html>"},
        {"challenger_body": b"{}"},
    )

    coverage = tabulate(part, wrong).coverage
    twice = merged([coverage, coverage])

    assert coverage.found == {"output.label": 4, "output.score": 0}
    assert coverage.lacking == {"output.label": 1, "output.score": 0}
    assert coverage.n_with_truth == 1
    assert coverage.n_truth_unreadable == 1
    assert coverage.n_truth_of_other_type == 1
    assert list(coverage.undecodable) == [
        "challenger: not JSON: unexpected character, expected a JSON value at character 0"
    ]
    assert twice.found == {"output.label": 8, "output.score": 0}
    assert twice.n_rows == 8


def test_a_broken_plug_in_is_counted_and_not_a_crash():
    """Its name and error are kept; the pair has no value there."""

    def broken(champion, challenger):
        raise KeyError("oops")

    compare = (Comparing("mine", JsonPath("$"), broken),)

    table = tabulate(pairs({"challenger_body": b"{}"}), spec(label=None, comparisons=compare))

    assert row_of(table, "mine.agree", "mine.distance", "challenger_failed") == (None, None, False)
    assert table.coverage.compare_errors == {"mine: KeyError: 'oops'": 1}


ANSWERS = st.sampled_from([b'{"label": 7}', b'{"label": 8}', b"{}", b"<html>", b"", None])
ROWS = st.fixed_dictionaries(
    {
        "truth": st.sampled_from(["7", "8", None]),
        "champion_body": ANSWERS,
        "challenger_body": ANSWERS,
        "champion_outcome": st.sampled_from(["ok", "timeout", "http_error"]),
        "challenger_outcome": st.sampled_from(["ok", "shed"]),
        "challenger_status": st.sampled_from([200, 404, None]),
        "challenger_truncated": st.booleans(),
    }
)


@settings(max_examples=50)
@given(st.lists(ROWS, min_size=1, max_size=5))
def test_any_rows_keep_their_order_and_never_make_up_a_value(rows):
    """Order stays; failed is never right and never compared; no truth, no verdict."""
    table = tabulate(pairs(*rows), spec(comparisons=COMPARISONS)).values

    assert table["request_id"].to_list() == [f"r{i}" for i in range(len(rows))]
    for row, value in zip(rows, table.iter_rows(named=True), strict=True):
        for side in ("champion", "challenger"):
            assert value[f"{side}_failed"] == (value[f"{side}_failure"] is not None)
            assert (value[f"{side}_correct"] is None) or row["truth"] is not None
            if row[f"{side}_outcome"] != "ok":
                assert value[f"{side}_failure"] == row[f"{side}_outcome"]
            if value[f"{side}_failed"]:
                assert not value[f"{side}_correct"]
                assert value["body.agree"] is None
                assert value["body.distance"] is None

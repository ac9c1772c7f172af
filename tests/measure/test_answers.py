"""What an answer is besides right or wrong: refused, without the format asked for, graded."""

import json

import polars as pl
import pytest

from harness.cli.meaning import value_spec
from harness.config.loading import restore
from harness.measure import catalog
from harness.measure.sides import sides
from harness.measure.unmatched import unmatched_paths
from harness.measure.values import tabulate
from tests.measure.tables import pairs


def values(config, *rows):
    """The value table of a config's pairs."""
    document = {"champion": {"name": "a", "url": "http://127.0.0.1:1"}, **config}
    spec = value_spec(restore(document, path="harness.yaml"), open_loop=False)
    return tabulate(pairs(*rows), spec).values


def chat(content, **message):
    body = {"choices": [{"message": {"content": content, **message}, "finish_reason": "stop"}]}
    return json.dumps(body).encode()


JSON_WANTED = {
    "dialect": "openai_chat",
    "answer_format": {"path": "$.choices[0].message.content", "json_schema": {"type": "object"}},
}


def test_a_format_is_asked_of_each_side():
    """Also where both answers are the same, and where one fails otherwise."""
    same = chat("Sure: {}")
    rows = [
        {"champion_body": chat("{}"), "challenger_body": chat("Sure: {}")},
        {"champion_body": same, "challenger_body": same},
        {"champion_body": chat("{}"), "challenger_outcome": "timeout", "challenger_body": None},
        # the part itself is not there: no_output
        {"champion_body": chat("{}"), "challenger_body": b'{"choices": []}'},
    ]

    table = values(JSON_WANTED, *rows)
    metric = catalog.resolve("format_violation_rate", outputs={}, comparisons=())
    champion, challenger = sides(metric, table)

    assert champion.tolist() == [0, 1, 0, 0]
    assert challenger.tolist() == [1, 1, 1, 1]
    assert table["challenger_misformatted"].to_list() == [True, True, None, None]
    assert table["challenger_failure"].to_list() == [None, None, "timeout", "no_output"]


def test_a_format_of_what_no_answer_has_is_a_mistake():
    """Or a rule on it would pass for want of violations."""
    elsewhere = {**JSON_WANTED, "answer_format": {"path": "$.reply", "pattern": "yes|no"}}

    table = values(elsewhere, {"champion_body": chat("{}"), "challenger_body": chat("{}")})

    found = unmatched_paths(table, has_label=False, outputs=(), comparisons=(), has_format=True)
    assert found == {"answer_format": 1}


def test_a_refusal_is_no_failure_and_a_failure_no_refusal():
    """A share of what was answered; what was not is left out, and counted."""
    rows = [
        {"champion_body": chat("Yes."), "challenger_body": chat(None, refusal="I cannot.")},
        {"champion_body": chat("Yes."), "challenger_outcome": "timeout", "challenger_body": None},
    ]

    table = values({"dialect": "openai_chat"}, *rows)
    metric = catalog.resolve("refusal_rate", outputs={}, comparisons=())
    champion, challenger = sides(metric, table)

    assert table["challenger_failed"].to_list() == [False, True]
    assert champion.tolist() == [0, 0]
    assert challenger[0] == 1
    assert challenger[1] != challenger[1]


def test_a_dialect_that_knows_none_of_this_has_no_such_columns():
    """Values that were stored before are still the same."""
    table = values({"output": {"label": "$.label"}}, {})

    assert not any(name.endswith(("refused", "misformatted", "token_s")) for name in table.columns)


GRADED = {
    "output": {
        "quality": {"path": "$.ids", "as": "ndcg", "k": 2, "better": "higher", "worst": 0},
        "score": {"path": "$.score", "better": "higher"},
    }
}


def test_an_output_is_graded_by_the_truth():
    """Missing without a truth, and where it cannot be told; neither is a failure."""
    right, wrong = b'{"ids": [7, 8], "score": 1}', b'{"ids": [8, 9], "score": 2}'
    rows = [
        {"champion_body": right, "challenger_body": wrong, "truth": "[7]"},
        {"champion_body": right, "challenger_body": wrong},
        {"champion_body": right, "challenger_body": b'{"ids": "7", "score": 2}', "truth": "[7]"},
        {"champion_body": right, "challenger_body": right, "truth": '{"7": 1, "8": 3}'},
    ]

    table = values(GRADED, *rows)

    assert not table["challenger_failed"].any()
    assert table["champion_output.quality"].to_list() == [
        1.0,
        None,
        1.0,
        pytest.approx(0.796, abs=1e-3),
    ]
    assert table["challenger_output.quality"].to_list() == [
        0.0,
        None,
        None,
        pytest.approx(0.796, abs=1e-3),
    ]
    assert table["challenger_output.score"].to_list() == [2, 2, 2, 1]


def test_volatile_parts_are_ignored_unless_they_are_to_be_compared():
    """In the whole answer and in a part of it; an id that is asked for is compared."""
    one, other = (
        json.dumps(
            {"id": i, "choices": [{"message": {"tool_calls": [{"id": i, "n": 1}]}}]}
        ).encode()
        for i in ("a", "b")
    )
    compare = [
        {"name": "all", "as": "structure"},
        {"name": "calls", "as": "structure", "path": "$.choices[0].message.tool_calls"},
        {"name": "strict", "as": "structure", "volatile": "compared"},
        {"name": "id", "as": "structure", "path": "$.id"},
    ]

    table = values(
        {"dialect": "openai_chat", "compare": compare},
        {"champion_body": one, "challenger_body": other},
    )

    assert table.select(pl.col("^.*agree$")).row(0) == (True, True, False, False)

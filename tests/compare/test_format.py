"""Formats."""

import pytest

from harness.compare.format import Format, SameFormat

SCHEMA = {
    "type": "object",
    "required": ["label"],
    "properties": {"label": {"enum": ["yes", "no"]}, "parts": {"items": {"$ref": "#/$defs/part"}}},
    "$defs": {"part": {"type": "integer"}},
}


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ('{"label": "yes"}', None),
        ({"label": "no", "parts": [1]}, None),
        ("Sure! {}", "is not JSON"),
        ('```json\n{"label": "yes"}\n```', "is not JSON"),
        ("{}", "$: 'label' is a required property"),
        ({"label": "maybe"}, "$.label: 'maybe' is not one of ['yes', 'no']"),
        ({"label": "no", "parts": [1, "2"]}, "$.parts[1]: '2' is not of type 'integer'"),
        (None, "$: None is not of type 'object'"),
    ],
)
def test_an_answer_is_held_against_a_schema(value, problem):
    """As a text that is JSON and nothing else, or as JSON."""
    assert Format(json_schema=SCHEMA).problem(value) == problem


@pytest.mark.parametrize(
    ("value", "problem"),
    [("AB-12", None), ("AB-12\n", "does not match the pattern"), (12, "is no text")],
)
def test_a_pattern_is_of_all_of_a_text(value, problem):
    """From its beginning to its end."""
    assert Format(pattern=r"[A-Z]{2}-\d+").problem(value) == problem


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "needs one of"),
        ({"json_schema": {}, "pattern": "a"}, "needs one of"),
        ({"json_schema": {"type": "text"}}, "is no JSON Schema: "),
        ({"json_schema": {"$ref": "https://example.com/x.json"}}, "only what is within it"),
        ({"pattern": "("}, "is no regular expression: "),
    ],
)
def test_a_format_that_is_none_is_refused(options, said):
    """And nothing is fetched from anywhere."""
    with pytest.raises(ValueError, match=said):
        Format(**options)


def test_two_that_are_equally_wrong_agree():
    """What they say is another comparison's matter."""
    same = SameFormat(json_schema=SCHEMA)

    assert same("Hello", "Hi").agree
    assert same('{"label": "yes"}', {"label": "no"}).agree
    assert same("{}", {"label": "no"}).note == "the champion $: 'label' is a required property"

"""JSON answers: what is exact, what is noticed, what is refused."""

import gzip
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.dialects.json_predict import MAX_DEPTH, JsonPredict
from harness.output import RepeatedKeys, Undecodable
from harness.usage import Usage

DIALECT = JsonPredict()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
).filter(lambda value: "\ud800" not in repr(value))


def decode(text: str | bytes):
    return DIALECT.decode(text if isinstance(text, bytes) else text.encode(), ())


@given(JSON)
def test_every_json_value_is_read_as_the_standard_library_reads_it(value):
    """Whatever can be written as JSON comes back the same, however large or deep."""
    text = json.dumps(value)

    assert repr(decode(text)) == repr(json.loads(text))


@pytest.mark.parametrize(
    "number",
    [2**63, 2**64, 2**64 + 1, -(2**63) - 1, 12345678901234567890123, 10**400],
)
def test_integers_are_exact_at_any_size(number):
    """An integer beyond 64 bits stays an integer."""
    assert decode(f'{{"id": {number}}}') == {"id": number}


def test_not_a_number_is_accepted():
    """NaN and Infinity are no JSON, but Python servers send them."""
    value = decode('{"a": NaN, "b": [Infinity, -Infinity]}')

    assert math.isnan(value["a"])
    assert value["b"] == [math.inf, -math.inf]


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1, "a": 2}',
        '{"a" : 1, "a" : 2}',
        # a string that looks like a key when written again does not hide the repetition
        '{"a": 1, "a": 2, "b": "\\u0022:"}',
        '{"a": 1, "a": 2, "b": "\\"\\u003a"}',
        '{"a": 1, "\\u0061": 2}',
    ],
)
def test_a_repeated_key_is_noticed(text):
    """The last value counts and the object says which key it repeats."""
    value = decode(text)

    assert isinstance(value, RepeatedKeys)
    assert value.repeated == ("a",)
    assert value["a"] == 2


def test_a_repeated_key_is_noticed_at_any_depth():
    """Only the object that repeats the key is marked."""
    value = decode('{"x": [{"a": 1, "a": 1}, {"a": 1}]}')

    assert type(value) is dict
    assert isinstance(value["x"][0], RepeatedKeys)
    assert type(value["x"][1]) is dict


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty body"),
        (b'{"a": ', "not JSON: unexpected end of data at character 6"),
        (b"<html>", "not JSON: unexpected character, expected a JSON value at character 0"),
        (b"[1,]", "not JSON: trailing comma is not allowed at character 2"),
        (b'"\\ud800"', "not JSON: "),
        (b'["\\ud800", NaN]', "not JSON: half of a surrogate pair"),
        (b"[NaN,]", "not JSON: "),
        (b'"\xff"', "not JSON: "),
        (b"1" * 5000, "not JSON: "),
        (b"[" * 100_000 + b"]" * 100_000, "not JSON: "),
        (b"[NaN," * 100_000, f"nested deeper than {MAX_DEPTH} levels"),
        (b"[" * 255 + b"]" * 255, f"nested deeper than {MAX_DEPTH} levels"),
    ],
)
def test_what_is_no_json_says_why(body, reason):
    """Damage, depth and nonsense are a value with a reason, never an exception."""
    decoded = decode(body)

    assert isinstance(decoded, Undecodable)
    assert decoded.reason.startswith(reason)


def test_the_deepest_allowed_value_is_read():
    """The limit itself is inside."""
    assert isinstance(decode(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH), list)


@given(st.binary(max_size=200))
def test_no_bytes_raise(body):
    """Any body gives a value or a reason."""
    DIALECT.decode(body, (("Content-Type", "application/json"),))


def test_an_encoded_answer_is_unpacked_first():
    """The headers say how to read the bytes."""
    body = gzip.compress(b'{"label": 7}')

    assert DIALECT.decode(body, (("Content-Encoding", "gzip"),)) == {"label": 7}


@pytest.mark.parametrize(
    ("answer", "usage"),
    [
        ({"usage": {"prompt_tokens": 12, "completion_tokens": 5}}, Usage(12, 5)),
        ({"usage": {"input_tokens": 12, "output_tokens": 5}}, Usage(12, 5)),
        ({"usage": {"prompt_tokens": 12}}, Usage(12, None)),
        ({"usage": {"prompt_tokens": "12", "completion_tokens": -1}}, Usage()),
        ({"usage": {"prompt_tokens": True}}, Usage()),
        ({"usage": None}, Usage()),
        ({}, Usage()),
        ([], Usage()),
    ],
)
def test_usage_is_what_the_answer_says(answer, usage):
    """Tokens are read where they are whole numbers, and are otherwise unknown."""
    assert DIALECT.usage(answer) == usage

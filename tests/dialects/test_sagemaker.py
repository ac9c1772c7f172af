"""SageMaker's answers, by their Content-Type."""

import pytest

from harness.dialects.sagemaker import SageMaker
from harness.output import Undecodable
from harness.usage import Usage


@pytest.mark.parametrize(
    ("content_type", "body", "value"),
    [
        ("application/json", b'{"predictions": [1]}', {"predictions": [1]}),
        ("", b"[0.5]", [0.5]),
        ("application/jsonlines", b'{"a": 1}\n\n{"a": 2}\n', [{"a": 1}, {"a": 2}]),
        ("text/csv; charset=utf-8", b'0.5,"a, b"\r\n007,1\r\n', [[0.5, "a, b"], ["007", 1]]),
        ("text/csv", b'"two\nlines",true\n', [["two\nlines", "true"]]),
        ("text/plain", "größer".encode(), "größer"),
    ],
)
def test_an_answer_is_read_by_its_type(content_type, body, value):
    """Numbers become numbers, codes with leading zeros and words stay text."""
    assert SageMaker().decode(body, (("Content-Type", content_type),)) == value


@pytest.mark.parametrize(
    ("content_type", "body", "reason"),
    [
        ("application/jsonlines", b"{}\n{", "line 2 is not JSON"),
        ("application/jsonlines", b"", "empty body"),
        ("text/csv", b"", "empty body"),
        ("text/csv", b"\xff", "not text in UTF-8"),
        ("text/csv", b"1" * 200_000, "a line of more than 131072 characters"),
        ("application/vnd.amazon.eventstream", b"\0\0", "an AWS event stream, which is not read"),
    ],
)
def test_what_cannot_be_read_says_why(content_type, body, reason):
    """One line, and never an exception."""
    decoded = SageMaker().decode(body, (("Content-Type", content_type),))

    assert isinstance(decoded, Undecodable)
    assert decoded.reason.startswith(reason)


def test_usage_of_a_language_model_is_read():
    """Where a container tells it as OpenAI does."""
    assert SageMaker().usage({"usage": {"prompt_tokens": 3}}) == Usage(input_tokens=3)

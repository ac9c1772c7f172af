"""Batch files and their traps."""

from __future__ import annotations

import pytest

from harness.exchange import Failure, FailureKind, LateAnswer, Recorded, Response
from harness.readers.openai_batch import READER
from tests.readers.sources import LOGS, only, read, recorded, rejected, why

FOLDER = LOGS / "openai-batch"


def test_the_input():
    """Bodies keep the text they have in the file; there are no times; one line is damaged."""
    found = read(READER, (FOLDER / "input.jsonl").read_bytes())

    assert [entry.entry_id for entry in recorded(found)] == ["q-1", "q-2", "q-3", "q-5", "q-6"]
    assert [entry.position for entry in rejected(found)] == ["line 4"]
    third = recorded(found)[2]
    assert third.at_ns is None
    assert third.request.target == "/v1/chat/completions"
    assert b'"temperature": 1e-1,' in third.request.body
    assert third.request.headers == (
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(third.request.body))),
    )


def test_output_and_errors_are_answers():
    """An answer with a status is one; a request that expired is a timeout."""
    output = read(READER, (FOLDER / "output.jsonl").read_bytes())
    errors = read(READER, (FOLDER / "errors.jsonl").read_bytes())

    assert [entry.entry_id for entry in output] == ["q-3", "q-1", "q-1", "q-9"]
    assert output[0].answer.outcome.headers[1] == ("X-Request-Id", "r-3")
    assert output[0].answer.outcome.body.startswith(b'{"id":"c-3","object":"chat.completion"')
    assert [type(entry) for entry in errors] == [LateAnswer, LateAnswer]
    assert errors[0].answer.outcome.status == 429
    assert errors[1].answer.outcome == Failure(
        FailureKind.TIMEOUT,
        "batch_expired: This request could not be executed before the completion window expired.",
    )


@pytest.mark.parametrize(
    ("line", "outcome"),
    [
        (
            b'{"custom_id":"a","error":{"code":"batch_cancelled"}}',
            Failure(FailureKind.CANCELLED, "batch_cancelled"),
        ),
        (
            b'{"custom_id":"a","error":{"message":"?"}}',
            Failure(FailureKind.DISCONNECTED, "error: ?"),
        ),
        # the body's digits are the file's
        (
            b'{"custom_id":"a","response":{"body":{"p":0.10,"response":{}},"status_code":200}}',
            Response(200, (("Content-Type", "application/json"),), b'{"p":0.10,"response":{}}', 24),
        ),
        (
            b'{"custom_id":"a","response":{"body":null,"status_code":500}}',
            Response(500, (("Content-Type", "application/json"),)),
        ),
    ],
)
def test_answers(line, outcome):
    """Each way a request can have ended."""
    assert only(read(READER, line)).answer.outcome == outcome


def test_a_get_without_a_body():
    """It gets no length and no content type."""
    found = only(read(READER, b'{"custom_id":"a","method":"GET","url":"/v1/models"}'))

    assert isinstance(found, Recorded)
    assert found.request.headers == ()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"url":"/v1","method":"POST"}', "custom_id: is missing"),
        (b'{"custom_id":"","url":"/v1"}', "custom_id: is empty"),
        (b'{"custom_id":"a"}', "has neither url (a request) nor response nor error (an answer)"),
        (b'{"custom_id":"a","url":"/v1"}', "method: is missing"),
        (
            b'{"custom_id":"a","response":{"status_code":"x"}}',
            "status_code: is 'x', must be a status such as 200",
        ),
        (b'{"custom_id":"a","response":7}', "response: is 7, must be an object"),
    ],
)
def test_what_is_wrong_is_said(line, reason):
    """Where, what it is, and what it must be."""
    assert why(read(READER, line)) == reason

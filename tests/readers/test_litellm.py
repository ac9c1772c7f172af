"""LiteLLM's standard logging payloads and their traps."""

from __future__ import annotations

import json

import pytest

from harness.exchange import Failure, FailureKind
from harness.readers.litellm import READER
from tests.readers.sources import LOGS, late, only, read, recorded, rejected, why


def payload(**members: object) -> bytes:
    usual = {
        "id": "a",
        "call_type": "completion",
        "model": "small-1",
        "messages": [{"role": "user", "content": "q"}],
        "response": {"choices": []},
        "status": "success",
        "startTime": 1.0,
        "endTime": 1.5,
    }
    return json.dumps(usual | members).encode()


def test_the_fixture():
    """Streamed, cached, redacted, failed, silent, an embedding, one cut off."""
    found = read(READER, (LOGS / "litellm.jsonl").read_bytes())

    entries = {entry.entry_id: entry for entry in recorded(found)}
    assert sorted(entries) == [f"call-{n}" for n in (1, 2, 3, 5, 6, 9)]
    first = entries["call-1"]
    assert (first.request.method, first.request.target) == ("POST", "/v1/chat/completions")
    assert json.loads(first.request.body) == {
        "model": "support",
        "messages": [{"role": "user", "content": "question 1"}],
        "temperature": 0,
    }
    assert first.at_ns == 1_748_779_201_250_000_000
    assert (first.cluster_id, first.answer.latency_s) == ("u-2", 0.5)
    assert first.answer.first_byte_s is None
    assert entries["call-2"].answer.first_byte_s == pytest.approx(0.1)
    assert entries["call-3"].answer.latency_s is None
    assert entries["call-5"].answer.outcome.status == 429
    assert entries["call-6"].answer.outcome == Failure(FailureKind.TIMEOUT, "Timeout: no answer")
    embedding = entries["call-9"]
    assert embedding.request.target == "/v1/embeddings"
    assert json.loads(embedding.request.body)["input"] == ["a text"]
    assert b"0.1]" in embedding.answer.outcome.body
    assert embedding.cluster_id == "s-1"
    assert [entry.position for entry in rejected(found)] == ["payload 4", "payload 8"]
    silent = only(late(found))
    assert (silent.entry_id, silent.by) == ("call-1", "small-2")


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"call_type": "image_generation"}, "call_type: is 'image_generation', must be completion"),
        ({"messages": None}, "messages: is missing"),
        ({"messages": [{"content": "redacted-by-litellm"}]}, "messages: was redacted"),
        ({"startTime": "now"}, "startTime: is a string, must be a number"),
        ({"startTime": 1e300}, "startTime: is 1e+300, must be seconds since 1970"),
        ({"metadata": {"is_silent_experiment": True}}, "trace_id: is missing"),
    ],
)
def test_what_cannot_be_asked_again_is_rejected(members, reason):
    """With the field, and what is wrong with it."""
    assert why(read(READER, payload(**members))).startswith(reason)


def test_an_answer_that_was_not_logged_is_truncated():
    """Where LiteLLM was told not to keep it."""
    entry = only(recorded(read(READER, payload(response="redacted-by-litellm"))))

    assert entry.answer.outcome.truncated

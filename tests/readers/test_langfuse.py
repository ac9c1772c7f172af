"""Langfuse exports and their traps."""

from __future__ import annotations

import json

import pytest

from harness.exchange import Failure, FailureKind
from harness.readers.langfuse import READER
from tests.readers.sources import LOGS, only, read, recorded, rejected, why


def test_the_fixture():
    """Values as JSON text and as they are, a span, an error, both ways to write keys."""
    found = read(READER, (LOGS / "langfuse.json").read_bytes())

    entries = {entry.entry_id: entry for entry in recorded(found)}
    assert sorted(entries) == [f"gen-{n}" for n in (1, 3, 4, 6, 7)]
    first = entries["gen-1"]
    assert first.request.target == "/v1/chat/completions"
    assert json.loads(first.request.body) == {
        "model": "small-1",
        "messages": [{"role": "user", "content": "question 1"}],
        "temperature": 0,
    }
    assert first.at_ns == 1_748_779_201_250_000_000
    assert json.loads(first.answer.outcome.body) == {
        "object": "chat.completion",
        "model": "small-1",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "answer 1"}}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2},
    }
    assert (first.answer.latency_s, first.cluster_id) == (0.5, "u-1")
    plain = entries["gen-3"]
    assert json.loads(plain.request.body)["messages"] == [{"role": "user", "content": "a question"}]
    assert plain.answer.first_byte_s == pytest.approx(0.1)
    assert plain.cluster_id == "trace-3"
    failed = Failure(FailureKind.DISCONNECTED, "model is overloaded")
    assert entries["gen-4"].answer.outcome == failed
    assert json.loads(entries["gen-6"].answer.outcome.body)["id"] == "x"
    assert (entries["gen-7"].answer.latency_s, entries["gen-7"].cluster_id) == (0.25, "u-2")
    assert [entry.position for entry in rejected(found)] == ["observation 5", "observation 8"]


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"type": "SCORE"}, "type: is 'SCORE', must be GENERATION"),
        ({"start_time": "yesterday"}, "start_time: is 'yesterdayZ', must be a date"),
        ({"input": ""}, "input: is missing"),
    ],
)
def test_what_cannot_be_asked_again_is_rejected(members, reason):
    """With the field, and what is wrong with it."""
    line = {"id": "a", "type": "GENERATION", "input": "q", **members}

    assert why(read(READER, json.dumps(line).encode())).startswith(reason)


@pytest.mark.parametrize("time", ["2025-06-01T12:00:00Z", "2025-06-01T14:00:00+02:00"])
def test_a_zone_that_is_there_counts(time):
    """Without one it is UTC."""
    line = {"id": "a", "type": "GENERATION", "input": "q", "startTime": time}

    found = only(recorded(read(READER, json.dumps(line).encode())))

    assert found.at_ns == 1_748_779_200_000_000_000

"""Events of inference loggers and their traps."""

from __future__ import annotations

import json

import pytest

from harness.readers.cloudevents import READER
from tests.readers.sources import LOGS, late, read, recorded, rejected, why


def test_the_fixture():
    """Answers apart from requests, exact bodies, two protocols, two loggers, feedback."""
    found = read(READER, (LOGS / "inference-events.jsonl").read_bytes())

    requests = {entry.entry_id: entry for entry in recorded(found)}
    assert list(requests) == ["k-1", "k-2", "k-3", "sel-1"]
    first = requests["k-1"].request
    assert (first.target, first.body) == ("/v1/models/digits:predict", b'{"instances": [[0.1, 3]]}')
    assert ("X-User-Id", "u-1") in first.headers
    assert [name for name, _ in first.headers].count("Content-Type") == 1
    assert requests["k-2"].request.target == "/v2/models/digits/infer"
    assert requests["k-3"].request.body == b"\x93NUMPY"
    answers = {entry.entry_id: entry for entry in late(found)}
    assert list(answers) == ["k-1", "k-3", "sel-1"]
    assert answers["k-1"].at_ns - requests["k-1"].at_ns == 12_000_000
    assert answers["k-3"].answer.outcome.body == b"\x00\x07"
    assert [entry.position for entry in rejected(found)] == ["event 9", "event 10"]


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"type": "org.example.other"}, "type: is 'org.example.other', must be"),
        ({"id": None}, "id: is missing"),
        ({"time": "noon"}, "time: is 'noon', must be a date"),
        ({"data": None}, "data: is missing"),
        ({"metadata": "{"}, "metadata: not JSON"),
    ],
)
def test_what_is_no_event_of_a_logger_is_rejected(members, reason):
    """With the attribute, and what is wrong with it."""
    event = {"type": "org.kubeflow.serving.inference.request", "id": "a", "data": {}, **members}

    assert why(read(READER, json.dumps(event).encode())).startswith(reason)


def test_a_number_keeps_its_digits():
    """A decoder would turn 0.10 into 0.1 and the largest whole numbers into others."""
    start = b'{"type":"org.kubeflow.serving.inference.request","id":"a","data":'
    line = start + b'{"x":[0.10,18446744073709551616]}}'

    (entry,) = recorded(read(READER, line))

    assert entry.request.body == b'{"x":[0.10,18446744073709551616]}'

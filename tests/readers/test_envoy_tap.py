"""Envoy's taps and their traps."""

from __future__ import annotations

import json

import pytest

from harness.exchange import Failure, FailureKind
from harness.readers.envoy_tap import READER
from tests.readers.sources import LOGS, only, read, recorded, rejected, why


def trace(request: object, response: object = None) -> bytes:
    return json.dumps({"http_buffered_trace": {"request": request, "response": response}}).encode()


GET = [{"key": ":method", "value": "GET"}, {"key": ":path", "value": "/p"}]


def test_the_fixture():
    """On one line and over several, header bytes, cut bodies, no times, a segment, one cut off."""
    found = read(READER, (LOGS / "envoy-tap.json").read_bytes())

    entries = {entry.entry_id: entry for entry in recorded(found)}
    assert list(entries) == ["envoy-1", "envoy-2", "envoy-4", "envoy-7"]
    first = entries["envoy-1"]
    assert (first.request.method, first.request.target) == ("POST", "/v1/predict?x=%2e")
    assert first.request.headers[0] == ("Host", "digits.example")
    assert first.request.body == b'{"n":1}'
    assert first.at_ns == 1_748_779_201_100_000_000
    assert (first.answer.latency_s, first.answer.first_byte_s) == (None, 0.025)
    assert first.answer.outcome.body == b'{"label":7}'
    assert ("x-user-id", "u-1") in entries["envoy-2"].request.headers
    assert entries["envoy-2"].answer.outcome.truncated
    assert (entries["envoy-4"].at_ns, entries["envoy-4"].answer) == (None, None)
    positions = [entry.position for entry in rejected(found)]
    assert positions == ["trace 3", "trace 5", "trace 6"]


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (None, "request: is missing"),
        ({"headers": []}, "headers: has no :method or no :path"),
        ({"headers": [7]}, "headers: has 7, must be objects"),
        ({"headers": GET, "body": {"as_bytes": "!"}}, "as_bytes: not base64"),
        ({"headers": GET, "body": {"truncated": True}}, "body: was cut off after 0 bytes"),
        ({"headers": GET, "headers_received_time": "x"}, "headers_received_time: is 'x'"),
    ],
)
def test_what_cannot_be_asked_again_is_rejected(request_, reason):
    """With the field, and what is wrong with it."""
    assert why(read(READER, trace(request_))).startswith(reason)


def test_an_answer_without_a_status_is_a_failure():
    """The upstream was not reached, or left."""
    entry = only(recorded(read(READER, trace({"headers": GET}, {"headers": []}))))

    failed = Failure(FailureKind.DISCONNECTED, "no status was traced")
    assert entry.answer.outcome == failed

"""SageMaker Data Capture and its traps."""

from __future__ import annotations

import json

import pytest

from harness.exchange import Recorded, RecordedAnswer, Request, Response
from harness.readers.sagemaker import READER
from tests.readers.sources import LOGS, only, read, rejected, why

FOLDER = LOGS / "datacapture" / "digits" / "AllTraffic" / "2025" / "06" / "01"


def capture(sent: dict | None = None, got: dict | None = None, **metadata: object) -> bytes:
    sides = {"endpointInput": sent, "endpointOutput": got}
    return json.dumps({"captureData": sides, "eventMetadata": metadata}).encode()


def side(data: str = "1,2", encoding: str = "CSV", **members: object) -> dict:
    return {"data": data, "encoding": encoding, **members}


def test_the_fixture():
    """Text and base64, attributes of the call, a side that is absent, one damaged entry."""
    found = read(READER, (FOLDER / "12" / "58-00-000-made-by-hand.jsonl").read_bytes())

    assert found[1] == Recorded(
        entry_id="u-1",
        position="line 2",
        at_ns=1_748_782_798_000_000_000,
        request=Request(
            "POST",
            "/invocations",
            (
                ("Content-Type", "application/json"),
                ("X-Amzn-SageMaker-Inference-Id", "u-1"),
                ("X-Amzn-SageMaker-Custom-Attributes", "tenant=a"),
                ("Content-Length", "16"),
            ),
            b'{"pixels":[0,3]}',
        ),
        answer=RecordedAnswer(
            Response(200, (("Content-Type", "application/json"),), b'{"label": 3}', 12)
        ),
    )
    assert [entry.position for entry in rejected(found)] == ["line 3", "line 4"]


def test_a_request_without_an_output_is_an_entry():
    """The champion can be asked."""
    found = only(read(READER, (FOLDER / "13" / "00-00-000-made-by-hand.jsonl").read_bytes()))

    assert found.answer is None
    assert found.request.body == b"\x93N\xff\x00"


def test_times_are_whole_seconds_and_latency_is_unknown():
    """The format's resolution bounds what recorded pacing can mean."""
    found = only(read(READER, capture(side(), side("7"), inferenceTime="2025-06-01T12:00:00Z")))

    assert READER.resolution_ns == 10**9
    assert found.answer.latency_s is None


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (
            capture(None, side()),
            "captureData.endpointInput: is missing: only outputs were captured",
        ),
        (
            b'{"captureData": null}',
            "captureData.endpointInput: is missing: only outputs were captured",
        ),
        (
            capture(side(encoding="AVRO")),
            "captureData.endpointInput.encoding: is 'AVRO', must be BASE64, CSV or JSON",
        ),
        (
            capture(side("?", "BASE64")),
            "captureData.endpointInput.data: not base64: Only base64 data is allowed",
        ),
        (
            capture(side(), side("?", "BASE64")),
            "captureData.endpointOutput.data: not base64: Only base64 data is allowed",
        ),
        (capture({"encoding": "CSV"}), "captureData.endpointInput.data: is missing"),
        (capture(side(data=None)), "captureData.endpointInput.data: is missing"),
        (capture("x"), "endpointInput: is a string, must be an object"),
        (
            capture(side(observedContentType="a\nb")),
            "headers: Content-Type: must be one line, one character per byte",
        ),
        (
            capture(side(), inferenceTime="12:00"),
            "eventMetadata.inferenceTime: is '12:00', must be a date and time with a zone, as in "
            "2025-06-01T12:00:00.5Z",
        ),
        (
            capture(side(), customAttributes=[1]),
            "eventMetadata.customAttributes: has 1, must be strings",
        ),
    ],
)
def test_what_is_wrong_is_said(line, reason):
    """Where, what it is, and what it must be."""
    assert why(read(READER, line)) == reason

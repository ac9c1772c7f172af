"""Build sources for readers, and read them to the end."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from harness.exchange import LateAnswer, Recorded, Rejected
from harness.ports import Reader, Source
from harness.readers import (
    cloudevents,
    envoy_tap,
    goreplay,
    har,
    harness_log,
    langfuse,
    litellm,
    nginx,
    openai_batch,
    sagemaker,
)

LOGS = Path(__file__).parents[2] / "fixtures" / "logs"

READERS: dict[str, Reader] = {
    "harness": harness_log.READER,
    "goreplay": goreplay.READER,
    "har": har.READER,
    "sagemaker": sagemaker.READER,
    "openai-batch": openai_batch.READER,
    "nginx": nginx.READER,
    "litellm": litellm.READER,
    "langfuse": langfuse.READER,
    "inference-events": cloudevents.READER,
    "envoy-tap": envoy_tap.READER,
}

FIXTURES = {
    "harness.jsonl": "harness",
    "goreplay.gor": "goreplay",
    "goreplay-0.16.gor": "goreplay",
    "goreplay-replayed.gor": "goreplay",
    "datacapture-shadow/digits/Shadow/2025/06/01/12/58-00-000-made-by-hand.jsonl": "sagemaker",
    "browser.har": "har",
    "datacapture/digits/AllTraffic/2025/06/01/12/58-00-000-made-by-hand.jsonl": "sagemaker",
    "datacapture/digits/AllTraffic/2025/06/01/13/00-00-000-made-by-hand.jsonl": "sagemaker",
    "openai-batch/input.jsonl": "openai-batch",
    "openai-batch/output.jsonl": "openai-batch",
    "openai-batch/errors.jsonl": "openai-batch",
    "nginx.jsonl": "nginx",
    "litellm.jsonl": "litellm",
    "langfuse.json": "langfuse",
    "inference-events.jsonl": "inference-events",
    "envoy-tap.json": "envoy-tap",
}

Entry = Recorded | LateAnswer | Rejected


def source(data: bytes, *, chunk_bytes: int = 64) -> Source:
    return Source(
        "x", (data[at : at + chunk_bytes] for at in range(0, len(data), max(1, chunk_bytes)))
    )


def read(reader: Reader, data: bytes, *, chunk_bytes: int = 64) -> list[Entry]:
    return list(reader.read(source(data, chunk_bytes=chunk_bytes)))


def only(entries: Iterable[Entry]) -> Entry:
    (entry,) = entries
    return entry


def recorded(entries: Iterable[Entry]) -> list[Recorded]:
    return [entry for entry in entries if isinstance(entry, Recorded)]


def rejected(entries: Iterable[Entry]) -> list[Rejected]:
    return [entry for entry in entries if isinstance(entry, Rejected)]


def late(entries: Iterable[Entry]) -> list[LateAnswer]:
    return [entry for entry in entries if isinstance(entry, LateAnswer)]


def why(entries: Iterable[Entry]) -> str:
    """The reason of the only entry, which is rejected."""
    entry = only(entries)
    assert isinstance(entry, Rejected), entry
    return entry.why

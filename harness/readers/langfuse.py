"""Langfuse exports of observations: JSON Lines, or a JSON array, of model calls.

An observation has what was put into a model and what came out of it, not what was on the wire. Of
type `GENERATION` it becomes a chat request with the model and its parameters; its output becomes
the one choice of a chat completion, unless it is a completion already. Spans and events are passed
over: they are no calls. Keys are read as exports (`start_time`) and the API (`startTime`) write
them; times without a zone are UTC. Generations of a user, else of a session, else of a trace, are a
cluster.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from harness.exchange import (
    Failure,
    FailureKind,
    LateAnswer,
    Outcome,
    Recorded,
    RecordedAnswer,
    Rejected,
    Request,
)
from harness.ports import Source
from harness.readers import instant, json_call, json_record
from harness.readers.json_objects import first_keys, objects
from harness.readers.json_record import Record
from harness.readers.pieces import MAX_ENTRY_BYTES, too_long

_ZONED = re.compile(r"(?:[Zz]|[+-]\d\d:?\d\d)$", re.ASCII)
_NOT_CALLS = ("SPAN", "EVENT", "AGENT", "TOOL", "CHAIN", "RETRIEVER", "EVALUATOR", "GUARDRAIL")


@dataclass(frozen=True, slots=True)
class Langfuse:
    """Reads observations, one to a line or in an array."""

    resolution_ns: int = 1_000
    max_entry_bytes: int = MAX_ENTRY_BYTES

    def sniff(self, head: bytes) -> bool:
        return any(
            "type" in keys and keys & {"trace_id", "traceId"} and keys & {"start_time", "startTime"}
            for keys in first_keys(head)
        )

    def read(self, source: Source) -> Iterator[Recorded | LateAnswer | Rejected]:
        for number, text in objects(source.chunks, max_bytes=self.max_entry_bytes):
            position = f"observation {number}"
            if text is None:
                yield Rejected(position, too_long(self.max_entry_bytes))
                continue
            try:
                record = json_record.decode(text)
                if record.get("type") not in _NOT_CALLS:
                    yield _recorded(record, position)
            except ValueError as exc:
                yield Rejected(position, str(exc))


READER = Langfuse()


def _recorded(record: Record, position: str) -> Recorded:
    if record.get("type") != "GENERATION":
        raise ValueError(f"type: is {json_record.word(record.get('type'))}, must be GENERATION")
    started_ns = _at_ns(record, "start_time", "startTime")
    return Recorded(
        entry_id=json_record.name(record, "id"),
        position=position,
        at_ns=started_ns,
        request=_request(record),
        answer=_answer(record, started_ns),
        cluster_id=next(
            (
                json_record.name(record, key)
                for key in ("user_id", "userId", "session_id", "sessionId", "trace_id", "traceId")
                if record.get(key)
            ),
            None,
        ),
    )


def _request(record: Record) -> Request:
    asked = _unpacked(record.get("input"))
    if asked in (None, "", [], {}):
        raise ValueError("input: is missing")
    parameters = _unpacked(_either(record, "model_parameters", "modelParameters"))
    body: dict[str, Any] = {}
    if (model := _model(record)) is not None:
        body["model"] = model
    if isinstance(asked, dict) and "messages" in asked:
        body |= asked
    elif isinstance(asked, list):
        body["messages"] = asked
    else:
        text = asked if isinstance(asked, str) else json_call.dumps(asked).decode()
        body["messages"] = [{"role": "user", "content": text}]
    if isinstance(parameters, dict):
        body |= {name: value for name, value in parameters.items() if value is not None}
    for name in ("stream", "stream_options"):
        body.pop(name, None)
    return json_call.request(json_call.CHAT, json_call.dumps(body))


def _answer(record: Record, started_ns: int | None) -> RecordedAnswer:
    outcome = _outcome(record)
    if started_ns is None:
        return RecordedAnswer(outcome)
    ended_ns = _at_ns(record, "end_time", "endTime")
    first_ns = _at_ns(record, "completion_start_time", "completionStartTime")
    return RecordedAnswer(
        outcome,
        latency_s=None if ended_ns is None else instant.seconds_between(started_ns, ended_ns),
        first_byte_s=None if first_ns is None else instant.seconds_between(started_ns, first_ns),
    )


def _outcome(record: Record) -> Outcome:
    if record.get("level") == "ERROR":
        message = _either(record, "status_message", "statusMessage")
        return Failure(FailureKind.DISCONNECTED, message if isinstance(message, str) else "error")
    said = _unpacked(record.get("output"))
    if isinstance(said, dict) and "choices" in said:
        return json_call.response(200, json_call.dumps(said))
    if isinstance(said, list) and said:
        said = said[-1]
    message = said if isinstance(said, dict) and "content" in said else {"content": _as_text(said)}
    completion: dict[str, Any] = {
        "object": "chat.completion",
        "model": _model(record),
        "choices": [{"index": 0, "message": {"role": "assistant", **message}}],
    }
    usage = _unpacked(_either(record, "usage_details", "usageDetails"))
    if isinstance(usage, dict) and {"input", "output"} <= usage.keys():
        completion["usage"] = {
            "prompt_tokens": usage["input"],
            "completion_tokens": usage["output"],
        }
    return json_call.response(200, json_call.dumps(completion))


def _as_text(said: Any) -> str | None:
    return said if said is None or isinstance(said, str) else json_call.dumps(said).decode()


def _model(record: Record) -> str | None:
    for key in ("provided_model_name", "providedModelName", "model"):
        if (model := json_record.optional_text(record, key)) is not None:
            return model
    return None


def _either(record: Record, exported: str, told: str) -> Any:
    value = record.get(exported)
    return record.get(told) if value is None else value


def _unpacked(value: Any) -> Any:
    """A value, where an export has it as JSON text too."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            return value
    return value


def _at_ns(record: Record, exported: str, told: str) -> int | None:
    key = exported if record.get(exported) is not None else told
    text = json_record.optional_text(record, key)
    if text is None:
        return None
    zoned = (
        text if text[-1:] in ("Z", "z") or text[10:].count("+") or "-" in text[10:] else f"{text}Z"
    )
    return instant.named(key, zoned)

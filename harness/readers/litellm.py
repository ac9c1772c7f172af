"""LiteLLM's standard logging payloads: a JSON object for each call of a model.

A payload has values where the wire had a request: messages and parameters become the body that
OpenAI's API takes, under the path that goes with the call type. `stream` is left out, because the
answer that was logged is the assembled one. Times are seconds since 1970; `response_time` is not
used, because it is the time to the first token where the call streamed. An answer from a cache has
no latency. A call whose messages were redacted cannot be asked again and is rejected.

A call of a silent experiment repeats a user's call for another model: it is no request, but that
model's answer to the call whose id is its trace.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from harness.exchange import (
    Failure,
    FailureKind,
    LateAnswer,
    Outcome,
    Recorded,
    RecordedAnswer,
    Rejected,
    Request,
    Response,
)
from harness.ports import Source
from harness.readers import instant, json_call, json_record
from harness.readers.json_objects import first_keys, objects
from harness.readers.json_record import Record
from harness.readers.pieces import MAX_ENTRY_BYTES, too_long

_TARGETS = {
    "completion": json_call.CHAT,
    "text_completion": "/v1/completions",
    "embedding": "/v1/embeddings",
    "responses": "/v1/responses",
    "moderation": "/v1/moderations",
}
_ASKED_AS = {
    json_call.CHAT: "messages",
    "/v1/completions": "prompt",
}
_REDACTED = "redacted-by-litellm"
_STREAMING = ("stream", "stream_options")
_STATUS = re.compile(r"[45]\d\d", re.ASCII)


@dataclass(frozen=True, slots=True)
class LiteLLM:
    """Reads payloads, one to a line or in an array."""

    resolution_ns: int = 1_000
    max_entry_bytes: int = MAX_ENTRY_BYTES

    def sniff(self, head: bytes) -> bool:
        return any(
            keys >= {"call_type", "startTime"} or keys >= {"call_type", "model_parameters"}
            for keys in first_keys(head)
        )

    def read(self, source: Source) -> Iterator[Recorded | LateAnswer | Rejected]:
        for number, text in objects(source.chunks, max_bytes=self.max_entry_bytes):
            position = f"payload {number}"
            if text is None:
                yield Rejected(position, too_long(self.max_entry_bytes))
                continue
            try:
                yield _entry(json_record.decode(text), text, position)
            except ValueError as exc:
                yield Rejected(position, str(exc))


READER = LiteLLM()


def _entry(record: Record, text: bytes, position: str) -> Recorded | LateAnswer:
    metadata = json_record.part(record, "metadata") or {}
    started_ns = _at_ns(record, "startTime")
    answer = _answer(record, text, started_ns)
    if metadata.get("is_silent_experiment") is True:
        trace = json_record.name(record, "trace_id")
        if not trace:
            raise ValueError("trace_id: is missing, so that nobody knows what was repeated")
        by = json_record.text(record, "model")
        return LateAnswer(trace, position, answer, by=by)
    return Recorded(
        entry_id=json_record.name(record, "litellm_call_id") or json_record.name(record, "id"),
        position=position,
        at_ns=started_ns,
        request=_request(record),
        answer=answer,
        cluster_id=json_record.name(record, "end_user")
        or json_record.name(record, "session_id")
        or None,
    )


def _request(record: Record) -> Request:
    call_type = json_record.text(record, "call_type")
    target = _TARGETS.get(call_type) or _TARGETS.get(call_type.removeprefix("a"))
    if target is None:
        raise ValueError(f"call_type: is {call_type[:40]!r}, must be {', '.join(_TARGETS)}")
    asked = record.get("messages")
    if asked is None or asked in ("", []):
        raise ValueError("messages: is missing")
    if _is_redacted(asked):
        raise ValueError("messages: was redacted, so that it cannot be asked again")
    parameters = json_record.part(record, "model_parameters") or {}
    body = {
        "model": json_record.optional_text(record, "model_group")
        or json_record.text(record, "model"),
        _ASKED_AS.get(target, "input"): asked,
        **{name: value for name, value in parameters.items() if name not in _STREAMING},
    }
    return json_call.request(target, json_call.dumps(body))


def _is_redacted(asked: object) -> bool:
    if isinstance(asked, list):
        return any(isinstance(one, dict) and one.get("content") == _REDACTED for one in asked)
    return asked == _REDACTED


def _answer(record: Record, text: bytes, started_ns: int | None) -> RecordedAnswer:
    from_cache = record.get("cache_hit") in (True, "True", "true")
    if started_ns is None or from_cache:
        return RecordedAnswer(_outcome(record, text))
    streamed = record.get("stream") is True
    return RecordedAnswer(
        _outcome(record, text),
        latency_s=_since(started_ns, _at_ns(record, "endTime")),
        first_byte_s=_since(started_ns, _at_ns(record, "completionStartTime"))
        if streamed
        else None,
    )


def _outcome(record: Record, text: bytes) -> Outcome:
    error = json_record.part(record, "error_information") or {}
    if json_record.optional_text(record, "status") != "failure":
        body = json_record.member_text(text, "response")
        if body is None or not body.startswith("{"):
            return Response(200, (json_call.JSON,), truncated=True)
        return json_call.response(200, body.encode())
    code = json_record.name(error, "error_code")
    kind = json_record.optional_text(error, "error_class") or "error"
    message = json_record.optional_text(error, "error_message") or ""
    detail = f"{kind}: {message}" if message else kind
    if "timeout" in kind.lower():
        return Failure(FailureKind.TIMEOUT, detail)
    if _STATUS.fullmatch(code):
        return Response(int(code), (json_call.JSON,), truncated=True)
    return Failure(FailureKind.DISCONNECTED, detail)


def _at_ns(record: Record, key: str) -> int | None:
    seconds = json_record.number(record, key)
    if seconds is None:
        return None
    if not abs(seconds) < instant.MAX_NS / instant.NS_PER_S:
        raise ValueError(f"{key}: is {seconds}, must be seconds since 1970")
    return round(seconds * 1_000_000) * 1_000  # a double has no more digits


def _since(started_ns: int, at_ns: int | None) -> float | None:
    return None if at_ns is None else instant.seconds_between(started_ns, at_ns)

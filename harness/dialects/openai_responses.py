"""Answers of the OpenAI responses API.

A stream ends with an event that holds the whole response, so that only a stream that was cut off is
put together from its parts. Either form gets one more member: `output_text`, all text of the output
in order, as the official clients offer it; reasoning and tool calls stand before the message in
`output`, at places that differ from answer to answer.

A refusal is a content part of that type, or the incomplete reason `content_filter`. A response with
the status `failed` says why, and means nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from harness.dialects.json_predict import usage_of
from harness.dialects.streamed import content_ends, decoded_body
from harness.exchange import Headers
from harness.output import Decoded, JsonValue, Undecodable
from harness.usage import Usage

VOLATILE = (
    "$.id",
    "$.created_at",
    "$.completed_at",
    "$.output[*].id",
    "$.output[*].call_id",
    "$.output[*].encrypted_content",
)

_LAST = ("response.completed", "response.incomplete", "response.failed")
_SHOWN = (
    "response.output_text.delta",
    "response.refusal.delta",
    "response.reasoning_text.delta",
    "response.reasoning_summary_text.delta",
    "response.function_call_arguments.delta",
)


@dataclass(frozen=True, slots=True)
class OpenAIResponses:
    """Responses, plain and streamed.

    Examples:
        >>> part = '{"type": "output_text", "text": "Hello"}'
        >>> plain = '{"output": [{"type": "message", "content": [' + part + "]}]}"
        >>> OpenAIResponses().decode(plain.encode(), ())["output_text"]
        'Hello'
    """

    volatile = VOLATILE

    def decode(self, body: bytes, headers: Headers) -> Decoded:
        response = decoded_body(body, headers, _ResponseAssembly)
        if not isinstance(response, dict) or not isinstance(response.get("output"), list):
            return response
        if response.get("status") == "failed":
            error = response.get("error")
            said = error.get("message") if isinstance(error, dict) else error
            return Undecodable(f"the response failed: {' '.join(str(said).split())[:200]}")
        return {**response, "output_text": _text_of(response)}

    def usage(self, decoded: Decoded) -> Usage:
        return usage_of(decoded)

    def refused(self, decoded: JsonValue) -> bool | None:
        if not isinstance(decoded, dict) or "output" not in decoded:
            return None
        match decoded:
            case {"incomplete_details": {"reason": "content_filter"}}:
                return True
        return any(part.get("type") == "refusal" for part in _parts(decoded))

    def content_ends(self, body: bytes, headers: Headers) -> list[tuple[int, bool]]:
        return content_ends(body, headers, _ResponseAssembly())


def _parts(response: dict[str, JsonValue]) -> Iterator[dict[str, JsonValue]]:
    """The content parts of all messages, in order."""
    output = response.get("output")
    for item in output if isinstance(output, list) else ():
        content = item.get("content") if isinstance(item, dict) else None
        for part in content if isinstance(content, list) else ():
            if isinstance(part, dict):
                yield part


def _text_of(response: dict[str, JsonValue]) -> str:
    return "".join(
        text
        for part in _parts(response)
        if part.get("type") == "output_text" and isinstance(text := part.get("text"), str)
    )


@dataclass(slots=True)
class _ResponseAssembly:
    """A response; what has come of it until its last event, then that event's."""

    _response: dict[str, JsonValue] = field(default_factory=dict)
    _items: dict[int, JsonValue] = field(default_factory=dict)
    _texts: dict[int, str] = field(default_factory=dict)
    _is_whole: bool = False

    def add(self, event: dict[str, JsonValue]) -> bool:
        kind, index, delta = event.get("type"), event.get("output_index"), event.get("delta")
        at = index if isinstance(index, int) else 0
        if isinstance(response := event.get("response"), dict):
            self._response = response
            self._is_whole = kind in _LAST
        elif kind in ("response.output_item.added", "response.output_item.done"):
            self._items[at] = event.get("item")
            if kind == "response.output_item.done":
                self._texts.pop(at, None)  # the item itself has them now
        elif kind == "response.output_text.delta" and isinstance(delta, str):
            self._texts[at] = self._texts.get(at, "") + delta
        return kind in _SHOWN and bool(delta)

    def end(self) -> None:
        """Nothing: the API does not say it, and a response that lacks its end lacks it still."""

    @property
    def problem(self) -> str | None:
        return None if self._is_whole else "the response was complete"

    @property
    def answer(self) -> JsonValue:
        if self._is_whole:
            return self._response
        items = dict(self._items)
        for at, text in self._texts.items():
            item = items.get(at)
            known = item if isinstance(item, dict) else {"type": "message"}
            items[at] = {**known, "content": [{"type": "output_text", "text": text}]}
        return {**self._response, "output": [items[at] for at in sorted(items)]}

"""Answers of the OpenAI chat completions API and of the many servers that speak it.

A streamed answer becomes the object that the same call without `stream` returns: deltas are put
together per choice, tool calls per index, and a last event with `usage` and without choices gives
the usage. What only exists to pad a stream (`obfuscation`) is dropped.

A stream is whole when it says `[DONE]`, or when every choice has a `finish_reason`: some servers
leave the mark out. Otherwise it was cut off; its usage is then unknown.

A refusal is what the API marks as one: a `refusal` text, the finish reason `content_filter`, or an
error with a code of the content filter. A model that declines in plain words is not seen here.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.dialects.json_predict import usage_of
from harness.dialects.streamed import content_ends, decoded_body
from harness.exchange import Headers
from harness.output import Decoded, JsonValue
from harness.usage import Usage

VOLATILE = (
    "$.id",
    "$.created",
    "$.system_fingerprint",
    "$.choices[*].message.tool_calls[*].id",
)

_FILTER_CODES = ("content_filter", "content_policy_violation", "ResponsibleAIPolicyViolation")

# Said once or again and again by different servers, and never to be put together piece by piece.
_WHOLE = frozenset({"id", "type", "role", "index", "name"})
_SHOWN = ("content", "refusal", "tool_calls", "function_call", "audio")
_THOUGHT = ("reasoning_content", "reasoning")


@dataclass(frozen=True, slots=True)
class OpenAIChat:
    """Chat completions, plain and streamed.

    Examples:
        >>> stream = (
        ...     b'data: {"choices": [{"index": 0, "delta": {"content": "Hel"}}]}\\n\\n'
        ...     b'data: {"choices": [{"index": 0, "delta": {"content": "lo"}}]}\\n\\n'
        ...     b"data: [DONE]\\n\\n"
        ... )
        >>> OpenAIChat().decode(stream, ())["choices"][0]["message"]["content"]
        'Hello'
    """

    volatile = VOLATILE

    def decode(self, body: bytes, headers: Headers) -> Decoded:
        return decoded_body(body, headers, _ChatAssembly)

    def usage(self, decoded: Decoded) -> Usage:
        return usage_of(decoded)

    def refused(self, decoded: JsonValue) -> bool | None:
        if not isinstance(decoded, dict):
            return None
        error = decoded.get("error")
        if isinstance(error, dict):
            return _is_filtered(error) or _is_filtered(error.get("innererror")) or None
        choices = decoded.get("choices")
        if not isinstance(choices, list):
            return None
        return any(_is_refusal(choice) for choice in choices)

    def content_ends(self, body: bytes, headers: Headers) -> list[tuple[int, bool]]:
        return content_ends(body, headers, _ChatAssembly())


def _is_filtered(error: JsonValue) -> bool:
    return isinstance(error, dict) and error.get("code") in _FILTER_CODES


def _is_refusal(choice: JsonValue) -> bool:
    if not isinstance(choice, dict):
        return False
    message = choice.get("message")
    said = isinstance(message, dict) and bool(message.get("refusal"))
    return said or choice.get("finish_reason") == "content_filter"


@dataclass(slots=True)
class _ChatAssembly:
    """A chat completion, growing chunk by chunk."""

    _top: dict[str, JsonValue] = field(default_factory=dict)
    _choices: dict[int, dict[str, JsonValue]] = field(default_factory=dict)
    _is_done: bool = False

    def add(self, event: dict[str, JsonValue]) -> bool:
        for key, member in event.items():
            # Azure sends an id and a model that are empty before the first choice.
            if key not in ("choices", "object", "obfuscation") and member not in (None, ""):
                self._top[key] = member
        choices = event.get("choices")
        brought = [self._choice(one) for one in choices] if isinstance(choices, list) else []
        return any(brought)

    def end(self) -> None:
        self._is_done = True

    @property
    def problem(self) -> str | None:
        if self._is_done:
            return None if self._choices else "its first choice"
        unfinished = [one for one in self._choices.values() if one.get("finish_reason") is None]
        return "its finish reason" if unfinished or not self._choices else None

    @property
    def answer(self) -> JsonValue:
        choices = [self._choices[index] for index in sorted(self._choices)]
        return {**self._top, "object": "chat.completion", "choices": [*choices]}

    def _choice(self, event: JsonValue) -> bool:
        if not isinstance(event, dict):
            return False
        index = event.get("index")
        choice = self._choices.setdefault(
            index if isinstance(index, int) else 0,
            {"index": index, "message": {"role": "assistant", "content": None}},
        )
        for key, member in event.items():
            if key == "logprobs":
                choice[key] = _grown(choice.get(key), member)
            elif key not in ("index", "delta") and (member is not None or key not in choice):
                choice[key] = member
        delta = event.get("delta")
        if not isinstance(delta, dict):
            return False
        choice["message"] = _grown(choice["message"], delta)
        return any(delta.get(key) for key in (*_SHOWN, *_THOUGHT))


def _grown(known: JsonValue, delta: JsonValue) -> JsonValue:
    """A value with a delta added: texts are joined, objects merged, entries of lists by index."""
    if isinstance(known, dict) and isinstance(delta, dict):
        for key, member in delta.items():
            known[key] = (
                _whole(known.get(key), member)
                if key in _WHOLE
                else (_grown(known.get(key), member))
            )
        return known
    if isinstance(delta, list) and isinstance(known, list | None):
        return _grown_list(known or [], delta)
    if isinstance(known, str) and isinstance(delta, str):
        return known + delta
    return known if delta is None else delta


def _whole(known: JsonValue, member: JsonValue) -> JsonValue:
    return known if member in (None, "") else member


def _grown_list(known: list[JsonValue], delta: list[JsonValue]) -> list[JsonValue]:
    for entry in delta:
        place = _place(known, entry)
        if place is None:
            plain = entry
            if isinstance(entry, dict):
                plain = {key: member for key, member in entry.items() if key != "index"}
            known.append(plain)
        elif isinstance(entry, dict):
            _grown(known[place], {key: one for key, one in entry.items() if key != "index"})
    return known


def _place(known: list[JsonValue], entry: JsonValue) -> int | None:
    """Which entry a delta continues; None for a new one.

    Servers that make no difference between calls (all have index 0, or none has one) tell a new
    call by a new id.
    """
    if not isinstance(entry, dict) or not ("index" in entry or "function" in entry):
        return None
    index = entry.get("index")
    place = index if isinstance(index, int) else len(known) - 1
    if not 0 <= place < len(known):
        return None
    there, new_id = known[place], entry.get("id")
    if new_id and isinstance(there, dict) and there.get("id") not in (None, "", new_id):
        return None
    return place

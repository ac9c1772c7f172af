"""Answers of the Anthropic messages API.

A streamed answer becomes the message that the same call without `stream` returns: content blocks
are put together by index, the input of a tool is parsed once its block is whole, and the usage of
`message_delta`, which counts from the beginning, replaces what `message_start` had to guess.

A stream is whole once it says `message_stop`, or a stop reason: some gateways leave out the former.
A refusal is the stop reason `refusal`. A model that declines in plain words is not seen here.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.dialects.json_predict import parsed_json, usage_of
from harness.dialects.streamed import content_ends, decoded_body
from harness.exchange import Headers
from harness.output import Decoded, JsonValue, Undecodable
from harness.usage import Usage

VOLATILE = ("$.id", "$.content[*].id", "$.content[*].signature")

# Of each kind of delta: the member that is new, and the member of the block that it continues.
_CONTINUES = {
    "text_delta": ("text", "text"),
    "thinking_delta": ("thinking", "thinking"),
    "signature_delta": ("signature", "signature"),
    "input_json_delta": ("partial_json", "input"),
}
_SHOWN = ("text_delta", "thinking_delta", "input_json_delta")


@dataclass(frozen=True, slots=True)
class AnthropicMessages:
    """Messages, plain and streamed.

    Examples:
        >>> plain = b'{"type": "message", "content": [{"type": "text", "text": "Hello"}]}'
        >>> AnthropicMessages().decode(plain, ())["content"][0]["text"]
        'Hello'
    """

    volatile = VOLATILE

    def decode(self, body: bytes, headers: Headers) -> Decoded:
        return decoded_body(body, headers, _MessageAssembly)

    def usage(self, decoded: Decoded) -> Usage:
        return usage_of(decoded)

    def refused(self, decoded: JsonValue) -> bool | None:
        if not isinstance(decoded, dict) or "content" not in decoded:
            return None
        return decoded.get("stop_reason") == "refusal"

    def content_ends(self, body: bytes, headers: Headers) -> list[tuple[int, bool]]:
        return content_ends(body, headers, _MessageAssembly())


@dataclass(slots=True)
class _MessageAssembly:
    """A message, growing event by event."""

    _message: dict[str, JsonValue] = field(default_factory=dict)
    _blocks: dict[int, dict[str, JsonValue]] = field(default_factory=dict)
    _inputs: dict[int, str] = field(default_factory=dict)
    _is_done: bool = False

    def add(self, event: dict[str, JsonValue]) -> bool:
        index = event.get("index")
        at = index if isinstance(index, int) else 0
        match event:
            case {"type": "message_start", "message": dict(message)}:
                self._message = dict(message)
            case {"type": "content_block_start", "content_block": dict(block)}:
                self._blocks[at] = dict(block)
            case {"type": "content_block_delta", "delta": dict(delta)}:
                return self._continue(at, delta)
            case {"type": "content_block_stop"}:
                self._read_input(at)
            case {"type": "message_delta"}:
                self._finish(event.get("delta"), event.get("usage"))
            case {"type": "message_stop"}:
                self._is_done = True
        return False

    def end(self) -> None:
        self._is_done = True

    @property
    def problem(self) -> str | None:
        if not self._message:
            return "its message"
        if self._is_done or self._message.get("stop_reason") is not None:
            return None
        return "its stop reason"

    @property
    def answer(self) -> JsonValue:
        return {**self._message, "content": [self._blocks[at] for at in sorted(self._blocks)]}

    def _continue(self, at: int, delta: dict[str, JsonValue]) -> bool:
        kind = delta.get("type")
        block = self._blocks.setdefault(at, {})
        if kind == "citations_delta":
            cited = block.get("citations")
            block["citations"] = [
                *(cited if isinstance(cited, list) else ()),
                delta.get("citation"),
            ]
            return False
        new, member = _CONTINUES.get(str(kind), ("", ""))
        text = delta.get(new)
        if not isinstance(text, str):
            return False
        if member == "input":
            self._inputs[at] = self._inputs.get(at, "") + text
        else:
            known = block.get(member)
            block[member] = (known if isinstance(known, str) else "") + text
        return kind in _SHOWN and bool(text)

    def _read_input(self, at: int) -> None:
        """What a tool is called with; text that is no JSON stays text, as a difference to see."""
        text = self._inputs.pop(at, "")
        if text:
            value = parsed_json(text.encode())
            self._blocks[at]["input"] = text if isinstance(value, Undecodable) else value

    def _finish(self, delta: JsonValue, usage: JsonValue) -> None:
        if isinstance(delta, dict):
            self._message.update(delta)
        if isinstance(usage, dict):
            known = self._message.get("usage")
            before = known if isinstance(known, dict) else {}
            said = {key: count for key, count in usage.items() if count is not None}
            self._message["usage"] = {**before, **said}

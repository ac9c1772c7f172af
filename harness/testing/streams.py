"""Answers of chat APIs as they go over the wire: one text, plain or as the events of a stream.

Each API pads its streams in its own way (a first event without text, pings, a last one with usage,
random padding). That is in here, so that what reads them is tested with it.
"""

from __future__ import annotations

import random
import re
import string
from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

import orjson

APIS = ("openai_chat", "openai_responses", "anthropic_messages")

_TOKEN = re.compile(r"\s*\S+\s*$|\s*\S+")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model says to one request.

    Attributes:
        refusal: It declines with this, and `text` is empty.
        tool_calls: Name and arguments of each.
        serial: Stands in what is random from call to call: ids, padding, times.
    """

    text: str = ""
    refusal: str = ""
    tool_calls: tuple[tuple[str, dict[str, Any]], ...] = ()
    model: str = "small-1"
    input_tokens: int = 12
    serial: int = 0

    @property
    def tokens(self) -> list[str]:
        """The text in pieces as a model makes them: words here, with the space before them."""
        return _TOKEN.findall(self.text)

    @property
    def output_tokens(self) -> int:
        return max(1, len(self.tokens))

    @property
    def tag(self) -> str:
        """A random-looking id for this call."""
        return blake2b(f"call {self.serial}".encode(), digest_size=8).hexdigest()


def plain(api: str, answer: Answer) -> bytes:
    """The answer to a call without `stream`."""
    return orjson.dumps(_PLAIN[api](answer))


def events(api: str, answer: Answer) -> Iterator[tuple[bytes, bool]]:
    """The events of the answer to a call with `stream`, each with whether it holds a token."""
    yield from _EVENTS[api](answer)


def streamed(api: str, answer: Answer) -> bytes:
    """All of them together."""
    return b"".join(event for event, _ in events(api, answer))


def _chat(answer: Answer) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": answer.text or None}
    if answer.refusal:
        message["refusal"] = answer.refusal
    if answer.tool_calls:
        message["tool_calls"] = [*_chat_calls(answer)]
    choice = {
        "index": 0,
        "message": message,
        "logprobs": None,
        "finish_reason": _chat_reason(answer),
    }
    return {
        **_chat_head(answer, "chat.completion"),
        "choices": [choice],
        "usage": _chat_usage(answer),
    }


def _chat_calls(answer: Answer) -> Iterator[dict[str, Any]]:
    for at, (name, arguments) in enumerate(answer.tool_calls):
        function = {"name": name, "arguments": orjson.dumps(arguments).decode()}
        yield {"id": f"call_{answer.tag}{at}", "type": "function", "function": function}


def _chat_reason(answer: Answer) -> str:
    return "tool_calls" if answer.tool_calls else "stop"


def _chat_head(answer: Answer, kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{answer.tag}",
        "object": kind,
        "created": 1_760_000_000 + answer.serial,
        "model": answer.model,
        "system_fingerprint": f"fp_{answer.tag[:6]}",
    }


def _chat_usage(answer: Answer) -> dict[str, int]:
    return {
        "prompt_tokens": answer.input_tokens,
        "completion_tokens": answer.output_tokens,
        "total_tokens": answer.input_tokens + answer.output_tokens,
    }


def _chat_events(answer: Answer) -> Iterator[tuple[bytes, bool]]:
    dice = random.Random(answer.serial)

    def chunk(delta: dict[str, Any], reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": reason, "logprobs": None}
        padding = "".join(dice.choices(string.ascii_letters, k=dice.randint(1, 24)))
        head = _chat_head(answer, "chat.completion.chunk")
        return _event({**head, "choices": [choice], "usage": None, "obfuscation": padding})

    yield chunk({"role": "assistant", "content": "" if answer.text else None}), False
    for token in answer.tokens:
        yield chunk({"content": token}), True
    for word in _TOKEN.findall(answer.refusal):
        yield chunk({"refusal": word}), True
    for at, call in enumerate(_chat_calls(answer)):
        arguments = call["function"]["arguments"]
        begun = {**call, "index": at, "function": {**call["function"], "arguments": ""}}
        yield chunk({"tool_calls": [begun]}), True
        for piece in _halves(arguments):
            more = {"index": at, "function": {"arguments": piece}}
            yield chunk({"tool_calls": [more]}), True
    yield chunk({}, _chat_reason(answer)), False
    head = _chat_head(answer, "chat.completion.chunk")
    yield _event({**head, "choices": [], "usage": _chat_usage(answer), "obfuscation": "x"}), False
    yield b"data: [DONE]\n\n", False


def _response(answer: Answer) -> dict[str, Any]:
    part = {"type": "output_text", "text": answer.text, "annotations": []}
    if answer.refusal:
        part = {"type": "refusal", "refusal": answer.refusal}
    output: list[dict[str, Any]] = [{"id": f"rs_{answer.tag}", "type": "reasoning", "summary": []}]
    if answer.text or answer.refusal:
        message = {"type": "message", "status": "completed", "role": "assistant"}
        output.append({"id": f"msg_{answer.tag}", **message, "content": [part]})
    for at, (name, arguments) in enumerate(answer.tool_calls):
        output.append(
            {
                "id": f"fc_{answer.tag}{at}",
                "type": "function_call",
                "call_id": f"call_{answer.tag}{at}",
                "name": name,
                "arguments": orjson.dumps(arguments).decode(),
            }
        )
    usage = {"input_tokens": answer.input_tokens, "output_tokens": answer.output_tokens}
    return {**_response_head(answer), "status": "completed", "output": output, "usage": usage}


def _response_head(answer: Answer) -> dict[str, Any]:
    created_at = 1_760_000_000 + answer.serial
    return {
        "id": f"resp_{answer.tag}",
        "object": "response",
        "created_at": created_at,
        "model": answer.model,
    }


def _response_events(answer: Answer) -> Iterator[tuple[bytes, bool]]:
    begun = {**_response_head(answer), "status": "in_progress", "output": [], "usage": None}
    whole = _response(answer)
    yield _named({"type": "response.created", "response": begun}), False
    yield _named({"type": "response.in_progress", "response": begun}), False
    for at, item in enumerate(whole["output"]):
        place = {"output_index": at, "item_id": item["id"]}
        empty = {**item, "content": []} if item["type"] == "message" else item
        yield _named({"type": "response.output_item.added", **place, "item": empty}), False
        deltas: list[tuple[str, str]] = []
        if item["type"] == "message" and answer.text:
            deltas = [("response.output_text.delta", token) for token in answer.tokens]
        elif item["type"] == "message":
            deltas = [("response.refusal.delta", answer.refusal)]
        elif item["type"] == "function_call":
            kind = "response.function_call_arguments.delta"
            deltas = [(kind, piece) for piece in _halves(item["arguments"])]
        for number, (kind, delta) in enumerate(deltas):
            padding = answer.tag[: number % 8]
            yield _named({"type": kind, **place, "delta": delta, "obfuscation": padding}), True
        yield _named({"type": "response.output_item.done", **place, "item": item}), False
    yield _named({"type": "response.completed", "response": whole}), False


def _message(answer: Answer) -> dict[str, Any]:
    blocks: list[dict[str, Any]] = []
    if said := answer.text or answer.refusal:
        blocks.append({"type": "text", "text": said})
    for at, (name, arguments) in enumerate(answer.tool_calls):
        call = f"toolu_{answer.tag}{at}"
        blocks.append({"type": "tool_use", "id": call, "name": name, "input": arguments})
    reason = "tool_use" if answer.tool_calls else "end_turn"
    return {
        **_message_head(answer),
        "content": blocks,
        "stop_reason": "refusal" if answer.refusal else reason,
        "usage": {"input_tokens": answer.input_tokens, "output_tokens": answer.output_tokens},
    }


def _message_head(answer: Answer) -> dict[str, Any]:
    return {
        "id": f"msg_{answer.tag}",
        "type": "message",
        "role": "assistant",
        "model": answer.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": answer.input_tokens, "output_tokens": 1},
    }


def _message_events(answer: Answer) -> Iterator[tuple[bytes, bool]]:
    whole = _message(answer)
    yield _named({"type": "message_start", "message": _message_head(answer)}), False
    for at, block in enumerate(whole["content"]):
        is_text = block["type"] == "text"
        empty = {**block, "text": ""} if is_text else {**block, "input": {}}
        yield _named({"type": "content_block_start", "index": at, "content_block": empty}), False
        yield _named({"type": "ping"}), False
        if is_text:
            words = _TOKEN.findall(block["text"])
            deltas = [{"type": "text_delta", "text": word} for word in words]
        else:
            pieces = _halves(orjson.dumps(block["input"]).decode())
            deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
        for delta in deltas:
            yield _named({"type": "content_block_delta", "index": at, "delta": delta}), True
        yield _named({"type": "content_block_stop", "index": at}), False
    ended = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    usage = {"output_tokens": answer.output_tokens}
    yield _named({"type": "message_delta", "delta": ended, "usage": usage}), False
    yield _named({"type": "message_stop"}), False


def _halves(text: str) -> list[str]:
    """A text in two pieces, cut where nobody would."""
    return [piece for piece in (text[: len(text) // 2], text[len(text) // 2 :]) if piece]


def _event(content: dict[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(content) + b"\n\n"


def _named(content: dict[str, Any]) -> bytes:
    kind: str = content["type"]
    return b"event: " + kind.encode() + b"\n" + _event(content)


def again(answer: Answer) -> Answer:
    """The same said in another call: what is random differs."""
    return replace(answer, serial=answer.serial + 1)


_PLAIN = {
    "openai_chat": _chat,
    "openai_responses": _response,
    "anthropic_messages": _message,
}
_EVENTS = {
    "openai_chat": _chat_events,
    "openai_responses": _response_events,
    "anthropic_messages": _message_events,
}

"""From the events of a streamed answer to the answer as it would have come in one piece.

What the chat APIs have in common: each event holds JSON, the last one may be the text `[DONE]`, and
an error that happens midway is told as one more event. An `Assembly` is one API's state machine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from harness.dialects.encoding import decoded_text
from harness.dialects.event_stream import events_of, is_event_stream
from harness.dialects.json_predict import parsed_json
from harness.exchange import Headers
from harness.output import MISSING, Decoded, Found, JsonValue, Undecodable

CUT_OFF = "cut_off"
"""Kind of an answer that ended before its end: see `harness.output.Undecodable`."""

_DONE = "[DONE]"


class Assembly(Protocol):
    """One streamed answer, growing event by event."""

    def add(self, event: dict[str, JsonValue]) -> bool:
        """Take one event's JSON; whether it brought a part of the answer a user would see."""
        ...

    def end(self) -> None:
        """The stream said that it is at its end."""
        ...

    @property
    def problem(self) -> str | None:
        """Why what is there is not the whole answer; None once it is."""
        ...

    @property
    def answer(self) -> JsonValue:
        """What is there, in the form of a plain answer."""
        ...


def decoded_stream(text: bytes, assembly: Assembly) -> Decoded:
    """Read a stream to its end."""
    n_events = 0
    for event in events_of(text):
        n_events += 1
        if event.data.strip() == _DONE:
            assembly.end()
            continue
        content = parsed_json(event.data.encode())
        if isinstance(content, Undecodable):
            return Undecodable(f"event {n_events} is {content.reason}")
        if not isinstance(content, dict):
            return Undecodable(f"event {n_events} is no JSON object")
        if (said := _error_of(content)) is not None:
            return _cut_off(f"the stream reports: {said}", assembly.answer)
        assembly.add(content)
    if not n_events:
        return _cut_off("the stream ended before its first event", MISSING)
    if (problem := assembly.problem) is not None:
        return _cut_off(f"the stream ended before {problem}", assembly.answer)
    return assembly.answer


def decoded_body(body: bytes, headers: Headers, assembly: Callable[[], Assembly]) -> Decoded:
    """A plain or a streamed answer, whichever it is."""
    text = decoded_text(body, headers)
    if isinstance(text, Undecodable):
        return text
    if is_event_stream(text, headers):
        return decoded_stream(text, assembly())
    return parsed_json(text)


def content_ends(body: bytes, headers: Headers, assembly: Assembly) -> list[tuple[int, bool]]:
    """Of each event of a stream: where it ends in the body, and whether it brought content.

    Empty for a plain answer, and for one with a content coding: what its bytes say is then not
    where they stand.
    """
    if decoded_text(body, headers) != body or not is_event_stream(body, headers):
        return []
    found = []
    for event in events_of(body):
        is_mark = event.data.strip() == _DONE
        content = None if is_mark else parsed_json(event.data.encode())
        brought = isinstance(content, dict) and _error_of(content) is None and assembly.add(content)
        found.append((event.end, brought))
    return found


def _error_of(event: dict[str, JsonValue]) -> str | None:
    """What an event that is an error says, in one line."""
    error = event if event.get("type") == "error" and "error" not in event else event.get("error")
    if not error:
        return None
    message = error.get("message") or error.get("type") if isinstance(error, dict) else error
    return " ".join(str(message).split())[:200]


def _cut_off(reason: str, received: Found) -> Undecodable:
    return Undecodable(reason, kind=CUT_OFF, received=received)

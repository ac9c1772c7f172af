"""A request to a model with another prompt: what a prompt engineer would try.

A change is applied to the JSON body of each request; what is not named stays as it was asked. A
template replaces the body first, the members named beside it are then set in it.

In a template's strings `{{$.path}}` stands for what the recorded body has there: a string that is
nothing but that becomes the value itself, elsewhere it is put into the text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import jsonpath
import orjson

_HOLE = re.compile(r"\{\{\s*(\$[^{}]*?)\s*\}\}")
_SPEAKS_FIRST = ("system", "developer")


class SystemPlace(StrEnum):
    """Where an API takes its system prompt."""

    MESSAGES = "messages"  # OpenAI's chat completions: a message of that role
    SYSTEM = "system"  # Anthropic's messages
    INSTRUCTIONS = "instructions"  # OpenAI's responses


@dataclass(frozen=True, slots=True)
class PromptChange:
    """What differs in the body of each request; None leaves a part as it was asked.

    Attributes:
        system: The system prompt.
        place: Where it goes.
        members: Members of the body to set, `model` and `temperature` for instance.
        template: A JSON document that takes the body's place.
    """

    system: str | None = None
    place: SystemPlace = SystemPlace.MESSAGES
    members: tuple[tuple[str, Any], ...] = ()
    template: Any = None

    @property
    def changes_anything(self) -> bool:
        return bool(self.system is not None or self.members or self.template is not None)

    def __call__(self, document: Any) -> Any:
        """The document to send; one that is no JSON object can hold no prompt and stays."""
        if self.template is not None:
            document = _filled(self.template, document)
        if not isinstance(document, dict):
            return document
        changed = {**document, **dict(self.members)}
        return changed if self.system is None else _with_system(changed, self.system, self.place)


def holes(template: Any) -> list[str]:
    """The paths that a template names, for whoever checks them.

    Examples:
        >>> holes({"prompt": "Answer briefly: {{$.question}}", "n": "{{ $.n }}"})
        ['$.question', '$.n']
    """
    match template:
        case str():
            return _HOLE.findall(template)
        case Mapping():
            return [path for member in template.values() for path in holes(member)]
        case list():
            return [path for member in template for path in holes(member)]
        case _:
            return []


def _with_system(document: dict[str, Any], system: str, place: SystemPlace) -> dict[str, Any]:
    if place is not SystemPlace.MESSAGES:
        return {**document, place.value: system}
    messages = document.get("messages")
    if not isinstance(messages, list):
        return {**document, "system": system}
    first = messages[0] if messages else None
    if isinstance(first, dict) and first.get("role") in _SPEAKS_FIRST:
        return {**document, "messages": [{**first, "content": system}, *messages[1:]]}
    return {**document, "messages": [{"role": "system", "content": system}, *messages]}


def _filled(template: Any, document: Any) -> Any:
    match template:
        case str():
            whole = _HOLE.fullmatch(template)
            if whole is not None:
                return _found(whole[1], document)
            return _HOLE.sub(lambda hole: _text(_found(hole[1], document)), template)
        case Mapping():
            return {key: _filled(member, document) for key, member in template.items()}
        case list():
            return [_filled(member, document) for member in template]
        case _:
            return template


def _found(path: str, document: Any) -> Any:
    """The first match; None where there is none."""
    if not isinstance(document, dict | list):
        return None
    return next((match.obj for match in jsonpath.finditer(path, document)), None)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else orjson.dumps(value).decode()

"""Every key of a config, from the models: for messages, the reference page and its test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from harness.config.model import Config


@dataclass(frozen=True, slots=True)
class Key:
    """One key.

    Attributes:
        path: As people write it: `challengers[].timeout`, `policy.rules[].margin`.
    """

    path: str
    field: FieldInfo


@cache
def keys() -> tuple[Key, ...]:
    """All keys, in the order of the models, each once."""
    first: dict[str, Key] = {}
    for key in _walk(Config, ""):
        first.setdefault(key.path, key)
    return tuple(first.values())


@cache
def all_keys() -> tuple[str, ...]:
    """The paths of all keys."""
    return tuple(key.path for key in keys())


def _walk(section: type[BaseModel], prefix: str) -> Iterator[Key]:
    for name, field in section.model_fields.items():
        path = f"{prefix}{field.alias or name}"
        yield Key(path, field)
        for below, step in _sections(field.annotation, ""):
            yield from _walk(below, f"{path}{step}.")


def _sections(annotation: Any, step: str) -> Iterator[tuple[type[BaseModel], str]]:
    """The sections that may stand where this annotation is, with `[]` or `.NAME` on the way."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation, step
        return
    inner = {"tuple": "[]", "dict": ".NAME"}.get(
        getattr(get_origin(annotation), "__name__", ""), ""
    )
    for argument in get_args(annotation):
        yield from _sections(argument, step + inner)

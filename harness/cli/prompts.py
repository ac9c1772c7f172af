"""The rewrites of a config's challengers, with the files they name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonpath

from harness.config import Config
from harness.config.deployment import Challenger, Deployment
from harness.errors import ConfigError
from harness.traffic.prompting import PromptChange, SystemPlace, holes
from harness.traffic.rewriting import Rewrite

_PLACES = {
    "anthropic_messages": SystemPlace.SYSTEM,
    "openai_responses": SystemPlace.INSTRUCTIONS,
}


def rewrite_for(one: Deployment, shared: Rewrite, config: Config) -> Rewrite:
    """What everybody's requests go through, and what this one's do after that.

    Raises:
        ConfigError: A file cannot be used.
    """
    return shared.then(_own(one, config)) if isinstance(one, Challenger) else shared


def refuse_unreadable_prompts(config: Config) -> None:
    """Look whether all files that rewrites name are to be had.

    Raises:
        ConfigError: One is not.
    """
    for one in config.challengers:
        _own(one, config)


def _own(one: Challenger, config: Config) -> Rewrite:
    written = one.rewrite
    members: dict[str, Any] = {}
    if written.model is not None:
        members["model"] = written.model
    if written.temperature is not None:
        members["temperature"] = written.temperature
    if written.tools is not None:
        members["tools"] = _json(written.tools, one, "tools", config)
    template = None
    if written.template is not None:
        template = _json(written.template, one, "template", config)
        _check(template, one, config)
    system = None
    if written.system is not None:
        system = _text(written.system, one, "system", config).rstrip("\n")
    place = _PLACES.get(config.dialect, SystemPlace.MESSAGES)
    plain = written.rewrite()
    return Rewrite(
        plain.headers,
        plain.body,
        plain.shift_times,
        PromptChange(system, place, tuple(members.items()), template),
    )


def _check(template: Any, one: Challenger, config: Config) -> None:
    for path in holes(template):
        try:
            jsonpath.compile(path)
        except jsonpath.JSONPathError as exc:
            raise _refused(one, "template", config, f"names {path!r}, which is no path") from exc


def _json(name: str, one: Challenger, key: str, config: Config) -> Any:
    try:
        return json.loads(_text(name, one, key, config))
    except (ValueError, RecursionError) as exc:
        raise _refused(one, key, config, f"{name} is no JSON") from exc


def _text(name: str, one: Challenger, key: str, config: Config) -> str:
    path: Path = config.directory / name
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "no UTF-8 text"
        raise _refused(one, key, config, f"{path} cannot be read ({reason})") from exc


def _refused(one: Challenger, key: str, config: Config, problem: str) -> ConfigError:
    return ConfigError(str(config.path), f"{one.name}.rewrite.{key}", problem)

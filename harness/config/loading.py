"""From a YAML file to a `Config`, or to everything that is wrong with it at once.

The document is validated section by section, and its names and rules against each other, whether or
not a section is sound: who fixes one thing should not meet the next one only then.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.config import document as documents
from harness.config.agreement import disagreements
from harness.config.document import Document
from harness.config.model import Config
from harness.config.problems import BadValueError, KeyPath, all_of, shown
from harness.config.references import RESOLVED_KEYS, References, is_reference
from harness.config.section import Reading
from harness.config.speaking import Speaker
from harness.config.unsupported import take_out
from harness.config.variants import as_champion, with_variants
from harness.errors import ConfigError


def load(
    path: str | os.PathLike[str],
    *,
    overrides: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Config:
    """Read and validate a config.

    Args:
        overrides: Dotted key to YAML text, for instance `{"pacing.speed": "5"}`: what flags of
            the command line say. A relative `log` starts from the config's directory here too.
        environment: For `${env:NAME}`; the process's own where None.

    Raises:
        ConfigError: With every problem found, one line each.
    """
    where = Path(path)
    read = documents.read(where)
    values = deepcopy(read.values)
    for key, text in (overrides or {}).items():
        _override(values, key, text, str(where))
    references = References(os.environ if environment is None else environment, where.parent)
    return _validated(Document(values, read.lines, read.problems), where, references)


def restore(masked: Mapping[str, Any], *, path: str | os.PathLike[str]) -> Config:
    """The config of a stored run, from what `Config.masked` gave. References stay unresolved.

    Raises:
        ConfigError: It was written by a version with other keys.
    """
    where = Path(path)
    references = References({}, where.parent, resolving=False)
    return _validated(Document(deepcopy(dict(masked)), {}), where, references)


def rebuilt(document: Mapping[str, Any], *, path: str | os.PathLike[str]) -> Config:
    """The same config in another process, from `Config.masked`: references are resolved there.

    Raises:
        ConfigError: A secret is not to be had there.
    """
    where = Path(path)
    references = References(os.environ, where.parent)
    return _validated(Document(deepcopy(dict(document)), {}), where, references)


def _validated(document: Document, path: Path, references: References) -> Config:
    reading = Reading(references)
    document = replace(document, values=as_champion(with_variants(document.values)))
    values = deepcopy(document.values)
    unsupported = list(take_out(values))
    say = Speaker(document, values, str(path), reading)
    problems = list(document.problems)
    problems += [say.refused(one, one.key) for one in unsupported]
    try:
        config = Config.model_validate(values, context=reading)
    except ValidationError as exc:
        # Not chained: pydantic's error holds resolved secrets, and a traceback would print them.
        problems += [say.invalid(error) for error in exc.errors()]
    problems += [say.refused(refused, refused.key) for refused in disagreements(values)]
    problems += [say.refused(_misplaced, at) for at in _misplaced_references(values)]
    if error := all_of(problems):
        raise error
    config.came_from(path, document.values)
    return config


_misplaced = BadValueError(
    "holds a reference, which is not resolved here",
    f"References work in {', '.join(RESOLVED_KEYS)}",
)


def _misplaced_references(values: Any, at: KeyPath = ()) -> Iterator[KeyPath]:
    """Where a reference stands that nobody resolves."""
    if isinstance(values, str):
        if is_reference(values) and not set(RESOLVED_KEYS) & set(at):
            yield at
    elif isinstance(values, dict | list):
        entries: Iterable[tuple[Any, Any]] = (
            values.items() if isinstance(values, dict) else enumerate(values)
        )
        for key, value in entries:
            yield from _misplaced_references(value, (*at, key))


def _override(values: dict[str, Any], key: str, text: str, path: str) -> None:
    *sections, last = key.split(".")
    at: Any = values
    for section in sections:
        at = at.setdefault(section, {})
        if not isinstance(at, dict):
            raise ConfigError(path, key, f"cannot be set, {section} is {shown(at)}")
    if key == "log" and isinstance(at.get(last), dict):
        at, last = at[last], "path"  # another file, to be read alike
    at[last] = documents.parse(f"value: {text}", path).values["value"]

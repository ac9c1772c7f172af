"""One YAML file as plain values, with the line on which each of them stands.

YAML 1.2, the safe subset: mappings with text keys, lists, text, numbers, booleans and null. The
nodes are turned into values here rather than by the YAML library, because that is where lines are
known, where a key that stands twice is seen, and where aliases can be counted: ten lines of them
are enough to write out a billion values.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, ReusedAnchorWarning, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from harness.config.problems import KeyPath, dotted
from harness.errors import ConfigError

MAX_BYTES = 1024 * 1024
MAX_VALUES = 10_000
"""Values in all, aliases written out. The longest config in our scenarios has below 200."""
MAX_DEPTH = 40

_TAG = "tag:yaml.org,2002:"


@dataclass(frozen=True, slots=True)
class Document:
    """What a YAML file says.

    Attributes:
        lines: Line of each key and list item, counted from 1.
        problems: Places that could not be taken as they are; the rest stands in `values`.
    """

    values: dict[str, Any]
    lines: dict[KeyPath, int]
    problems: tuple[ConfigError, ...] = ()

    def line_of(self, path: KeyPath) -> int | None:
        """The line of a key, or of the nearest thing around it that is there."""
        for end in range(len(path), 0, -1):
            if path[:end] in self.lines:
                return self.lines[path[:end]]
        return None


def read(path: Path) -> Document:
    """Read a config file.

    Raises:
        ConfigError: It cannot be read, is no text, or is no YAML we take.
    """
    return parse(_text(path), str(path))


def parse(text: str, path: str) -> Document:
    """Read the text of a config file; `path` is for messages.

    Raises:
        ConfigError: See `read`.
    """
    root = _compose(text, path)
    if root is None:
        raise ConfigError(path, "", "is empty", "`harness init` writes one to start from")
    builder = _Builder(path)
    values = builder.value(root, ())
    if not isinstance(values, dict):
        raise ConfigError(path, "", "is no mapping of keys to values", _START)
    return Document(values, builder.lines, tuple(builder.problems))


_START = "A config starts with keys such as `champion:` and `challengers:`"


def _text(path: Path) -> str:
    where = str(path)
    try:
        if path.is_dir():
            raise ConfigError(where, "", "is a directory", "Name the YAML file in it")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError as exc:
        raise ConfigError(
            where, "", "does not exist", "`harness init` writes a config to start from"
        ) from exc
    except (OSError, ValueError) as exc:
        reason = (exc.strerror if isinstance(exc, OSError) else None) or str(exc)
        raise ConfigError(where, "", f"cannot be read ({reason})") from exc
    if len(content) > MAX_BYTES:
        raise ConfigError(where, "", "is larger than 1 MiB", "A config is text of a few KiB")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        line = content.count(b"\n", 0, exc.start) + 1
        raise ConfigError(
            where, "", "is not UTF-8 text", "Name a YAML file, saved as UTF-8", line=line
        ) from exc


def _compose(text: str, path: str) -> Node | None:
    yaml = YAML(typ="safe", pure=True)
    # Nesting costs the parser time that grows with its square: it stops before we would.
    yaml.max_depth = MAX_DEPTH
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", ReusedAnchorWarning)
            node: Node | None = yaml.compose(text)
    except MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        line = mark.line + 1 if mark is not None else None
        raise ConfigError(path, "", f"is no YAML ({_reason(exc)})", line=line) from exc
    except RecursionError as exc:
        raise ConfigError(path, "", f"is nested more than {MAX_DEPTH} deep") from exc
    except ReusedAnchorWarning as exc:
        raise ConfigError(path, "", "defines an anchor twice", "Name anchors apart") from exc
    except (YAMLError, ValueError, AssertionError) as exc:
        raise ConfigError(path, "", f"is no YAML ({_first_line(exc)})") from exc
    return node


def _reason(error: MarkedYAMLError) -> str:
    return str(error.problem or error.context or "unreadable").strip().splitlines()[0]


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), "unreadable")


@dataclass(slots=True)
class _Builder:
    """Turns nodes into values and notes lines and problems on the way."""

    path: str
    lines: dict[KeyPath, int] = field(default_factory=dict)
    problems: list[ConfigError] = field(default_factory=list)
    _n_values: int = 0

    def value(self, node: Node, at: KeyPath) -> Any:
        self._n_values += 1
        if self._n_values > MAX_VALUES or len(at) > MAX_DEPTH:
            raise ConfigError(
                self.path,
                dotted(at[:2]),
                f"comes to more than {MAX_VALUES:,} values or {MAX_DEPTH} levels once its aliases "
                f"are written out",
                "Write out what is meant",
                line=node.start_mark.line + 1,
            )
        self.lines.setdefault(at, node.start_mark.line + 1)
        if isinstance(node, MappingNode) and node.tag == _TAG + "map":
            return self._mapping(node, at)
        if isinstance(node, SequenceNode) and node.tag == _TAG + "seq":
            return [self.value(item, (*at, i)) for i, item in enumerate(node.value)]
        if isinstance(node, ScalarNode):
            return self._scalar(node, at)
        return self._refuse(node, at, f"has the tag {node.tag}, which means nothing here")

    def _mapping(self, node: MappingNode, at: KeyPath) -> dict[str, Any]:
        values: dict[str, Any] = {}
        first: dict[str, int] = {}
        for key_node, value_node in self._entries(node, at):
            key = key_node.value
            here, line = (*at, key), key_node.start_mark.line + 1
            if key in first:
                self._problem(
                    here, line, f"stands twice, first in line {first[key]}", "Remove one of them"
                )
                continue
            first[key] = line
            self.lines[here] = line
            values[key] = self.value(value_node, here)
        return values

    def _entries(self, node: MappingNode, at: KeyPath) -> Iterator[tuple[ScalarNode, Node]]:
        """The mapping's own entries; what is no key becomes a problem."""
        for key_node, value_node in node.value:
            if _is_key(key_node):
                yield key_node, value_node
                continue
            self._n_values += 1
            self._problem(
                at,
                key_node.start_mark.line + 1,
                "has a key that is no text",
                "Put it in quotes, or write merged keys (`<<`) out",
            )

    def _scalar(self, node: ScalarNode, at: KeyPath) -> Any:
        text, tag = node.value, str(node.tag).removeprefix(_TAG)
        if not _is_text(text):
            return self._refuse(node, at, "holds a character that is no text")
        try:
            match tag:
                case "str" | "timestamp":
                    return text
                case "null":
                    return None
                case "bool":
                    return _boolean(text)
                case "int":
                    return _whole(text)
                case "float":
                    return _decimal(text)
        except ValueError:
            return self._refuse(node, at, f"is {text[:40]!r}, which is no {tag}")
        return self._refuse(node, at, f"has the tag {node.tag}, which means nothing here")

    def _refuse(self, node: Node, at: KeyPath, problem: str) -> None:
        self._problem(at, node.start_mark.line + 1, problem, "Write plain text or a number")

    def _problem(self, at: KeyPath, line: int, problem: str, remedy: str) -> None:
        self.problems.append(ConfigError(self.path, dotted(at), problem, remedy, line=line))


def _is_key(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.tag == _TAG + "str" and _is_text(node.value)


def _is_text(text: str) -> bool:
    """Whether it can be written as UTF-8; YAML's escapes can spell half a surrogate pair."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"


def _whole(text: str) -> int:
    """YAML 1.2 whole numbers: decimal, 0o17 and 0x1F."""
    if text[:2].lower() in ("0o", "0x"):
        return int(text, 0)
    return int(text)


def _decimal(text: str) -> float:
    lowered = text.lower()
    if lowered.lstrip("+-") in (".inf", ".nan"):
        return float(lowered.replace(".", ""))
    return float(text)

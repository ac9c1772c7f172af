"""What validation found, in our words, with values and lines as the document has them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from pydantic_core import ErrorDetails

from harness.config.comparison import known_kinds
from harness.config.document import Document
from harness.config.fields import all_keys
from harness.config.problems import BadValueError, KeyPath, dotted, nearest, shown
from harness.config.rules import VERBS, verbs_of
from harness.config.section import Reading, keys_of
from harness.config.traffic import PACING_MODES
from harness.errors import ConfigError

_ALLOWED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing_size": "a whole number of ordinary size",
    "float_type": "a number",
    "bool_type": "true or false",
    "finite_number": "a finite number",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a mapping of keys to values",
    "model_type": "a mapping of keys to values",
    "model_attributes_type": "a mapping of keys to values",
    "greater_than": "above {gt:g}",
    "greater_than_equal": "{ge:g} or more",
    "less_than": "below {lt:g}",
    "less_than_equal": "{le:g} or less",
    "literal_error": "{expected}",
    "string_too_short": "one character or more",
    "too_short": "a list with something in it",
}

_INSERTED = re.compile(r"<[a-z_]+>|\[key\]")

_NAME_PATTERN = "a name of letters, digits, dots, dashes and underscores, 64 at most"
_HEADER_PATTERN = "the name of a header"


@dataclass(frozen=True, slots=True)
class Speaker:
    """Turns what was found into errors for the author.

    Attributes:
        document: For lines.
        values: What was validated: the document's values without the keys that were taken out.
    """

    document: Document
    values: dict[str, Any]
    path: str
    reading: Reading

    def refused(self, refused: BadValueError, at: KeyPath) -> ConfigError:
        """A value one of our own checks refused."""
        problem = refused.problem.replace("{value}", shown(self._at(at)))
        return self._error(at, problem, refused.remedy)

    def invalid(self, error: ErrorDetails) -> ConfigError:
        """An error of pydantic's. `loc` is the key path with the names of union members in it."""
        at = self._key_path(error["loc"])
        kind, context = error["type"], error.get("ctx", {})
        cause = context.get("error")
        if isinstance(cause, BadValueError):
            return self.refused(cause, at + cause.key)
        known = self._known_around(at)
        match kind:
            case "extra_forbidden":
                return self._error(at, "unknown key", self._meant(at, known))
            case "missing":
                return self._error(at, "is missing", _meaning(known.get(str(at[-1]), "")))
            case "union_tag_not_found" | "union_tag_invalid":
                return self.refused(*self._unsorted(at))
        if error["loc"][-1] == "[key]":
            return self._error(at, f"must be {_pattern(context)}", "")
        value = self._at(at)
        remedy = nearest(str(value), _literals(context)) if kind == "literal_error" else ""
        allowed = _pattern(context) if kind == "string_pattern_mismatch" else _allowed(error)
        if kind == "string_type" and isinstance(value, int | float):
            remedy = "Put it in quotes"
        return self._error(at, f"is {shown(value)}, must be {allowed}", remedy)

    def _unsorted(self, at: KeyPath) -> tuple[BadValueError, KeyPath]:
        """Why a mapping is none of the kinds that may stand here."""
        value = self._at(at)
        if not isinstance(value, Mapping):
            return BadValueError("is {value}, must be a mapping of keys to values"), at
        if at[0] == "pacing":
            return _one_of(PACING_MODES, value.get("mode")), (*at, "mode")
        if at[0] == "compare":
            return _one_of(known_kinds(), value.get("as")), (*at, "as")
        verbs = verbs_of(value)
        if verbs:
            both = " and ".join(f"`{verb}`" for verb in verbs)
            return BadValueError(f"has {both}", "Write a rule for each"), at
        first = next(iter(value), "")
        return BadValueError(f"has none of {', '.join(VERBS)}", nearest(first, VERBS)), at

    def _meant(self, at: KeyPath, known: Mapping[str, str]) -> str:
        """The nearest key here, or the place where that very key belongs."""
        key = str(at[-1])
        homes = [path for path in all_keys() if path.rpartition(".")[2] == key]
        elsewhere = len(homes) == 1 and homes[0] != dotted(at)
        if elsewhere and not get_close_matches(key, known, n=1):
            return f"It belongs elsewhere: `{homes[0]}`"
        return nearest(key, known)

    def _key_path(self, location: tuple[int | str, ...]) -> KeyPath:
        """A location without what pydantic puts in: tags of unions, and `[key]` for a key."""
        at: KeyPath = ()
        for part in location:
            around = self._at(at)
            is_key = isinstance(around, Mapping) and part in around
            if is_key or not (isinstance(part, str) and _INSERTED.fullmatch(part)):
                at += (part,)
        return at

    def _at(self, at: KeyPath) -> Any:
        value: Any = self.document.values
        for part in at:
            try:
                value = value[part]
            except (KeyError, IndexError, TypeError):
                return None
        return value

    def _known_around(self, at: KeyPath) -> dict[str, str]:
        around: Any = self.values
        for part in at[:-1]:
            try:
                around = around[part]
            except (KeyError, IndexError, TypeError):
                return {}
        section = self.reading.sections.get(id(around))
        return keys_of(section) if section is not None else {}

    def _error(self, at: KeyPath, problem: str, remedy: str) -> ConfigError:
        line = self.document.line_of(at)
        return ConfigError(self.path, dotted(at), problem, remedy, line=line)


def _meaning(description: str) -> str:
    """What a key is for, behind a message that it is missing."""
    text = description.rstrip(".")
    return f"It means: {text[:1].lower()}{text[1:]}" if text else ""


def _one_of(allowed: tuple[str, ...], value: Any) -> BadValueError:
    names = ", ".join(allowed)
    if value is None:
        return BadValueError("is missing", f"Say one of {names}")
    return BadValueError(f"is {{value}}, must be one of {names}", nearest(str(value), allowed))


def _allowed(error: ErrorDetails) -> str:
    text = _ALLOWED.get(error["type"])
    return (
        text.format(**error.get("ctx", {}))
        if text
        else error["msg"].removeprefix("Input should be ")
    )


def _pattern(context: Mapping[str, Any]) -> str:
    pattern = str(context.get("pattern", ""))
    if pattern.startswith("^[A-Za-z0-9]"):
        return _NAME_PATTERN
    if pattern == "^[A-Z]+$":
        return "a method such as POST"
    return _HEADER_PATTERN


def _literals(context: Mapping[str, Any]) -> list[str]:
    return str(context.get("expected", "")).replace(" or ", ", ").replace("'", "").split(", ")

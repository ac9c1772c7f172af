"""What is wrong with a config, said to its author: where, what, what is allowed, what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from harness.errors import ConfigError, HarnessError

KeyPath = tuple[str | int, ...]
"""Keys and list positions from the top of the document."""


class BadValueError(ValueError):
    """A value we do not take, raised by the code that looked at it.

    It never carries the value itself, which may be a secret by then: `{value}` in `problem` is
    filled in from the document, where a secret is still its reference.

    Args:
        problem: For instance `is {value}, must be 0 or more`.
        key: Where it is, below the place that was being validated.
    """

    def __init__(self, problem: str, remedy: str = "", *, key: KeyPath = ()) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy
        self.key = key


class BadConfigError(ConfigError):
    """Several things wrong with one config, one line each, in the order of the file."""

    def __init__(self, problems: Sequence[ConfigError]) -> None:
        HarnessError.__init__(self, "\n".join(str(problem) for problem in problems))
        first = problems[0]
        self.path, self.key, self.line = first.path, first.key, first.line
        self.problems = tuple(problems)


def all_of(problems: Iterable[ConfigError]) -> ConfigError | None:
    """One error that says them all; None when there are none.

    Of several about one key the first is said: the others follow from it, mostly.
    """
    said: dict[tuple[int | None, str], ConfigError] = {}
    for problem in problems:
        said.setdefault((problem.line, problem.key), problem)
    ordered = sorted(said.values(), key=lambda problem: problem.line or 0)
    if not ordered:
        return None
    return ordered[0] if len(ordered) == 1 else BadConfigError(ordered)


def dotted(path: KeyPath) -> str:
    """A place as people write it.

    Examples:
        >>> dotted(("policy", "rules", 0, "margin"))
        'policy.rules[0].margin'
    """
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


def nearest(word: str, known: Iterable[str]) -> str:
    """A remedy that names what was probably meant, or all there is.

    Examples:
        >>> nearest("margn", ["margin", "limit"])
        "Did you mean 'margin'?"
        >>> nearest("zzz", ["margin", "limit"])
        'Known here: limit, margin'
    """
    names = sorted(set(known))
    close = get_close_matches(word, names, n=1)
    if close:
        return f"Did you mean {close[0]!r}?"
    return f"Known here: {', '.join(names)}" if names else ""


def shown(value: Any) -> str:
    """A value as a message quotes it: short, and on one line."""
    match value:
        case None:
            return "empty"
        case bool():
            return "true" if value else "false"
        case str():
            return repr(value if len(value) <= 60 else value[:57] + "...")
        case Mapping():
            return "a mapping"
        case list() | tuple():
            return "a list"
        case int() if abs(value) >= 10**20:
            return "a huge number"
    return str(value)

"""Which parts of an answer a config names: those to ignore, or the lists without an order.

A pattern is a JSON path of names, indices and wildcards (`$.id`, `$.items[*].created`), or one name
at any depth (`$..created`). Patterns are kept as a tree that is walked along with the answers, so
that they cost nothing where they do not apply.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from harness.compare.wording import step_text

_STEP = re.compile(
    r"""\.(?P<name>[^.\[\]*'"\s]+)
      | \[(?P<index>[0-9]+)\]
      | (?P<wild>\.\*|\[\*\])
      | \['(?P<single>(?:[^'\\]|\\.)*)'\]
      | \["(?P<double>(?:[^"\\]|\\.)*)"\]""",
    re.VERBOSE,
)
_ANY_DEPTH = re.compile(r"\$\.\.(?P<name>[^.\[\]*'\"\s]+)")
_ESCAPED = re.compile(r"\\(.)")


Key = str | int


@dataclass(slots=True)
class _Branch:
    """What patterns say below one step."""

    below: dict[Key, _Branch] = field(default_factory=dict)
    below_any: _Branch | None = None
    ends: bool = False

    def grow(self, key: Key | None) -> _Branch:
        """The branch below a key, None for a wildcard; made where there is none."""
        if key is not None:
            return self.below.setdefault(key, _Branch())
        if self.below_any is None:
            self.below_any = _Branch()
        return self.below_any


Position = tuple[_Branch, ...]
"""Where we are in the patterns; empty where none applies any more."""


@dataclass(frozen=True, slots=True)
class Patterns:
    """Patterns, ready to be walked.

    Attributes:
        start: Position at the root of an answer.
        names: Names that count at any depth.
    """

    start: Position
    names: frozenset[str]

    @classmethod
    def of(cls, patterns: Iterable[str]) -> Patterns:
        """Compile patterns.

        Raises:
            ValueError: One of them is not of the kind described in the module.
        """
        root = _Branch()
        names: set[str] = set()
        for pattern in patterns:
            anywhere = _ANY_DEPTH.fullmatch(pattern)
            if anywhere is not None:
                names.add(anywhere["name"])
                continue
            branch = root
            for key in _steps(pattern):
                branch = branch.grow(key)
            branch.ends = True
        return cls((root,) if root != _Branch() else (), frozenset(names))

    def covers(self, path: Iterable[Key]) -> bool:
        """Whether what is at a path is named, or below something that is."""
        position = self.start
        if is_named(position):
            return True
        for key in path:
            position = below(position, key)
            if key in self.names or is_named(position):
                return True
        return False


def is_named(position: Position) -> bool:
    """Whether a pattern ends here."""
    return any([branch.ends for branch in position])  # noqa: C419  # a list is faster when short


def below(position: Position, key: Key) -> Position:
    """The position one step down."""
    deeper: Position = ()
    for branch in position:
        if key in branch.below:
            deeper += (branch.below[key],)
        if branch.below_any is not None:
            deeper += (branch.below_any,)
    return deeper


def seen_from(path: str, patterns: Iterable[str]) -> tuple[str, ...]:
    """Patterns of a whole answer, for the part of it at a path.

    A pattern that names the part itself, or something it is in, is left out: who asks for a part
    wants it compared. Below a path of a kind that is not read here only names at any depth count.

    Examples:
        >>> seen_from("$.choices[0].message", ["$.id", "$.choices[*].message.calls[*].id"])
        ('$.calls[*].id',)
        >>> seen_from("$.items[*]", ["$.items[*].id", "$..created"])
        ('$[*].id', '$..created')
    """
    try:
        above: list[Key | None] | None = _steps(path)
    except ValueError:
        above = None
    found = []
    for pattern in patterns:
        if _ANY_DEPTH.fullmatch(pattern):
            found.append(pattern)
        elif above is not None and (below_it := _rest(above, _steps(pattern))):
            # A path with a wildcard finds the list of its matches.
            rest = [None, *below_it] if None in above else below_it
            found.append("$" + "".join("[*]" if key is None else step_text(key) for key in rest))
    return tuple(found)


def _rest(above: list[Key | None], steps: list[Key | None]) -> list[Key | None]:
    """The steps that go on below a place; empty where they do not lead through it."""
    through = all(step in (None, key) for step, key in zip(steps, above, strict=False))
    return steps[len(above) :] if through else []


def _steps(pattern: str) -> list[Key | None]:
    at = 1
    steps: list[Key | None] = []
    while at < len(pattern) and pattern.startswith("$"):
        found = _STEP.match(pattern, at)
        if found is None:
            break
        if found["wild"] is not None:
            steps.append(None)
        elif found["index"] is not None:
            steps.append(int(found["index"]))
        else:
            text = found[found.lastgroup or 0]
            steps.append(text if found["name"] is not None else _ESCAPED.sub(r"\1", text))
        at = found.end()
    if at < len(pattern) or not pattern.startswith("$"):
        raise ValueError(
            f"is {pattern!r}, must be a path of names, indices and wildcards, such as "
            f"`$.items[*].id`, or one name at any depth, `$..id`"
        )
    return steps

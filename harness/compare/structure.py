"""JSON values agree when they have the same structure and the same leaves.

The order of keys does not matter; that of a list does, unless it is named as unordered. Numbers
go by value (1 is 1.0, compared exactly), everything else by type and value.

The walk is a loop over a growing list, level by level: it does not recurse, so that no depth of
nesting can break it, and the first differences found are the ones nearest to the root. A path is
kept as a chain of its steps and written out only where a difference is. Sub-trees that are copies
of each other are recognised in C and not walked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

import orjson

from harness.compare.comparison import SAME, Comparison
from harness.compare.difference import Difference, DifferenceKind
from harness.compare.patterns import Key, Patterns, Position, below, is_named
from harness.compare.wording import step_text
from harness.output import MISSING, Found, JsonValue, RepeatedKeys, same_scalar

# A pair's list of paths is for counting and reading; two unrelated documents would fill a store.
MOST_PATHS = 50

_CONTAINERS = (dict, list, RepeatedKeys)


@dataclass(frozen=True, slots=True)
class SameStructure:
    """Two JSON values agree when every part is the same but for what is ignored.

    The distance is the share of leaves that differ, of all leaves that either side has.

    Args:
        ignore: Parts that are not compared, as in `harness.compare.patterns`.
        unordered: Paths of lists, same form, whose order does not matter. Within them an element
            is either on both sides or not; elements are not compared in part.

    Raises:
        ValueError: A path is not of the form we read.

    Examples:
        >>> SameStructure(ignore=("$.id",))({"id": 1, "x": 2}, {"id": 9, "x": 3}).note
        '$.x: 2 -> 3'
    """

    ignore: tuple[str, ...] = ()
    unordered: tuple[str, ...] = ()
    _ignored: Patterns = field(init=False, repr=False, compare=False)
    _unordered: Patterns = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # A config gives lists; a frozen value keeps tuples.
        object.__setattr__(self, "ignore", tuple(self.ignore))
        object.__setattr__(self, "unordered", tuple(self.unordered))
        object.__setattr__(self, "_ignored", Patterns.of(self.ignore))
        object.__setattr__(self, "_unordered", Patterns.of(self.unordered))

    def __call__(self, champion: JsonValue, challenger: JsonValue) -> Comparison:
        walk = self._walked(champion, challenger)
        if not walk.found:
            return SAME
        more = f" (and {len(walk.found) - 1} more)" if len(walk.found) > 1 else ""
        return Comparison(
            distance=walk.distance,
            agree=False,
            note=f"{walk.found[0]}{more}",
            paths=tuple(dict.fromkeys(found.path for found in walk.found[:MOST_PATHS])),
        )

    def differences(self, champion: JsonValue, challenger: JsonValue) -> list[Difference]:
        """All differences, those nearest to the root first."""
        return self._walked(champion, challenger).found

    def _walked(self, champion: JsonValue, challenger: JsonValue) -> _Walk:
        walk = _Walk(self._ignored, self._unordered)
        if is_named(self._ignored.start):
            return walk
        if not walk.run(champion, challenger):
            walk = _Walk(self._ignored, self._unordered, trusts_equality=False)
            walk.run(champion, challenger)
        return walk


_Chain = tuple["_Chain", Key] | None
_Part = tuple[JsonValue, JsonValue, _Chain, Position, Position]


@dataclass(slots=True)
class _Walk:
    """One walk over two values.

    Attributes:
        trusts_equality: Whether parts that Python calls equal are not walked. It takes `true` for
            1, so that at the end they are written out and compared once more, all in one go.
        parts: What is still to be compared, and what has been.
        alike: Parts of the champion that were not walked; `alike_other` the challenger's.
    """

    ignored: Patterns
    unordered: Patterns
    trusts_equality: bool = True
    found: list[Difference] = field(default_factory=list)
    n_leaves: int = 0
    n_differing: int = 0
    parts: list[_Part] = field(default_factory=list)
    alike: list[JsonValue] = field(default_factory=list)
    alike_other: list[JsonValue] = field(default_factory=list)

    def run(self, champion: JsonValue, challenger: JsonValue) -> bool:
        """Walk; False when Python's equality was wrong, and what was found is void."""
        self.parts.append((champion, challenger, None, self.ignored.start, self.unordered.start))
        self._compare_parts()
        if self.alike:
            n_leaves = _leaves_written_alike(self.alike, self.alike_other)
            self.n_leaves += n_leaves or 0
            return n_leaves is not None
        return True

    @property
    def distance(self) -> float:
        """Share of leaves that differ."""
        return self.n_differing / self.n_leaves

    def _compare_parts(self) -> None:
        for one, other, path, ignored, unordered in self.parts:
            if isinstance(one, dict) and isinstance(other, dict):
                self._objects(one, other, path, ignored, unordered)
            elif not (isinstance(one, list) and isinstance(other, list)):
                self._scalars(one, other, path)
            elif (unordered or self.unordered.names) and self._has_no_order(path, unordered):
                self._bags(one, other, path, ignored)
            else:
                self._lists(one, other, path, ignored, unordered)

    def _objects(
        self,
        one: dict[str, JsonValue],
        other: dict[str, JsonValue],
        path: _Chain,
        ignored: Position,
        unordered: Position,
    ) -> None:
        if isinstance(one, RepeatedKeys) or isinstance(other, RepeatedKeys):
            self._repeated(one, other, path)
        names = self.ignored.names
        trusts = self.trusts_equality and not names
        deeper: Position = ()
        n_same = 0
        for key, x in one.items():
            if names or ignored:
                deeper = below(ignored, key)
                if key in names or is_named(deeper):
                    continue
            # Written out instead of a call, because nearly all parts of nearly all answers are
            # equal scalars or copies.
            y = other.get(key, MISSING)
            kind = type(x)
            if kind is not type(y):
                self._part(x, y, (path, key), deeper, below(unordered, key) if unordered else ())
            elif kind not in _CONTAINERS:
                if x == y:
                    n_same += 1
                else:
                    self._part(x, y, (path, key), deeper, ())
            elif not (trusts and not deeper and self._are_alike(x, y)):
                at = below(unordered, key) if unordered else ()
                self.parts.append((x, y, (path, key), deeper, at))
        self.n_leaves += n_same
        if one.keys() != other.keys():
            for key in other:
                deeper = below(ignored, key)
                if key not in one and key not in names and not is_named(deeper):
                    self._part(MISSING, other[key], (path, key), deeper, ())

    def _lists(
        self,
        one: list[JsonValue],
        other: list[JsonValue],
        path: _Chain,
        ignored: Position,
        unordered: Position,
    ) -> None:
        trusts = self.trusts_equality and not self.ignored.names
        x: Any  # beyond the end of the shorter list MISSING
        y: Any
        deeper: Position = ()
        n_same = 0
        for i, (x, y) in enumerate(zip_longest(one, other, fillvalue=MISSING)):
            if ignored:
                deeper = below(ignored, i)
                if is_named(deeper):
                    continue
            kind = type(x)
            if kind is not type(y):
                self._part(x, y, (path, i), deeper, below(unordered, i) if unordered else ())
            elif kind not in _CONTAINERS:
                if x == y:
                    n_same += 1
                else:
                    self._part(x, y, (path, i), deeper, ())
            elif not (trusts and not deeper and self._are_alike(x, y)):
                at = below(unordered, i) if unordered else ()
                self.parts.append((x, y, (path, i), deeper, at))
        self.n_leaves += n_same

    def _are_alike(self, one: Any, other: Any) -> bool:
        try:
            if one != other:
                return False
        except RecursionError:  # nested deeper than Python compares
            return False
        self.alike.append(one)
        self.alike_other.append(other)
        return True

    def _part(
        self, one: Found, other: Found, path: _Chain, ignored: Position, unordered: Position
    ) -> None:
        if one is MISSING:
            self._note(DifferenceKind.EXTRA, one, other, path, count_leaves(other))
        elif other is MISSING:
            self._note(DifferenceKind.MISSING, one, other, path, count_leaves(one))
        else:
            self.parts.append((one, other, path, ignored, unordered))

    def _scalars(self, one: JsonValue, other: JsonValue, path: _Chain) -> None:
        """Two parts that are not containers of the same kind."""
        if type(one) is type(other):  # so neither is a container
            if same_scalar(one, other):
                self.n_leaves += 1
            else:
                self._note(DifferenceKind.CHANGED, one, other, path, 1)
            return
        n_leaves = max(count_leaves(one), count_leaves(other))
        kinds = _json_type(one), _json_type(other)
        if kinds[0] != kinds[1]:
            self._note(DifferenceKind.TYPE, one, other, path, n_leaves)
        elif not same_scalar(one, other):
            self._note(DifferenceKind.CHANGED, one, other, path, n_leaves)
        else:
            self.n_leaves += n_leaves

    def _has_no_order(self, path: _Chain, unordered: Position) -> bool:
        return is_named(unordered) or (path is not None and path[1] in self.unordered.names)

    def _bags(
        self, one: list[JsonValue], other: list[JsonValue], path: _Chain, ignored: Position
    ) -> None:
        """Two lists without an order: what has no equal on the other side differs."""
        keys = [self._hashable(x, below(ignored, i), path) for i, x in enumerate(one)]
        other_keys = [self._hashable(y, below(ignored, i), path) for i, y in enumerate(other)]
        left = Counter(other_keys)
        for i, key in enumerate(keys):
            if left[key] > 0:
                left[key] -= 1
                self.n_leaves += count_leaves(one[i])
            else:
                self._part(one[i], MISSING, (path, i), (), ())
        for i in range(len(other) - 1, -1, -1):
            if left[other_keys[i]] > 0:
                left[other_keys[i]] -= 1
                self._part(MISSING, other[i], (path, i), (), ())

    def _hashable(self, value: JsonValue, ignored: Position, path: _Chain) -> Hashable:
        """A key that two values share exactly when they are the same but for what is ignored."""
        if is_named(ignored):
            return None
        if isinstance(value, dict):
            members = []
            for name, member in value.items():
                deeper = below(ignored, name)
                if name not in self.ignored.names and not is_named(deeper):
                    members.append((name, self._hashable(member, deeper, path)))
            return frozenset(members), getattr(value, "repeated", ())
        if isinstance(value, list):
            elements = []
            for i, element in enumerate(value):
                elements.append(self._hashable(element, below(ignored, i), path))
            return tuple(elements)
        if value is None or isinstance(value, bool) or value != value:
            return str(_json_type(value)), repr(value)
        return value

    def _repeated(
        self, one: dict[str, JsonValue], other: dict[str, JsonValue], path: _Chain
    ) -> None:
        if getattr(one, "repeated", ()) != getattr(other, "repeated", ()):
            self._note(DifferenceKind.REPEATED, one, other, path, 1)

    def _note(
        self, kind: DifferenceKind, one: Found, other: Found, path: _Chain, n_leaves: int
    ) -> None:
        self.found.append(Difference(_path_text(path), kind, one, other))
        self.n_leaves += n_leaves
        self.n_differing += n_leaves


def _path_text(path: _Chain) -> str:
    steps: list[str] = []
    while path is not None:
        path, key = path
        steps.append(step_text(key))
    return "$" + "".join(reversed(steps))


def _json_type(value: JsonValue) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "list"
        case dict():
            return "object"


def _leaves_written_alike(ones: list[JsonValue], others: list[JsonValue]) -> int | None:
    """Leaves of parts that are equal in Python and also the same JSON; None when they are not.

    Equality takes `true` for 1, and the written text takes NaN for null; together they are right.
    Members of containers stand one to a line, and no line ends within a text: so many commas end a
    line as there are leaves, but for one.
    """
    try:
        text = orjson.dumps(ones, option=orjson.OPT_INDENT_2)
        if text != orjson.dumps(others, option=orjson.OPT_INDENT_2):
            return None
    except orjson.JSONEncodeError:  # an integer beyond 64 bits, or too deep
        return None
    return text.count(b",\n") + 1


def count_leaves(value: Found) -> int:
    """Scalars and empty containers in a value, at least 1."""
    if not isinstance(value, _CONTAINERS):
        return 1
    # Each container with members brings them and is no leaf itself.
    n_leaves = 1
    waiting = [value]
    for part in waiting:
        members = part.values() if isinstance(part, dict) else part
        if members:
            n_leaves += len(members) - 1
            waiting += [x for x in members if isinstance(x, _CONTAINERS)]
    return n_leaves

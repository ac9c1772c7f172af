"""What the bytes of an answer mean once a dialect has read them: JSON values.

Every dialect gives JSON values, whatever the wire format, so that one kind of path finds a label in
any of them. Two things JSON parsers usually hide are kept, because they are differences between two
answers: integers stay exact at any size, and an object that names a key twice says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal, TypeAlias

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
"""A decoded answer, or a part of one."""


class Missing(Enum):
    """The type of `MISSING`: a path matched nothing. Not the same as a JSON null."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING
Found: TypeAlias = "JsonValue | Literal[Missing.MISSING]"
"""What a path found in a value."""


@dataclass(frozen=True, slots=True)
class Undecodable:
    """An answer that does not mean anything in its dialect.

    Attributes:
        reason: One line for a person, for instance `not JSON: unexpected end of data`.
        kind: How the failure is counted: `undecodable`, or `cut_off` for a streamed answer that
            ended before its end.
        received: What was understood until then; `MISSING` for nothing.
    """

    reason: str
    kind: str = "undecodable"
    received: Found = MISSING


Decoded: TypeAlias = "JsonValue | Undecodable"


class RepeatedKeys(dict[str, JsonValue]):
    """A JSON object in which some key stands more than once; the last value counts.

    RFC 8259 §4 leaves open what such an object means, so that two readers of the same answer may
    see different things. It equals only an object that repeats the same keys.

    Attributes:
        repeated: The keys that stand more than once, sorted.
    """

    repeated: tuple[str, ...]

    def __init__(self, members: Iterable[tuple[str, JsonValue]], repeated: Iterable[str]) -> None:
        super().__init__(members)
        self.repeated = tuple(sorted(repeated))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RepeatedKeys) or self.repeated != other.repeated:
            return False
        return super().__eq__(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # as any dict: mutable

    def __reduce__(self) -> tuple[type[RepeatedKeys], tuple[list[object], tuple[str, ...]]]:
        return type(self), (list(self.items()), self.repeated)


def same_scalar(champion: object, challenger: object) -> bool:
    """Whether two JSON scalars are the same value.

    7 is not `"7"`, `true` is not 1, and 1 is 1.0: JSON has one type of number. Integers are
    compared exactly, also with a float. Two NaN are the same.

    Examples:
        >>> same_scalar(7, "7"), same_scalar(1, True), same_scalar(1, 1.0)
        (False, False, True)
    """
    if isinstance(champion, bool) or isinstance(challenger, bool):
        return champion is challenger
    if champion == challenger:
        return True
    return champion != champion and challenger != challenger

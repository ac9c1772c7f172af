"""One part of two JSON values that differs."""

from __future__ import annotations

from enum import StrEnum

from harness.compare.wording import shown
from harness.output import Found
from harness.value import value


class DifferenceKind(StrEnum):
    """How a part of the challenger's answer differs from the champion's."""

    CHANGED = "changed"
    TYPE = "type"
    MISSING = "missing"  # the champion alone has it
    EXTRA = "extra"  # the challenger alone has it
    REPEATED = "repeated"  # one of them repeats keys that the other does not


@value
class Difference:
    """One part that differs.

    Attributes:
        path: From the root, `$.items[0].name`.
        champion: `MISSING` where the challenger alone has the part.
        challenger: `MISSING` where the champion alone has the part.
    """

    path: str
    kind: DifferenceKind
    champion: Found
    challenger: Found

    def __str__(self) -> str:
        match self.kind:
            case DifferenceKind.MISSING:
                return f"{self.path}: {shown(self.champion)} is missing"
            case DifferenceKind.EXTRA:
                return f"{self.path}: {shown(self.challenger)} is extra"
            case DifferenceKind.REPEATED:
                return f"{self.path}: keys are repeated on one side"
            case _:
                return f"{self.path}: {shown(self.champion)} -> {shown(self.challenger)}"

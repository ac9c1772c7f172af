"""Labels agree when they are the same JSON value."""

from __future__ import annotations

from dataclasses import dataclass

from harness.compare.comparison import SAME, Comparison
from harness.compare.structure import SameStructure
from harness.compare.wording import shown
from harness.output import JsonValue, same_scalar

_STRUCTURE = SameStructure()


@dataclass(frozen=True, slots=True)
class SameLabel:
    """Exact equality of JSON values: 7 is not `"7"`, 1 is 1.0. Several labels go by order.

    The distance is 0 or 1.

    Examples:
        >>> SameLabel()(7, "7").note
        '7 -> "7"'
    """

    def __call__(self, champion: JsonValue, challenger: JsonValue) -> Comparison:
        if isinstance(champion, dict | list) and isinstance(challenger, dict | list):
            same = _STRUCTURE(champion, challenger).agree
        else:
            same = same_scalar(champion, challenger)
        if same:
            return SAME
        return Comparison(1.0, agree=False, note=f"{shown(champion)} -> {shown(challenger)}")

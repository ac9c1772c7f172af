"""What a comparator returns."""

from __future__ import annotations

from harness.value import value


@value
class Comparison:
    """How far apart two values are.

    Attributes:
        distance: 0 for the same; larger is further apart; never negative; infinite when the two
            cannot be put on one scale.
        agree: Whether the comparator calls them the same.
        note: One line for a person, empty when they agree.
        paths: JSON paths that differ, for comparators that look inside; the first 50.
    """

    distance: float
    agree: bool
    note: str = ""
    paths: tuple[str, ...] = ()


SAME = Comparison(distance=0.0, agree=True)

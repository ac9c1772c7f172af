"""A value is a frozen dataclass but for the price of making it."""

import doctest
from dataclasses import FrozenInstanceError, dataclass, field, fields, replace

import pytest

import harness.value
from harness.value import value


@value
class Point:
    """A place."""

    x: int
    y: int = 0
    names: tuple[str, ...] = field(default=())


def test_a_value_is_told_by_its_fields():
    """Equality, hash, repr, `match` and `replace` are a frozen dataclass's."""
    moved = replace(Point(1), y=2)

    assert moved == Point(1, 2)
    assert hash(moved) == hash(Point(1, 2))
    assert repr(moved) == "Point(x=1, y=2, names=())"
    match moved:
        case Point(x, y):
            assert (x, y) == (1, 2)
    assert [one.name for one in fields(Point)] == ["x", "y", "names"]


def test_a_value_has_no_room_for_more_than_its_fields():
    """Slots: a misspelled field is refused even where no type checker looks."""
    with pytest.raises(AttributeError):
        Point(1).z = 3


def test_what_is_given_up_is_the_check_while_the_program_runs():
    """A frozen dataclass refuses what only the type checker refuses of a value."""

    @dataclass(frozen=True, slots=True)
    class Frozen:
        x: int

    with pytest.raises(FrozenInstanceError):
        Frozen(1).x = 2
    point = Point(1)
    point.x = 2
    assert point.x == 2


def test_examples():
    """The examples in the docstrings hold."""
    assert doctest.testmod(harness.value).failed == 0

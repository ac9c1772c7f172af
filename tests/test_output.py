"""JSON values: when two are the same, and objects that repeat a key."""

import math
import pickle

import pytest

from harness.output import RepeatedKeys, same_scalar


@pytest.mark.parametrize(
    ("champion", "challenger", "same"),
    [
        (7, 7, True),
        (7, "7", False),
        (1, 1.0, True),
        (True, 1, False),
        (0, False, False),
        (True, True, True),
        (None, None, True),
        (None, 0, False),
        (math.nan, float("nan"), True),
        (math.nan, 0.0, False),
        (math.inf, math.inf, True),
        (0.0, -0.0, True),
        # one apart, beyond what a float can tell
        (2**53, 2**53 + 1, False),
        (2.0**53, 2**53 + 1, False),
        (2**64, 2**64 + 1, False),
    ],
)
def test_scalars_are_the_same_by_value_and_type(champion, challenger, same):
    """Numbers go by value, everything else by type and value; the order does not matter."""
    assert same_scalar(champion, challenger) is same
    assert same_scalar(challenger, champion) is same


def test_an_object_with_repeated_keys_differs_from_a_plain_one():
    """The last value counts, but the object is not the same as one that says it once."""
    repeated = RepeatedKeys([("a", 1), ("a", 2)], ["a"])

    assert repeated["a"] == 2
    assert repeated.repeated == ("a",)
    assert repeated != {"a": 2}
    plain = {"a": 2}
    assert plain != repeated
    assert repeated == RepeatedKeys([("a", 2)], ["a"])


def test_repeated_keys_survive_pickling():
    """Work may be done in another process."""
    repeated = RepeatedKeys([("a", 1), ("a", 2)], ["a"])

    assert pickle.loads(pickle.dumps(repeated)) == repeated

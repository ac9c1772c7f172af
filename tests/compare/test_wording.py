"""How values and paths are written for a person."""

import pytest

from harness.compare.wording import shown, step_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (7, "7"),
        (0.1, "0.1"),
        (None, "null"),
        (True, "true"),
        ("caf\u00e9", '"caf\u00e9"'),
        # what could harm a terminal is escaped
        ("\x1b[31m\n", '"\\u001b[31m\\n"'),
        ("\x9b31m\u202e", '"\\u009b31m\\u202e"'),
        ("x" * 61, '"' + "x" * 60 + '\u2026"'),
        ([1, 2, 3], "[1, 2, 3]"),
        ([1, 2, 3, 4], "a list of 4"),
        ({"a": 1}, '{"a": 1}'),
        (dict.fromkeys("abcd"), "an object of 4"),
        (["x" * 100], '["' + "x" * 58 + "\u2026"),
    ],
)
def test_a_value_is_one_short_line(value, text):
    """Scalars and small containers as JSON, larger ones by their size."""
    assert shown(value) == text


@pytest.mark.parametrize(
    ("key", "text"),
    [("name", ".name"), (3, "[3]"), ("a b", "['a b']"), ("it's", "['it\\'s']"), ("0", "['0']")],
)
def test_a_step_is_written_as_jsonpath(key, text):
    """Names that need it are quoted."""
    assert step_text(key) == text

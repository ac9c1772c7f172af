"""JSONPath: what is found, what is missing, what is refused."""

import pickle

import jsonpath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.dialects.paths import JsonPath
from harness.output import MISSING

ANSWER = {
    "label": 7,
    "none": None,
    "a b": {"it's": [10, 20, 30]},
    "items": [{"id": 1, "x": 5}, {"id": 2}],
    "0": "zero",
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$", ANSWER),
        ("$.label", 7),
        ("$['label']", 7),
        ('$["a b"]["it\'s"][1]', 20),
        ("$.items[0].id", 1),
        ("$.items[-1].id", 2),
        ("$['0']", "zero"),
        # null is there; missing is not
        ("$.none", None),
        ("$.nothing", MISSING),
        ("$.items[2]", MISSING),
        ("$.items[-3]", MISSING),
        ("$.label.deeper", MISSING),
        ("$.label[0]", MISSING),
        # an index does not find the key "0", nor a name an index
        ("$[0]", MISSING),
        ("$.items['0']", MISSING),
        # several matches are a list, also when there is one
        ("$.items[*].id", [1, 2]),
        ("$.items[*].x", [5]),
        ("$.items[*].y", MISSING),
        ("$..id", [1, 2]),
        ("$.items[?@.id > 1].id", [2]),
        ("$.items[0:1].id", [1]),
    ],
)
def test_a_path_finds_its_part(path, found):
    """Plain chains and the rest of JSONPath, with a difference between null and missing."""
    assert JsonPath(path)(ANSWER) == found


@pytest.mark.parametrize("answer", [None, 7, "text", '{"label": 1}', [], {}])
def test_nothing_is_found_in_a_scalar(answer):
    """A string is not parsed again, whatever is in it."""
    assert JsonPath("$.label")(answer) is MISSING
    assert JsonPath("$..label")(answer) is MISSING


@given(
    st.lists(st.sampled_from(["a", "b", 0, 1, -1]), max_size=4),
    st.recursive(
        st.integers(),
        lambda inner: (
            st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2)
        ),
        max_leaves=8,
    ),
)
def test_the_short_way_finds_what_the_library_finds(steps, value):
    """A chain walked directly gives what the general machinery gives."""
    path = "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)

    expected = jsonpath.findall(path, value) if isinstance(value, dict | list) else []
    if path == "$":
        expected = [value]

    found = JsonPath(path)(value)
    assert ([] if found is MISSING else [found]) == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("label", "is 'label', must be a JSONPath starting with `$`, such as `$.label`"),
        ("", "is '', must be a JSONPath starting with `$`, such as `$.label`"),
        ("$.a.", "is '$.a.', which is no JSONPath: expected a shorthand selector"),
        ("$.a[", "is '$.a[', which is no JSONPath: unexpected end of query"),
        ("$.a | $.b", "is '$.a | $.b', must be one JSONPath and not several joined"),
    ],
)
def test_a_bad_path_is_refused_with_the_problem(text, problem):
    """The message names the text and what is wrong with it."""
    with pytest.raises(ValueError, match=r".") as raised:
        JsonPath(text)

    assert str(raised.value) == problem


@pytest.mark.parametrize("text", ["$.items[0].id", "$.items[*].id"])
def test_a_path_can_be_sent_to_another_process(text):
    """A pickled path finds the same."""
    path = JsonPath(text)

    copy = pickle.loads(pickle.dumps(path))

    assert copy == path
    assert copy(ANSWER) == path(ANSWER)
    assert repr(path) == f"JsonPath(text={text!r})"

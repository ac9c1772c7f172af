"""What differs between two JSON values, and what does not count."""

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.compare.comparison import Comparison
from harness.compare.structure import MOST_PATHS, SameStructure, count_leaves
from harness.output import RepeatedKeys

KEYS = st.sampled_from(["a", "b", "c d", "it's"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-2, 2) | st.sampled_from("xy"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=15,
)


def differences(champion, challenger, **options):
    return [str(found) for found in SameStructure(**options).differences(champion, challenger)]


@given(JSON)
def test_a_value_agrees_with_its_copy(value):
    """Nothing differs from itself, with and without options."""
    twin = copy.deepcopy(value)

    assert SameStructure()(value, twin) == Comparison(0.0, agree=True)
    assert differences(value, twin, ignore=["$.a[0]", "$..b"], unordered=["$.*"]) == []


@given(JSON, JSON)
def test_it_does_not_matter_which_side_is_asked_first(champion, challenger):
    """Agreement and distance are symmetrical."""
    same = SameStructure(ignore=["$.a"])

    there, back = same(champion, challenger), same(challenger, champion)

    assert (there.agree, there.distance) == (back.agree, back.distance)


@given(JSON, JSON)
def test_agreement_means_no_differences_and_distance_zero(champion, challenger):
    """The three ways to say it never contradict each other, and the distance is a share."""
    comparison = SameStructure()(champion, challenger)

    assert comparison.agree == (differences(champion, challenger) == [])
    assert comparison.agree == (comparison.distance == 0)
    assert 0 <= comparison.distance <= 1


@given(JSON, JSON)
def test_ignoring_everything_agrees(champion, challenger):
    """With the root ignored, nothing can differ."""
    assert SameStructure(ignore=["$"])(champion, challenger).agree


@given(st.dictionaries(KEYS, JSON), st.dictionaries(KEYS, JSON))
def test_ignoring_every_path_that_differs_agrees(champion, challenger):
    """The paths that are reported are paths that can be ignored."""
    paths = [found.path for found in SameStructure().differences(champion, challenger)]

    assert SameStructure(ignore=paths)(champion, challenger).agree


@given(st.lists(JSON, max_size=6).flatmap(lambda x: st.tuples(st.just(x), st.permutations(x))))
def test_an_unordered_list_agrees_in_any_order(lists):
    """Order does not count where it is said not to."""
    champion, challenger = lists

    assert SameStructure(unordered=["$"])(champion, challenger).agree


@pytest.mark.parametrize(
    ("champion", "challenger", "found"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, []),
        ({"a": 1}, {"a": 1.0}, []),
        ({"a": [float("nan")]}, {"a": [float("nan")]}, []),
        ({"a": 1}, {"a": True}, ["$.a: 1 -> true"]),
        ({"a": {"b": [0]}}, {"a": {"b": [False]}}, ["$.a.b[0]: 0 -> false"]),
        ({"a": [None]}, {"a": [float("nan")]}, ["$.a[0]: null -> NaN"]),
        ({"a": "7"}, {"a": 7}, ['$.a: "7" -> 7']),
        ({"a": None}, {}, ["$.a: null is missing"]),
        ({}, {"a": [1, 2]}, ["$.a: [1, 2] is extra"]),
        ([1, 2, 3], [1, 3, 2], ["$[1]: 2 -> 3", "$[2]: 3 -> 2"]),
        ([1], [1, 2], ["$[1]: 2 is extra"]),
        ([1, 2], [1], ["$[1]: 2 is missing"]),
        ({"a": []}, {"a": {}}, ["$.a: [] -> {}"]),
        ("a", "b", ['$: "a" -> "b"']),
        ({"n": 2**70}, {"n": 2**70 + 1}, [f"$.n: {2**70} -> {2**70 + 1}"]),
        ({"x": {"n": 2**70}}, {"x": {"n": 2**70}}, []),
        ({"a b": {"it's": 1}}, {"a b": {"it's": 2}}, ["$['a b']['it\\'s']: 1 -> 2"]),
        # nearest to the root first
        ({"a": {"b": 1}, "c": 1}, {"a": {"b": 2}, "c": 2}, ["$.c: 1 -> 2", "$.a.b: 1 -> 2"]),
    ],
)
def test_differences_are_named_by_path_and_kind(champion, challenger, found):
    """Numbers go by value, all else by type and value; keys have no order, lists have."""
    assert differences(champion, challenger) == found


def test_the_distance_is_the_share_of_leaves_that_differ():
    """Of six leaves on either side, one changed and two are extra."""
    champion = {"a": 1, "b": [1, 2], "c": "x"}
    challenger = {"a": 1, "b": [1, 3], "c": "x", "d": {"e": 1, "f": 2}}

    assert SameStructure()(champion, challenger) == Comparison(
        3 / 6,
        agree=False,
        note="$.d: {\"e\": 1, \"f\": 2} is extra (and 1 more)",
        paths=("$.d", "$.b[1]"),
    )  # fmt: skip


@pytest.mark.parametrize("same", [{"t": 'a, "b",\n'}, [[], {}, [[]]], [None, float("nan")], {}])
def test_leaves_of_what_is_the_same_are_counted(same):
    """Commas in a text are no members, and an empty container is a leaf."""
    champion = {"same": [same, {"deep": same}], "other": 1}
    challenger = copy.deepcopy(champion) | {"other": 2}

    distance = SameStructure()(champion, challenger).distance

    assert distance == 1 / count_leaves(champion)


def test_true_is_not_one_inside_what_python_calls_equal():
    """Also where an object repeats a key: every part is looked at as JSON."""
    champion = {"list": [{"a": 1}, {"b": [True]}], "twice": RepeatedKeys([("a", 1)], ["a"])}
    challenger = {"list": [{"a": 1}, {"b": [1]}], "twice": RepeatedKeys([("a", True)], ["a"])}

    assert differences(champion, challenger) == [
        "$.twice.a: 1 -> true",
        "$.list[1].b[0]: true -> 1",
    ]


def test_paths_are_capped():
    """Unrelated documents do not fill a store."""
    comparison = SameStructure()(list(range(1000)), list(range(1, 1001)))

    assert len(comparison.paths) == MOST_PATHS
    assert comparison.note == "$[0]: 0 -> 1 (and 999 more)"


@pytest.mark.parametrize(
    ("ignore", "found"),
    [
        (["$.id"], ["$.at", "$.items[1].at", "$.items[0].id", "$.items[1].id"]),
        (["$..id", "$..at"], []),
        (["$.*"], []),
        (["$['id']", '$["at"]', "$.items"], []),
        (["$.id", "$.at", "$.items[*].id"], ["$.items[1].at"]),
        (["$.id", "$.at", "$.items[1]"], ["$.items[0].id"]),
        (["$.id", "$.at", "$.items[*].*"], []),
    ],
)
def test_ignored_parts_do_not_count(ignore, found):
    """Names, indices, wildcards and names at any depth; what they name goes with all below."""
    champion = {"id": 1, "at": 1, "items": [{"id": 1, "x": 0}, {"id": 2, "at": 1}]}
    challenger = {"id": 2, "at": 2, "items": [{"id": 3, "x": 0}, {"id": 4}]}

    comparison = SameStructure(ignore=ignore)(champion, challenger)

    assert list(comparison.paths) == found


def test_elements_of_an_unordered_list_are_there_or_not():
    """Elements are counted, ignored parts and nested order aside."""
    champion = {"tags": [{"n": 1, "id": 7}, {"n": 2, "id": 8}, {"n": 2, "id": 9}]}
    challenger = {"tags": [{"id": 1, "n": 2}, {"id": 2, "n": 3}, {"id": 3, "n": 1.0}]}

    found = differences(champion, challenger, unordered=["$..tags"], ignore=["$.tags[*].id"])

    assert found == [
        '$.tags[2]: {"n": 2, "id": 9} is missing',
        '$.tags[1]: {"id": 2, "n": 3} is extra',
    ]
    assert differences([True, 1], [1, 1], unordered=["$"]) == [
        "$[0]: true is missing",
        "$[1]: 1 is extra",
    ]


def test_an_object_that_repeats_keys_differs_from_one_that_does_not():
    """What such an object means is open, so that it is not the same answer."""
    repeated = {"x": RepeatedKeys([("a", 1), ("a", 2)], ["a"])}

    assert differences(repeated, {"x": {"a": 2}}) == ["$.x: keys are repeated on one side"]
    assert differences({"x": {"a": 2}}, repeated) == ["$.x: keys are repeated on one side"]
    assert differences(repeated, copy.deepcopy(repeated)) == []
    assert differences([repeated], [{"x": {"a": 2}}], unordered=["$"]) != []


def test_depth_does_not_break_it():
    """Values nested deeper than Python recurses are compared."""
    champion, challenger = 1, 2
    for _ in range(5000):
        champion, challenger = [champion], {"a": challenger} if challenger == 2 else [challenger]

    assert len(differences(champion, challenger)) == 1


@pytest.mark.parametrize("pattern", ["id", "", "$.a[?@.x]", "$..a.b", "$.a[1:2]", "$.", "$.a[-1]"])
def test_patterns_we_do_not_read_are_refused(pattern):
    """The message shows what is wrong and what is allowed."""
    with pytest.raises(ValueError, match=r".") as raised:
        SameStructure(ignore=[pattern])

    assert str(raised.value) == (
        f"is {pattern!r}, must be a path of names, indices and wildcards, such as "
        "`$.items[*].id`, or one name at any depth, `$..id`"
    )


def test_it_shows_how_it_was_made_and_can_be_sent_elsewhere():
    """The repr stands in the verdict; the value works in another process."""
    same = SameStructure(ignore=["$.id"])

    twin = pickle.loads(pickle.dumps(same))

    assert repr(same) == "SameStructure(ignore=('$.id',), unordered=())"
    assert twin == same
    assert twin({"id": 1}, {"id": 2}).agree

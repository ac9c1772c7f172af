"""Tool calls."""

import json

import pytest

from harness.compare.tool_calls import SameCalls


def chat(name, arguments):
    return {
        "id": "x",
        "type": "function",
        "function": {"name": name, "arguments": json.dumps(arguments)},
    }


def responses(name, arguments):
    return {
        "type": "function_call",
        "call_id": "y",
        "name": name,
        "arguments": json.dumps(arguments),
    }


def anthropic(name, arguments):
    return {"type": "tool_use", "id": "z", "name": name, "input": arguments}


FORMS = [chat, responses, anthropic]
TEXT = {"type": "text", "text": "Let me look."}


@pytest.mark.parametrize("one", FORMS)
@pytest.mark.parametrize("other", FORMS)
def test_the_apis_forms_are_one(one, other):
    """A champion of one API can be held against a challenger of another."""
    same = SameCalls()

    assert same([one("f", {"a": 1, "b": 2})], [TEXT, other("f", {"b": 2, "a": 1})]).agree
    assert not same([one("f", {"a": 1})], [other("f", {"a": 2})]).agree


@pytest.mark.parametrize(
    ("order", "champion", "challenger", "distance", "paths"),
    [
        ("strict", [("f", {"a": 1, "b": 2})], [("f", {"a": 1, "b": 3})], 0.5, ("$.f.b",)),
        ("strict", [("f", {})], [("g", {})], 1, ("$",)),
        ("strict", [("f", {})], [], 1, ("$",)),
        ("strict", [("f", {}), ("g", {})], [("g", {}), ("f", {})], 1, ("$",)),
        ("any", [("f", {}), ("g", {})], [("g", {}), ("f", {})], 0, ()),
        # the nearest of the same tool, and one left over
        ("any", [("f", {"a": 1})], [("f", {"a": 9}), ("f", {"a": 1})], 0.5, ("$",)),
    ],
)
def test_calls_are_as_far_apart_as_they_should_be(order, champion, challenger, distance, paths):
    """The mean over calls."""
    calls = ([chat(*call) for call in side] for side in (champion, challenger))

    compared = SameCalls(order=order)(*calls)

    assert (compared.distance, compared.paths) == (distance, paths)


def test_arguments_may_be_left_out_and_broken_ones_are_text():
    """Ids that a model makes up, and what is no JSON."""
    same = SameCalls(ignore=("$.id",))
    broken = {"function": {"name": "f", "arguments": '{"a": '}}

    assert same([chat("f", {"id": 1, "a": 2})], [chat("f", {"id": 7, "a": 2})]).agree
    assert same([broken], [broken]).agree
    assert not same([broken], [chat("f", {})]).agree


def test_no_arguments_are_an_empty_object():
    """Servers write either."""
    empty = {"function": {"name": "f", "arguments": ""}}

    assert SameCalls()([empty], [chat("f", {})]).agree


def test_no_list_is_no_calls():
    """`tool_calls` is null, or not there at all, where none is made."""
    assert SameCalls()(None, []).agree
    assert SameCalls()(None, [chat("f", {})]).note == 'no call -> "f"'


def test_an_order_nobody_knows_is_refused():
    """With those that there are."""
    with pytest.raises(ValueError, match="order is 'loose', must be strict or any"):
        SameCalls(order="loose")

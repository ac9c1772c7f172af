"""JSON objects come one by one, however they are written down."""

from __future__ import annotations

import json

import pytest

from harness.readers.json_objects import first_keys, objects

ONES = [{"a": '}{\\"['}, {"b": [1, {"c": 2}]}, {"d": None}]


def texts(content: str, *, chunk_bytes: int = 7, max_bytes: int = 1000) -> list[bytes | None]:
    data = content.encode()
    chunks = (data[at : at + chunk_bytes] for at in range(0, len(data), chunk_bytes))
    return [text for _, text in objects(chunks, max_bytes=max_bytes)]


@pytest.mark.parametrize(
    "content",
    [
        "\n".join(map(json.dumps, ONES)),
        "\n".join(json.dumps(one, indent=1) for one in ONES),
        json.dumps(ONES),
        json.dumps(ONES, separators=(",", ":")),
        json.dumps(ONES, indent=2),
        "[\n" + ",\n".join(map(json.dumps, ONES)) + "\n]\n",
        "\ufeff" + "\r\n\r\n".join(map(json.dumps, ONES)),
    ],
)
def test_objects_are_found_wherever_they_stand(content):
    """On a line each, over several, in arrays of every layout."""
    assert [json.loads(text) for text in texts(content)] == ONES


def test_an_object_that_is_cut_off_costs_itself():
    """The next one begins with a line."""
    cut = json.dumps(ONES[1], indent=1)[:-9]

    found = texts(f"{json.dumps(ONES[0])}\n{cut}\n{json.dumps(ONES[2])}\n")

    assert [json.loads(found[0]), json.loads(found[2])] == [ONES[0], ONES[2]]
    assert found[1] == cut.encode()


def test_an_object_that_is_too_long_is_not_kept():
    """On one line or over many; what follows is read."""
    long = {"x": "y" * 300}

    for text in (json.dumps(long), json.dumps({"x": ["y" * 50] * 8}, indent=1)):
        found = texts(f"{text}\n{json.dumps(ONES[2])}", max_bytes=200)

        assert found == [None, json.dumps(ONES[2]).encode()]


def test_the_first_keys_tell_whose_format_it_is():
    """Also of an object that is longer than the head."""
    assert first_keys(json.dumps(ONES).encode()) == [{"a"}, {"b"}, {"d"}]
    assert first_keys(b'{"a": {"b": "') == [{"a", "b"}]
    assert first_keys(b"no objects") == [set()]

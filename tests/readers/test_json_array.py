"""Elements of an array inside a document, from a stream."""

from __future__ import annotations

import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.readers.json_array import Damage, JsonArray

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)


def scan(document: bytes, *, size: int = 5, max_bytes: int = 10_000, keys=(b"id",)):
    chunks = (document[at : at + size] for at in range(0, len(document), size))
    array = JsonArray(chunks, (b"log", b"entries"), first_keys=set(keys), max_bytes=max_bytes)
    found = []
    for element in array:
        if isinstance(element, Damage):
            found.append(element)
            continue
        try:
            found.append(json.loads(element))
            array.good()
        except ValueError:
            found.append("unreadable")
            array.damaged()
    return found


@given(
    st.lists(st.dictionaries(st.text(), values, max_size=4), max_size=4),
    values,
    st.integers(1, 9),
    st.sampled_from([None, 1]),
    st.booleans(),
)
def test_elements_are_those_of_the_document(elements, other, size, indent, ascii_only):
    """Whatever stands around and inside them, and however the stream is cut."""
    document = {"first": other, "log": {"pages": other, "entries": elements, "end": other}}
    text = json.dumps(document, indent=indent, ensure_ascii=ascii_only)

    assert scan(text.encode("utf-8", "surrogatepass"), size=size) == elements


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"{}",
        b'{"log": {"entries": {}}}',
        b'{"entries": [{"id": 1}]}',
        b'{"log": [{"entries": [{"id": 1}]}]}',
        b'{"log": {"x": {"entries": [{"id": 1}]}}}',
        b'[{"log": {"entries": [{"id": 1}]}}]',
        b'{"log": {"a": "entries": [',
        b"[" * 100_000,
        b'{"log": "' + b"x" * 1000,
    ],
)
def test_without_the_array_there_is_one_finding(document):
    """An array of the same name elsewhere is not it."""
    found = scan(document)

    assert found in ([Damage.NO_ARRAY], [Damage.NO_ELEMENT], [])
    assert not any(isinstance(element, dict) for element in found)


def log(*elements: bytes) -> bytes:
    return b'{"log": {"entries": [' + b", ".join(elements) + b"]}}"


GOOD = [b'{"id": %d, "t": "a { \\" } b", "in": {"x": [1]}}' % i for i in range(6)]


@pytest.mark.parametrize(
    "damaged",
    [
        b'{"id": 9, "t": "no end, "in": {}}',  # a quote is missing
        b'{"id": 9, "in": {"x": 1}',  # a brace is missing
        b'{"id": 9}, "in": {"x": 1}}',  # a brace too many
        b'{"id": 9, "in": ]}',
        b"{id: 9}",
        b"garbage",
        b'{"id": 9',
        b'"',
    ],
)
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_damage_costs_only_what_is_damaged(damaged, size):
    """Entries before and after are found, whatever was torn open in between."""
    document = log(*GOOD[:3], damaged, *GOOD[3:])

    found = scan(document, size=size)

    assert [e["id"] for e in found if isinstance(e, dict) and len(e) == 3] == list(range(6))
    assert any(not isinstance(e, dict) for e in found)


@pytest.mark.parametrize("size", [7, 10_000])
def test_damage_all_over_costs_what_is_damaged(size):
    """Every second entry is torn open; the others are found."""
    torn = [b'{"id": 9, "in": {"x": 1}' for _ in range(20)]
    document = log(*(e for pair in zip(torn, GOOD * 4, strict=False) for e in pair))

    found = scan(document, size=size)

    n_good = len([e for e in found if isinstance(e, dict) and len(e) == 3])
    assert n_good == 20


def test_beginnings_without_end_are_quick():
    """Half a megabyte of nothing but beginnings take one pass, not one for each."""
    document = b'{"log": {"entries": [' + b'{"id":' * 70_000

    found = scan(document, size=65_536, max_bytes=10_000_000)

    assert len(found) > 60_000
    assert not any(isinstance(e, dict) for e in found)


def test_a_document_that_is_cut_off_keeps_what_came_before():
    """At every point: whole entries are found, and the end is told."""
    document = log(*GOOD)
    for at in range(len(document)):
        found = scan(document[:at], size=11)

        whole = [e for e in found if isinstance(e, dict)]
        assert [e["id"] for e in whole] == list(range(len(whole)))
        assert document[:at].count(b'"x": [1]}}') == len(whole)


def test_an_element_beyond_the_limit_is_passed_over():
    """It is told, not held, and the next one is found."""
    long = b'{"id": 9, "t": "' + b"x" * 20_000 + b'"}'

    found = scan(log(GOOD[0], long, GOOD[1]), size=512)

    assert [e if isinstance(e, Damage) else e["id"] for e in found] == [0, Damage.TOO_LONG, 1]


def test_memory_is_that_of_one_element():
    """100 MB of entries go through 5 MB."""
    element = b'{"id": 1, "t": "' + b"x" * 100_000 + b'"},'
    chunks = [b'{"log":{"entries":[', *(element for _ in range(1000)), b'{"id":2}]}}']

    tracemalloc.start()
    try:
        n_elements = sum(1 for _ in JsonArray(iter(chunks), (b"log", b"entries")))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert n_elements == 1001
    assert peak < 5_000_000

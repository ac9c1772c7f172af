"""Cutting a stream at a separator."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.readers.pieces import lines, pieces, too_long


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


@given(st.binary(), st.integers(1, 7), st.sampled_from([b"\n", b"ab", b"aa\n", b"\n<>\n"]))
def test_chunks_do_not_matter(data, size, separator):
    """However the stream is cut, the pieces are those of the whole."""
    expected = data.split(separator)
    if expected[-1] == b"":
        expected.pop()

    assert list(pieces(cut(data, size), separator)) == expected


@pytest.mark.parametrize("size", [1, 3, 100])
def test_a_piece_beyond_the_limit_is_told_and_not_kept(size):
    """One long piece costs one piece; the ones around it are whole."""
    data = b"ab\n" + b"x" * 50 + b"\ncd\n" + b"y" * 10

    assert list(pieces(cut(data, size), b"\n", max_bytes=10)) == [b"ab", None, b"cd", b"y" * 10]


def test_the_last_piece_may_be_too_long_as_well():
    """A stream that ends inside a long piece tells so."""
    assert list(pieces([b"x" * 6, b"x" * 6], b"\n", max_bytes=10)) == [None]


def test_lines_are_numbered_as_an_editor_does():
    """Empty lines count and are left out; a byte order mark is no part of the first."""
    data = b"\xef\xbb\xbfone\r\n\n   \nfour"

    assert list(lines([data])) == [(1, b"one\r"), (4, b"four")]


def test_memory_is_bounded_by_the_limit():
    """A line of 200 MB is rejected without being held."""
    chunk = b"x" * 1_000_000

    tracemalloc.start()
    try:
        found = list(lines((chunk for _ in range(200)), max_bytes=4_000_000))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert found == [(1, None)]
    assert peak < 16_000_000


def test_the_limit_is_said_in_mib():
    """People read this."""
    assert too_long() == "is longer than 32 MiB, the most that is read of one entry"

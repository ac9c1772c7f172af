"""What may stand in a head."""

from __future__ import annotations

import pytest

from harness.readers import wire


@pytest.mark.parametrize(
    ("headers", "body", "method", "framed"),
    [
        ([("A", "b")], b"hi", "POST", (("A", "b"), ("Content-Length", "2"))),
        ([], b"", "POST", (("Content-Length", "0"),)),
        ([], b"", "GET", ()),
        ([], b"hi", "GET", (("Content-Length", "2"),)),
        # what is there stays, in its place and case
        (
            [("content-length", "2"), ("A", "b")],
            b"hi",
            "PUT",
            (("content-length", "2"), ("A", "b")),
        ),
        (
            [("A", "b"), ("transfer-encoding", "chunked"), ("C", "d"), ("Content-Length", "9")],
            b"hi",
            "PUT",
            (("A", "b"), ("Content-Length", "2"), ("C", "d")),
        ),
    ],
)
def test_a_body_gets_the_length_it_has(headers, body, method, framed):
    """One length, where the coding stood or at the end."""
    assert wire.framed(headers, body, method) == framed


def test_values_and_queries_are_not_shown():
    """A message goes to logs; a key in it would be one in many places."""
    with pytest.raises(ValueError, match=r"^headers: Authorization: must be one line") as value:
        wire.header("Authorization", "Bearer abc\n")
    with pytest.raises(ValueError, match=r"^target: is '/p', must be a path") as query:
        wire.target("/p?token=abc d")

    assert "abc" not in str(value.value) + str(query.value)


def test_control_characters_that_end_no_line_are_bytes_like_others():
    """Tabs and what old clients sent come off the wire, and go on it again."""
    assert wire.header("A", "\t\x01\x7f\xff") == ("A", "\t\x01\x7f\xff")


def test_values_of_one_name_whatever_its_case():
    """In their order."""
    assert wire.values((("a", "1"), ("B", "2"), ("A", "3")), "a") == ["1", "3"]

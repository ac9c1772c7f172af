"""Members of one JSON object."""

from __future__ import annotations

import sys

import pytest

from harness.readers import json_record


@pytest.mark.parametrize(
    ("document", "text"),
    [
        (b'{"truth": 18446744073709551616}', "18446744073709551616"),
        (b'{"a": {"truth": 1}, "truth" :\t0.10 }', "0.10"),
        (b'{"truth":{"x": [1e-1, "}"]},"b":2}', '{"x": [1e-1, "}"]}'),
        # the last of two counts, as in the decoder
        (b'{"truth":1,"truth":2.50}', "2.50"),
        (b'{"tru\\u0074h":-0.0}', "-0.0"),
        (b'{"a":1}', None),
        (b"{}", None),
        (b'{"truth":' + b"9" * 5000 + b"}", "9" * 5000),
    ],
)
def test_a_members_text_is_what_stands_there(document, text):
    """No digit is turned, whatever its neighbours are."""
    assert json_record.member_text(document, "truth") == text


def test_nesting_that_cannot_be_taken_apart_is_refused():
    """Whoever decodes allows 1024 levels; whoever looks for the text fewer. It costs the entry."""
    levels = sys.getrecursionlimit() + 10
    document = b'{"truth":' + b"[" * levels + b"]" * levels + b"}"

    with pytest.raises(ValueError, match=r"^truth: is nested too deeply$"):
        json_record.member_text(document, "truth")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"[" * 100_000, "not JSON: depth limit"),
        (b'{"a": NaN}', "not JSON: "),
        (b'{"a": 1e999}', "not JSON: "),
        (b"\xff\xfe{", "not JSON: "),
        (b"7", "is 7, must be an object"),
        (b'["x"]', "is an array, must be an object"),
    ],
)
def test_what_is_no_object_is_refused(line, message):
    """The message says what it is instead."""
    with pytest.raises(ValueError, match="^" + message):
        json_record.decode(line)


def test_first_keys_pass_over_a_damaged_line():
    """A log whose first line is damaged is still told by its second."""
    head = b'{"a": tru\n{"method": "GET", "target": "/"}\n{"cut": '

    assert json_record.first_keys(head) == [{"method", "target"}]


def test_first_keys_of_a_line_longer_than_the_head():
    """Where no line is whole, the keys in sight count."""
    head = b'\xef\xbb\xbf{"custom_id": "a", "url": "/v1", "body": {"text": "' + b"x" * 1000

    assert json_record.first_keys(head) == [{"custom_id", "url", "body", "text"}]

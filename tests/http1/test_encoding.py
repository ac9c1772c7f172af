"""What a request looks like on the wire."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.exchange import Request
from harness.http1.encoding import UnsendableError, encode


def test_nothing_is_normalised():
    """Order, case, duplicates, percent-escapes and dots go out as they were recorded."""
    request = Request(
        "PoST",
        "/a/../b%2e%2E//?x=%7e&x=1",
        (("x-B", "1"), ("HOST", "h"), ("X-b", "2"), ("content-LENGTH", "3")),
        b"\x00\r\n",
    )

    assert encode(request) == (
        b"PoST /a/../b%2e%2E//?x=%7e&x=1 HTTP/1.1\r\n"
        b"x-B: 1\r\nHOST: h\r\nX-b: 2\r\ncontent-LENGTH: 3\r\n\r\n\x00\r\n"
    )


def test_text_is_one_byte_per_character():
    """ISO-8859-1 text of a recording becomes the bytes it was read from."""
    request = Request("GET", "/caf\xe9", (("X", "\xff\xa0"),))

    assert encode(request) == b"GET /caf\xe9 HTTP/1.1\r\nX: \xff\xa0\r\n\r\n"


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        # a second request in a value
        (
            Request("GET", "/", (("X", "a\r\n\r\nGET /admin HTTP/1.1"),)),
            "header 'X' has a line break or NUL in its value",
        ),
        # lenient servers end a line at a bare one
        (Request("GET", "/", (("X", "a\nY: b"),)), "header 'X' has a line break"),
        (Request("GET", "/", (("X", "a\rb"),)), "header 'X' has a line break"),
        (Request("GET", "/", (("X", "a\0b"),)), "header 'X' has a line break"),
        (Request("GET", "/ HTTP/1.1\r\nX: y", ()), "target '/ HTTP/1.1"),
        (Request("GET /", "/", ()), "'GET /' is no method"),
        # would be read as Transfer-Encoding by servers that strip before the colon
        (Request("GET", "/", (("Transfer-Encoding ", "chunked"),)), "is no header name"),
        (Request("GET", "/", (("Transfer-Encoding:chunked", ""),)), "is no header name"),
        (Request("GET", "/", (("", "x"),)), "'' is no header name"),
        (Request("GET", "/日", ()), "'日' in the head is not ISO-8859-1"),
    ],
)
def test_one_request_stays_one_request(request_, why):
    """Text that would end a line or hide a field is refused, and the message names it."""
    with pytest.raises(UnsendableError, match=why):
        encode(request_)


@given(
    st.lists(st.tuples(st.text(min_size=1, max_size=8), st.text(max_size=12)), max_size=5),
    st.text(max_size=20),
)
def test_whatever_is_encoded_has_as_many_lines_as_fields(headers, target):
    """No text whatever makes more lines than the request has fields."""
    try:
        encoded = encode(Request("GET", target, tuple(headers)))
    except UnsendableError:
        return

    assert encoded.endswith(b"\r\n\r\n")
    assert encoded.count(b"\n") == encoded.count(b"\r") == len(headers) + 2

"""Heads that were let through become the nouns they are."""

import pytest

from harness.exchange import Request, Response
from harness.http1.captured import captured_request, captured_response


def test_a_request_keeps_order_case_duplicates_and_bytes():
    """What the client wrote can be sent again as it was."""
    head = b"POST /a%2e?q=\xff HTTP/1.1\r\nHost: x\r\nX-A:  1 \r\nx-a:\t2\r\nEmpty:\r\n\r\n"

    assert captured_request(head, b"{}") == Request(
        "POST",
        "/a%2e?q=\xff",
        (("Host", "x"), ("X-A", "1"), ("x-a", "2"), ("Empty", "")),
        b"{}",
    )


def test_a_head_without_a_request_line_is_refused():
    """Whoever sent it is not a front."""
    with pytest.raises(ValueError, match="has no request line: 'nonsense'"):
        captured_request(b"nonsense\r\n\r\n", b"")


def test_an_answer_keeps_what_was_kept_of_it():
    """Its status is known beforehand; the body may be cut."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nSet-Cookie: a: b\r\n\r\n"

    assert captured_response(head, 200, b"ab", 9, truncated=True) == Response(
        200, (("Content-Type", "text/plain"), ("Set-Cookie", "a: b")), b"ab", 9, truncated=True
    )


def test_an_answer_without_fields_has_none():
    """A status line alone is a head."""
    assert captured_response(b"HTTP/1.0 204 \r\n\r\n", 204, b"", 0, truncated=False).headers == ()

"""HTTP/1 messages that were recorded as bytes."""

from __future__ import annotations

import pytest

from harness.exchange import Request, Response
from harness.readers import message

HOST = b"Host: x\r\n"


def post(rest: bytes) -> bytes:
    return b"POST /p HTTP/1.1\r\n" + HOST + rest


def test_a_request_is_kept_as_it_stood():
    """Order, case and duplicates of header fields, escapes in the target, white space in values."""
    payload = (
        b"POST /a/../%2e?q=a+b HTTP/1.1\r\nhOST: x\r\nA: 1\r\na:  2 \r\nContent-Length: 2\r\n\r\nhi"
    )

    assert message.request(payload) == Request(
        "POST",
        "/a/../%2e?q=a+b",
        (("hOST", "x"), ("A", "1"), ("a", "2"), ("Content-Length", "2")),
        b"hi",
    )


def test_a_chunked_request_gets_a_length_in_the_same_place():
    """Its body is put together, so that it can be read, rewritten and sent again."""
    payload = post(
        b"Transfer-Encoding: chunked\r\nX: 1\r\n\r\n3;e=1\r\nabc\r\n2\r\nde\r\n0\r\nT: 1\r\n\r\n"
    )

    assert message.request(payload) == Request(
        "POST", "/p", (("Host", "x"), ("Content-Length", "5"), ("X", "1")), b"abcde"
    )


def test_bytes_of_a_header_are_characters():
    """One character per byte, also for what is no ASCII."""
    assert message.request(post(b"X: \xc3\xa9\r\n\r\n")).headers[1] == ("X", "Ã©")


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "head is cut off"),
        (b"POST /p HTTP/1.1\r\nHost: x\r\n", "head is cut off"),
        (b"\x16\x03\x01\r\n\r\n", "does not start with a request line"),
        (b"PRI * HTTP/2.0\r\n\r\n", "does not start with a request line"),
        (b"GET /a b HTTP/1.1\r\n\r\n", "target: is '/a b'"),
        (b"G(T / HTTP/1.1\r\n\r\n", "method: is 'G"),
        (post(b"A b: 1\r\n\r\n"), "'A b' is no header name"),
        (post(b" folded\r\n\r\n"), "has no colon"),
        (post(b"X: a\rb\r\n\r\n"), "headers: X"),
        (post(b"Content-Length: 5\r\n\r\nabc"), "body is cut off after 3 bytes"),
        (post(b"Content-Length: 1\r\n\r\nabc"), "body has 3 bytes, Content-Length says 1"),
        (post(b"Content-Length: 1\r\nContent-Length: 2\r\n\r\na"), "content-length: "),
        (post(b"Content-Length: -1\r\n\r\na"), "content-length: is '-1'"),
        (post(b"Content-Length: 1e3\r\n\r\na"), "content-length: "),
        (post(b"Transfer-Encoding: chunked\r\n\r\n3\r\nab"), "body is cut off"),
        (post(b"Transfer-Encoding: chunked\r\n\r\n0\r\n"), "body is cut off"),
        (
            post(b"Transfer-Encoding: gzip, chunked\r\n\r\n"),
            "transfer-encoding: is 'gzip, chunked'",
        ),
        (post(b"\r\nbody"), "has 4 bytes of body, and no length"),
    ],
)
def test_a_request_that_cannot_be_asked_again_is_refused(payload, reason):
    """A request with half a body would hang the champion; one with two bodies would be two."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the reason is looked at below
        message.request(payload)

    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("payload", "response"),
    [
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
            Response(200, (("Content-Length", "2"),), b"ok", n_body_bytes=2),
        ),
        # cut off: what is there is kept, and it says so
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok",
            Response(200, (("Content-Length", "9"),), b"ok", n_body_bytes=9, truncated=True),
        ),
        (
            b"HTTP/1.1 200\r\ntransfer-encoding: Chunked\r\n\r\n2\r\nok\r\n5\r\nab",
            Response(
                200, (("transfer-encoding", "Chunked"),), b"okab", n_body_bytes=4, truncated=True
            ),
        ),
        # until the connection closed
        (b"HTTP/1.0 404 Not Found\r\n\r\nno", Response(404, (), b"no", n_body_bytes=2)),
        # never a body, whatever the length says
        (
            b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
            Response(304, (("Content-Length", "9"),)),
        ),
        # an interim answer is not the answer
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Made\r\n\r\n", Response(201)),
        # line feeds alone, as hand-made captures have them
        (
            b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
            Response(200, (("Content-Length", "2"),), b"ok", 2),
        ),
    ],
)
def test_an_answer_keeps_what_is_there(payload, response):
    """A body that was cut is not taken for a whole one."""
    assert message.response(payload) == response


@pytest.mark.parametrize(
    ("payload", "n_missing"),
    [
        (post(b"Content-Length: 5\r\n\r\nabc"), 2),
        (post(b"Content-Length: 3\r\n\r\nabc"), 0),
        (post(b"\r\n"), 0),
        (post(b"Transfer-Encoding: chunked\r\n\r\n3\r\nab"), None),
        (b"HTTP/1.1 200 OK\r\n\r\nabc", None),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 0),
        (b"garbage", 0),
    ],
)
def test_what_is_missing_is_known_where_a_length_says_it(payload, n_missing):
    """None stands for bytes nobody can count."""
    assert message.n_missing(payload) == n_missing


def test_a_length_beside_a_coding_never_counted():
    """Two lengths would be two requests; the coding's counts."""
    payload = post(b"content-length: 99\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n")

    assert message.request(payload).headers == (("Host", "x"), ("Content-Length", "2"))

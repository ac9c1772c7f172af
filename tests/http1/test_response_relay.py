"""Answers go on to the client however they were cut on their way."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.http1.request_head import read_request_head
from harness.http1.response import UnreadableError
from harness.http1.response_relay import ResponseRelay
from tests.http1.messages import answers, cut, damaged

ASKED = {
    b"GET": read_request_head(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    b"HEAD": read_request_head(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"),
    b"old": read_request_head(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
}


def relay(pieces, request):
    """What goes on, what it says, and how it ended."""
    relay = ResponseRelay(max_head_bytes=1000)
    relay.expect(request)
    wire = content = b""
    for piece in pieces:
        try:
            wire += relay.feed(piece)
        except UnreadableError:
            return wire, content, "unreadable"
        content += b"".join(relay.content)
    if not relay.is_complete and not relay.eof():
        return wire, content, "cut off"
    return wire, content, ("reusable" if relay.keeps_alive else "closes", relay.closes)


def check_cuts(data, raw, request):
    whole = relay([raw], request)
    pieces = relay(data.draw(cut(raw)), request)

    if whole[2] == "unreadable":
        assert pieces[2] == "unreadable"
    else:
        assert pieces == whole


@settings(max_examples=100, deadline=None)
@given(st.data(), answers(), st.sampled_from([*ASKED.values()]))
def test_cuts_make_no_difference(data, raw, request):
    """The same bytes go on, in whatever pieces they came."""
    check_cuts(data, raw, request)


@settings(max_examples=100, deadline=None)
@given(st.data(), damaged(answers()), st.sampled_from([*ASKED.values()]))
def test_cuts_make_no_difference_to_damaged_answers(data, raw, request):
    """Neither to what is refused or cut off."""
    check_cuts(data, raw, request)


@pytest.mark.soak
@pytest.mark.timeout(900)
@settings(max_examples=10_000, deadline=None)
@given(st.data(), damaged(answers()), st.sampled_from([*ASKED.values()]))
def test_cuts_make_no_difference_for_long(data, raw, request):
    """The same, for as long as one likes to wait."""
    check_cuts(data, raw, request)


@settings(max_examples=60, deadline=None)
@given(answers())
def test_a_beginning_of_an_answer_is_never_complete(raw):
    """An answer with a length or chunks that lacks its last byte is cut off."""
    whole = relay([raw], ASKED[b"GET"])
    is_open = b"ontent-Length" not in raw and b"chunked" not in raw
    if is_open or b" 304 " in raw or whole[2] == "unreadable" or raw.endswith(b"Length: 0\r\n\r\n"):
        return

    assert relay([raw[:-1]], ASKED[b"GET"])[2] == "cut off"


def test_bytes_behind_an_answer_go_nowhere():
    """And the champion's connection is not used again."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    assert relay([answer + b"HTTP/1.1 200"], ASKED[b"GET"]) == (answer, b"ok", ("closes", False))
    assert relay([answer], ASKED[b"GET"]) == (answer, b"ok", ("reusable", False))


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"\x00\x00\x12\x04\x00\x00\x00", "answered in HTTP/2; only HTTP/1.1 is spoken here"),
        (b"\x15\x03\x01", "answered a plain request with a TLS alert; use an https:// URL"),
        (b"hello", "not an HTTP/1.1 answer, it starts with b'hello'"),
        (b"HTTP/1.1 200 OK\nX: 1\r\n\r\n",
         "not an HTTP/1.1 answer, it starts with b'HTTP/1.1 200 OK\\nX: 1\\r\\n\\r\\n'"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1000, "head larger than 1000 bytes"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
         "answered with two Content-Length fields"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\n",
         "answered with a Content-Length that is no number"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
         "answered with both Content-Length and Transfer-Encoding"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip, chunked\r\n\r\n",
         "answered with chunks inside another transfer coding"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5 \r\n",
         "broken body: a chunk size that is none: b'5 '"),
    ],
)  # fmt: skip
def test_what_is_no_answer_is_named(answer, why):
    """One line for a person."""
    relay = ResponseRelay(max_head_bytes=1000)
    relay.expect(ASKED[b"GET"])

    with pytest.raises(UnreadableError) as caught:
        relay.feed(answer)

    assert str(caught.value) == why


def test_the_last_answer_of_a_connection_says_so():
    """As one that was told to be the last."""
    relay = ResponseRelay(max_head_bytes=1000)
    relay.expect(ASKED[b"GET"], b"X-Id: 1\r\n")
    relay.closes = True

    wire = relay.feed(b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n")

    assert wire == (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Id: 1\r\nConnection: close\r\n\r\n")

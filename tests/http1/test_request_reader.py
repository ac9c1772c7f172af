"""Requests are found in a stream of bytes however it is cut, and never a request more or less."""

import httptools
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.http1.limits import RequestLimits
from harness.http1.refusal import Refusal, RefusedError
from harness.http1.request_reader import RequestReader
from tests.http1.messages import cut, damaged, requests

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def read(pieces, limits=None):
    """What goes on of each request that is complete, its content, and whether it ended badly."""
    reader = RequestReader(limits or RequestLimits())
    found, wire, content = [], b"", b""
    for piece in pieces:
        data = piece
        while data:
            try:
                wire += reader.feed(data)
            except RefusedError as exc:
                return found, exc.refusal
            content += b"".join(reader.content)
            if not reader.is_complete:
                break
            assert reader.head is not None
            found.append((wire, content, reader.head.keeps_alive))
            wire, content = b"", b""
            data = reader.next()
    return found, None


class Oracle:
    """llhttp, which knows nothing of us."""

    def __init__(self):
        self.bodies = []
        self.is_complete = 0

    def on_message_begin(self):
        self.bodies.append(b"")

    def on_body(self, piece):
        self.bodies[-1] += piece

    def on_message_complete(self):
        self.is_complete += 1


def llhttp(raw):
    """Bodies of the complete requests that llhttp sees, and whether it saw a fault."""
    oracle = Oracle()
    parser = httptools.HttpRequestParser(oracle)
    try:
        parser.feed_data(raw)
    except httptools.HttpParserUpgrade:
        pass
    except httptools.HttpParserError:
        return oracle.bodies[: oracle.is_complete], True
    return oracle.bodies[: oracle.is_complete], False


def check_cuts(data, raw):
    whole = read([raw])
    pieces = read(data.draw(cut(raw)))

    assert pieces[0] == whole[0]
    assert (pieces[1] is None) == (whole[1] is None)


streams = st.lists(requests(), min_size=1, max_size=3).map(b"".join)


@settings(max_examples=60, deadline=None)
@given(st.data(), streams)
def test_cuts_make_no_difference(data, raw):
    """The same requests come out of the same bytes, in whatever pieces these come."""
    check_cuts(data, raw)


@settings(max_examples=60, deadline=None)
@given(st.data(), damaged(streams))
def test_cuts_make_no_difference_to_damaged_requests(data, raw):
    """Neither to what is refused."""
    check_cuts(data, raw)


@pytest.mark.soak
@pytest.mark.timeout(900)
@settings(max_examples=10_000, deadline=None)
@given(st.data(), damaged(streams))
def test_cuts_make_no_difference_for_long(data, raw):
    """The same, for as long as one likes to wait."""
    check_cuts(data, raw)


def check_oracle(raw):
    found, refusal = read([raw])
    theirs, fault = llhttp(raw)

    if not fault and refusal is None and all(keeps_alive for *_, keeps_alive in found):
        assert [content for _, content, _ in found] == theirs
    for ours, other in zip((content for _, content, _ in found), theirs, strict=False):
        assert ours == other


@settings(max_examples=120, deadline=None)
@given(damaged(streams))
def test_llhttp_sees_the_same_requests(raw):
    """What we take on has the same bodies for another strict reader."""
    check_oracle(raw)


@pytest.mark.soak
@pytest.mark.timeout(900)
@settings(max_examples=10_000, deadline=None)
@given(damaged(streams))
def test_llhttp_sees_the_same_requests_for_long(raw):
    """The same, for as long as one likes to wait."""
    check_oracle(raw)


@settings(max_examples=60, deadline=None)
@given(damaged(streams))
def test_what_goes_on_is_taken_again_as_it_is(raw):
    """A request that was passed on would be passed on by a second front without a change."""
    for wire, content, _ in read([raw])[0]:
        again, refusal = read([wire])

        assert refusal is None
        assert [(one[0], one[1]) for one in again] == [(wire, content)]


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_noise_is_refused_or_waited_on(raw):
    """Nothing but the one error comes out of it."""
    assert read([raw])[0] == []


def test_nothing_of_a_request_is_taken_for_the_next():
    """A body that looks like a request is a body."""
    smuggled = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(GET) + GET

    assert read([smuggled + GET]) == ([(smuggled, GET, True), (GET, b"", True)], None)


@pytest.mark.parametrize(
    ("raw", "refusal"),
    [
        (b"GET /" + b"x" * 100, Refusal.LONG_TARGET),
        (b"GET /" + b"x" * 40 + b" HTTP/1.1\r\nHost: a\r\n\r\n", Refusal.LONG_TARGET),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 300, Refusal.LARGE_HEAD),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 300 + b"\r\n\r\n", Refusal.LARGE_HEAD),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\nX: 1\r\nX: 1\r\n\r\n", Refusal.LARGE_HEAD),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n", Refusal.LARGE_BODY),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n123456789",
         Refusal.LARGE_BODY),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;" + b"x" * 300,
         Refusal.FRAMING),
    ],
)  # fmt: skip
@pytest.mark.parametrize("n_bytes", [1, 7, 1000])
def test_limits_hold_however_the_bytes_come(raw, refusal, n_bytes):
    """What is too large is refused before it is all here."""
    limits = RequestLimits(max_head_bytes=200, max_fields=3, max_target_bytes=32, max_body_bytes=8)
    pieces = [raw[at : at + n_bytes] for at in range(0, len(raw), n_bytes)]

    assert read(pieces, limits) == ([], refusal)


def test_an_unfinished_request_is_waited_for():
    """What came of it is known."""
    reader = RequestReader(RequestLimits())

    assert not reader.has_begun
    assert reader.feed(GET[:9]) == b""
    assert reader.has_begun
    assert reader.feed(GET[9:]) == GET
    assert reader.is_complete

"""Where bodies end, and what is no body."""

import httptools
import pytest
from hypothesis import given, settings

from harness.http1.body import BrokenBodyError, ChunkedBody, LengthBody, OpenBody
from tests.http1.messages import chunks, damaged


def fed(body, pieces):
    """Bytes that belong to the body, and what they say."""
    n_bytes, content = 0, b""
    for piece in pieces:
        n_bytes += body.feed(piece)
        content += b"".join(body.content)
        if body.is_complete:
            break
    return n_bytes, content


def singly(raw):
    return [raw[at : at + 1] for at in range(len(raw))]


@pytest.mark.parametrize("cut", [lambda raw: [raw], singly], ids=["whole", "bytewise"])
@pytest.mark.parametrize(
    ("raw", "end", "content"),
    [
        (b"5\r\nhello\r\n0\r\n\r\nGET", 15, b"hello"),
        (b"5\r\nh\r\n\r\n\r\n0\r\n\r\n0\r\n\r\n", 15, b"h\r\n\r\n"),
        (b"5;a=b;c\r\nhello\r\n000\r\nX-T: 1\r\nY:\r\n\r\nmore", 35, b"hello"),
        (b"A\r\n0123456789\r\n0\r\n\r\n", 20, b"0123456789"),
        (b"0\r\n\r\n", 5, b""),
    ],
)
def test_chunks_end_with_the_empty_line_behind_the_last(cut, raw, end, content):
    """Not a byte sooner or later."""
    body = ChunkedBody(1000)

    assert fed(body, cut(raw)) == (end, content)
    assert body.is_complete


@pytest.mark.parametrize("cut", [lambda raw: [raw], singly], ids=["whole", "bytewise"])
@pytest.mark.parametrize(
    "raw",
    [
        b"0x5\r\nhello\r\n", b"5 \r\nhello\r\n", b" 5\r\nhello\r\n", b"+5\r\n", b"-5\r\n", b"\r\n",
        b";a\r\n", b"5\nhello\r\n", b"5\rXhello", b"5\r\nhelloo\r\n", b"5\r\nhello\n0\r\n\r\n",
        b"5\r\nhelloX", b"5;a=\x00\r\n", b"5;a=b\nhello\r\n", b'5;a="\n"\r\n', b"5;\r\n",
        b"5;a\rb\r\n", b"fffffffff\r\n", b"80000000\r\n", b"00000000000000005\r\n1",
        b"0\r\nX : a\r\n\r\n", b"0\r\n a: b\r\n\r\n", b"0\r\na: b\n\r\n", b"0\r\na: b\r\n\n",
        b"0\r\na\r\n\r\n", b"0\r\na: \x01\r\n\r\n", b"0\r\na: b\r\n c\r\n\r\n",
        b"0\r\nContent-Length: 5\r\n\r\n", b"0\r\nTRANSFER-ENCODING: chunked\r\n\r\n",
        b"0\r\nHost: b\r\n\r\n",
    ],
)  # fmt: skip
def test_what_another_reader_might_take_otherwise_is_broken(cut, raw):
    """Sizes that are none, line ends that are none, and trailers that would change the head."""
    with pytest.raises(BrokenBodyError):
        fed(ChunkedBody(1000), cut(raw))


@pytest.mark.parametrize(
    "raw", [b"5;" + b"a" * 200, b"0\r\n" + b"a: b\r\n" * 40, b"0\r\na: " + b"b" * 200]
)
def test_there_is_no_end_of_framing_without_content(raw):
    """Extensions and trailers are bounded."""
    with pytest.raises(BrokenBodyError, match="more than 100 bytes of trailers"):
        fed(ChunkedBody(100), singly(raw))


class _Oracle:
    def __init__(self):
        self.content, self.is_complete = b"", False

    def on_body(self, piece):
        self.content += piece

    def on_message_complete(self):
        self.is_complete = True


@settings(max_examples=200, deadline=None)
@given(damaged(chunks()))
def test_llhttp_reads_the_same_chunks(raw):
    """Whatever we take for complete is complete for llhttp, and says the same."""
    body = ChunkedBody(1000)
    try:
        end, content = fed(body, [raw])
    except BrokenBodyError:
        return
    if not body.is_complete:  # a fault in an unfinished line is seen when it is finished
        return

    oracle = _Oracle()
    parser = httptools.HttpRequestParser(oracle)
    parser.feed_data(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    parser.feed_data(raw[:end])
    assert (oracle.is_complete, oracle.content) == (True, content)


def test_a_length_is_counted():
    """What comes behind is not the body's."""
    body = LengthBody(3)

    assert fed(body, [b"a", b"bcd"]) == (3, b"abc")
    assert body.is_complete


def test_an_open_body_takes_everything():
    """Its end is the connection's."""
    body = OpenBody()

    assert fed(body, [b"a", b"bc"]) == (3, b"abc")
    assert not body.is_complete

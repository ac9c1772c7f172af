"""Where answers end, what is kept of them, and what is no answer."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.exchange import Response
from harness.http1.limits import Limits
from harness.http1.response import ResponseReader, UnreadableError


@pytest.fixture
def reader():
    return ResponseReader(Limits())


def small(**limits):
    return ResponseReader(Limits(**limits))


def feed_all(reader, pieces):
    for piece in pieces:
        reader.feed(piece)


def test_an_answer_with_a_length_is_complete_with_its_last_byte(reader):
    """Not before it, and the connection may be used again."""
    assert not reader.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab")
    assert reader.feed(b"c")

    assert reader.response == Response(200, (("Content-Length", "3"),), b"abc", 3)
    assert reader.reusable


def test_a_chunked_answer_loses_its_coding_and_its_trailers(reader):
    """Chunks are joined, extensions and trailers read over."""
    complete = reader.feed(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nTrailer-Field: t\r\n\r\n"
    )

    assert complete
    assert reader.response == Response(200, (("Transfer-Encoding", "chunked"),), b"abcde", 5)
    assert reader.reusable


def test_headers_keep_order_case_and_duplicates(reader):
    """Set-Cookie twice stays twice, and odd case stays odd."""
    reader.feed(b"HTTP/1.1 200 OK\r\nset-cookie: a\r\nX-b:  \xe9 \r\nSet-Cookie: b\r\n")
    reader.feed(b"content-length: 0\r\n\r\n")

    assert reader.response.headers == (
        ("set-cookie", "a"),
        ("X-b", "\xe9"),
        ("Set-Cookie", "b"),
        ("content-length", "0"),
    )


def test_without_a_length_only_the_end_of_the_connection_completes(reader):
    """And then the connection is gone."""
    assert not reader.feed(b"HTTP/1.1 200 OK\r\n\r\nabc")
    assert not reader.feed(b"def")
    assert reader.eof()

    assert reader.response.body == b"abcdef"
    assert not reader.reusable


@pytest.mark.parametrize(
    "cut_off",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nConte",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 10\r\n\r\nabc",
        b"HTTP/1.0 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        # the last chunk is there, the end of the trailers is not
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
    ],
)
def test_an_answer_cut_off_is_never_complete(reader, cut_off):
    """A peer that goes away inside a head, a length or a chunk has not answered."""
    if cut_off:
        assert not reader.feed(cut_off)

    assert not reader.eof()
    assert reader.response is None


def test_what_came_of_a_cut_off_answer_is_kept(reader):
    """The partial answer says how much there was."""
    reader.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")

    assert reader.partial() == Response(200, (("Content-Length", "10"),), b"abc", 3)


def test_no_head_no_partial_answer(reader):
    """Half a head is nothing."""
    reader.feed(b"HTTP/1.1 200 OK\r\nContent-")

    assert reader.partial() is None


@pytest.mark.parametrize("status", [204, 304])
def test_some_statuses_have_no_body(reader, status):
    """A 204 or 304 ends with its head, whatever length it names."""
    assert reader.feed(b"HTTP/1.1 %d X\r\nContent-Length: 5\r\n\r\n" % status)

    assert reader.response.body == b""
    assert reader.reusable


def test_an_answer_to_head_ends_with_its_head(reader):
    """It names the length of a body that does not follow; the next answer is read properly."""
    reader.expect("HEAD")

    assert reader.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
    assert reader.response.body == b""
    assert reader.reusable

    reader.expect("GET")

    assert reader.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
    assert reader.response.body == b"hi"


def test_a_body_after_the_answer_to_head_spoils_the_connection(reader):
    """A server that sends one all the same has answered, and is not asked again here."""
    reader.expect("HEAD")

    assert reader.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
    assert reader.response.body == b""
    assert not reader.reusable


def test_interim_answers_are_skipped(reader):
    """100 and 103 come before the answer and are not it."""
    assert not reader.feed(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert not reader.feed(b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n")
    assert reader.feed(b"HTTP/1.1 201 Created\r\nContent-Length: 1\r\n\r\nx")

    assert reader.response == Response(201, (("Content-Length", "1"),), b"x", 1)


@pytest.mark.parametrize(
    "surplus",
    [b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad", b"HTTP/1.1 2", b"garbage", b"\r\nx"],
)
@pytest.mark.parametrize("head", [b"", b"Connection: close\r\n"])
@pytest.mark.parametrize("apart", [True, False])
def test_surplus_bytes_are_not_the_next_answer(reader, surplus, head, apart):
    """The answer stands as it was; the connection is not used again."""
    answer = b"HTTP/1.1 200 OK\r\n%bContent-Length: 4\r\n\r\ngood" % head

    for piece in [answer, surplus] if apart else [answer + surplus]:
        assert reader.feed(piece)

    assert reader.response.body == b"good"
    assert reader.response.status == 200
    assert not reader.reusable


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 200 OK\r\nConnection: close\r\n", b"HTTP/1.0 200 OK\r\n"]
)
def test_a_connection_that_will_be_closed_is_not_reusable(reader, head):
    """Because the peer says so, or speaks HTTP/1.0."""
    assert reader.feed(head + b"Content-Length: 0\r\n\r\n")
    assert not reader.reusable


def test_only_the_first_bytes_of_a_large_body_are_kept():
    """All bytes are counted."""
    reader = small(max_body_bytes=5)

    reader.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
    reader.feed(b"defghi")

    assert reader.response == Response(200, (("Content-Length", "9"),), b"abcde", 9, True)


def test_a_body_of_just_the_limit_is_whole():
    """At the limit nothing is cut off."""
    reader = small(max_body_bytes=3)

    reader.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc")

    assert reader.response.body == b"abc"
    assert not reader.response.truncated


def test_keeping_no_body_still_counts_it():
    """With a limit of 0 the size is all that is known."""
    reader = small(max_body_bytes=0)

    reader.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc")

    assert reader.response == Response(200, (("Content-Length", "3"),), b"", 3, True)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "not an HTTP/1.1 answer: .*, it starts with b'SSH-2.0"),
        (b"\x00\x00\x12\x04\x00\x00\x00\x00\x00", "answered in HTTP/2; only HTTP/1.1 is spoken"),
        (b"\x15\x03\x03\x00\x02\x02\x46", "use an https:// URL"),
        (b"HTTP/1.1 101 Sw\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n", "nobody asked"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n",
            "Transfer-Encoding",
        ),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\n", "Content-Length"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "Content-Length"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "broken body: "),
        (b"HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n", "not an HTTP/1.1 answer: "),
        (b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "not an HTTP/1.1 answer: "),
    ],
)
def test_what_is_no_answer_is_refused_with_a_reason(reader, answer, why):
    """Broken or ambiguous framing is an error, never a guess."""
    with pytest.raises(UnreadableError, match=why):
        reader.feed(answer)


@pytest.mark.parametrize("step", [10, 4096])
def test_a_head_has_a_limit(step):
    """However small or large the pieces it comes in."""
    reader = small(max_head_bytes=1000)
    answer = b"HTTP/1.1 200 OK\r\nX: " + b"x" * 2000 + b"\r\nContent-Length: 0\r\n\r\n"

    with pytest.raises(UnreadableError, match="head larger than 1000 bytes"):
        feed_all(reader, (answer[at : at + step] for at in range(0, len(answer), step)))


def test_the_head_is_told_from_the_body_in_one_piece():
    """A small head with a large body behind it is within the limit."""
    reader = small(max_head_bytes=100)

    assert reader.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + b"x" * 500)


def test_endless_interim_answers_are_refused():
    """They count as head."""
    reader = small(max_head_bytes=1000)

    with pytest.raises(UnreadableError, match="head larger than 1000 bytes"):
        feed_all(reader, [b"HTTP/1.1 100 Continue\r\n\r\n"] * 100)


def test_endless_trailers_are_refused():
    """They count as head as well."""
    reader = small(max_head_bytes=1000)
    reader.feed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n")

    with pytest.raises(UnreadableError, match="more than 1000 bytes of trailers"):
        feed_all(reader, [b"A: bcdefgh\r\n"] * 1000)


def test_an_answer_has_a_limit():
    """Beyond it we do not even count."""
    reader = small(max_answer_bytes=1000)
    reader.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")

    with pytest.raises(UnreadableError, match="answer larger than 1000 bytes"):
        feed_all(reader, [b"x" * 100] * 11)


def test_one_reader_reads_many_answers(reader):
    """As a kept-alive connection needs it, with nothing left of the one before."""
    for i in range(3):
        reader.expect("POST")

        assert reader.feed(b"HTTP/1.1 20%d OK\r\nContent-Length: 1\r\nA: b\r\n\r\n%d" % (i, i))
        assert reader.response == Response(
            200 + i, (("Content-Length", "1"), ("A", "b")), b"%d" % i, 1
        )


ANSWERS = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nA: b\r\n\r\nhello",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"2\r\nhi\r\n1\r\n!\r\n0\r\nT: x\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\nA: b\r\n\r\n",
)


@given(st.sampled_from(ANSWERS), st.lists(st.integers(1, 100), max_size=12))
def test_pieces_do_not_matter(answer, cuts):
    """However the network cuts an answer, it is the same answer."""
    whole = ResponseReader(Limits())
    whole.feed(answer)
    cut = ResponseReader(Limits())
    edges = [0, *sorted({c for c in cuts if c < len(answer)}), len(answer)]

    for start, end in pairwise(edges):
        complete = cut.feed(answer[start:end])

    assert complete
    assert cut.response == whole.response
    assert cut.reusable


@settings(max_examples=300)
@given(st.one_of(st.binary(max_size=200), st.binary(max_size=80).map(ANSWERS[0][:40].__add__)))
def test_garbage_is_refused_or_incomplete_but_never_crashes(data):
    """Any bytes lead to an answer, to more waiting, or to the one error we know."""
    reader = ResponseReader(Limits())
    try:
        reader.feed(data)
        reader.eof()
    except UnreadableError:
        return

    assert reader.partial() is None or reader.partial().status >= 200

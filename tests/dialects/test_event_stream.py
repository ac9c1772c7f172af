"""Server-sent events, as the HTML standard reads them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.dialects.event_stream import EventReader, events_of, is_event_stream


def told(stream):
    return [(event.type, event.data, event.id) for event in events_of(stream)]


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        # the examples of the standard
        (b"data: YHOO\ndata: +2\ndata: 10\n\n", [("message", "YHOO\n+2\n10", "")]),
        (
            b": test\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third\n\n",
            [("message", "first event", "1"), ("message", "second event", ""),
             ("message", " third", "")],
        ),
        (b"data\n\ndata\ndata\n\ndata:", [("message", "", ""), ("message", "\n", "")]),
        (b"data:test\n\ndata: test\n\n", [("message", "test", ""), ("message", "test", "")]),
        # line ends of all three kinds, mixed
        (b"data: a\r\rdata: b\r\n\r\ndata: c\n\r\n", [("message", x, "") for x in "abc"]),
        # a byte order mark at the start alone
        (b"\xef\xbb\xbfdata: a\n\n", [("message", "a", "")]),
        (b"data: a\n\n\xef\xbb\xbfdata: b\n\n", [("message", "a", "")]),
        # a type holds for one event, an id until the next
        (b"event: x\nid: 7\ndata: a\n\ndata: b\n\n", [("x", "a", "7"), ("message", "b", "7")]),
        # an event without data is none, and leaves no type behind
        (b"event: x\n\ndata: a\n\n", [("message", "a", "")]),
        # an id with a NUL is not taken; unknown fields and retry say nothing here
        (b"id: a\0b\nretry: 5\nfoo: 1\ndata: a\n\n", [("message", "a", "")]),
        # what was not ended is dropped
        (b"data: a\n\ndata: b\n", [("message", "a", "")]),
        # no UTF-8 is replaced, not refused
        (b"data: \xff\n\n", [("message", "\ufffd", "")]),
    ],
)  # fmt: skip
def test_a_stream_means_what_the_standard_says(stream, events):
    """Fields, comments, line ends, ids and what is left at the end."""
    assert told(stream) == events


PIECES = st.sampled_from(
    [b"data: ", b"data:", b"event: x", b"id: 1", b": c", b"\n", b"\r", b"\r\n", b"a",
     b"\xef\xbb\xbf", "ä€".encode(), b"\n\n", b"{}"]
)  # fmt: skip


@settings(deadline=None)
@given(stream=st.lists(PIECES, max_size=30).map(b"".join), data=st.data())
def test_cuts_make_no_difference(stream, data):
    """The same bytes give the same events at the same places, however they are cut."""
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=12).map(sorted))
    reader = EventReader()

    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    events = [event for piece in pieces for event in reader.feed(piece)]

    assert events == events_of(stream)
    assert [told(stream[: event.end])[-1] for event in events] == told(stream)


def test_an_event_is_given_as_soon_as_it_ends():
    """A CR ends a line at once; the LF that follows it later ends no other."""
    reader = EventReader()

    assert [event.data for event in reader.feed(b"data: a\r\n\r")] == ["a"]
    assert reader.feed(b"\n") == []
    assert [event.data for event in reader.feed(b"data: b\n\n")] == ["b"]


@pytest.mark.parametrize(
    ("body", "content_type", "is_stream"),
    [
        (b"data: {}\n\n", "", True),
        (b"\xef\xbb\xbf: ping\n\n", "application/json", True),
        (b'{"error": 1}', "text/event-stream", False),
        (b"", "Text/Event-Stream; charset=utf-8", True),
        (b"", "application/json", False),
    ],
)
def test_what_is_a_stream_is_told_by_its_bytes(body, content_type, is_stream):
    """An error under a stream's header is JSON, and a log without headers has streams."""
    assert is_event_stream(body, (("content-type", content_type),)) is is_stream


def test_an_empty_piece_between_cr_and_lf_ends_no_event():
    """The line end that was cut in two is still one."""
    reader = EventReader()

    events = [*reader.feed(b"data: a\r"), *reader.feed(b""), *reader.feed(b"\n")]

    assert events == []

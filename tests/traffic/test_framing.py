"""Frames survive every way of being cut, and nothing else passes for one."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.traffic import framing
from harness.traffic.framing import (
    Ack,
    Bye,
    ChampionFrame,
    FrameError,
    FrameReader,
    Hello,
    Lost,
    RequestFrame,
)

MOST = 1 << 20
numbers = st.integers(0, 2**64 - 1)
seconds = st.floats(allow_nan=False, allow_infinity=False)
heads = st.binary(max_size=200)
bodies = st.binary(max_size=500)

requests = st.builds(
    RequestFrame,
    number=numbers,
    received_at_ns=st.integers(-(2**63), 2**63 - 1),
    offered_s=seconds,
    head=heads,
    body=bodies,
    sample_ppm=st.integers(0, 1_000_000),
)
champions = st.builds(
    ChampionFrame,
    number=numbers,
    kind=st.sampled_from(["ok", "timeout", "connect_error"]),
    status=st.integers(0, 999),
    head=heads,
    body=bodies,
    n_body_bytes=numbers,
    truncated=st.booleans(),
    started_s=seconds,
    first_byte_s=seconds,
    latency_s=seconds,
    wait_s=seconds,
    lag_s=seconds,
    timeout_s=seconds,
    chunk_at_s=st.lists(seconds, max_size=5).map(tuple),
    detail=st.text(max_size=40),
)
frames = st.one_of(
    st.builds(Hello, front=st.text(max_size=20), n_offered=numbers),
    requests,
    champions,
    st.builds(Lost, number=numbers),
    st.builds(Bye, n_offered=numbers),
    st.builds(Ack, n_settled=numbers),
)


def encoded(frame):
    match frame:
        case Hello(front, n_offered):
            return framing.hello(front, n_offered)
        case RequestFrame():
            start = framing.request_start(
                number=frame.number,
                received_at_ns=frame.received_at_ns,
                offered_s=frame.offered_s,
                head=frame.head,
                n_body=len(frame.body),
                sample_ppm=frame.sample_ppm,
            )
            return start + frame.body
        case ChampionFrame():
            start = framing.champion_start(
                number=frame.number,
                kind=frame.kind.encode(),
                status=frame.status,
                head=frame.head,
                n_kept=len(frame.body),
                n_body_bytes=frame.n_body_bytes,
                truncated=frame.truncated,
                started_s=frame.started_s,
                first_byte_s=frame.first_byte_s,
                latency_s=frame.latency_s,
                wait_s=frame.wait_s,
                lag_s=frame.lag_s,
                timeout_s=frame.timeout_s,
                chunk_at_s=frame.chunk_at_s,
                detail=frame.detail,
            )
            return start + frame.body
        case Lost(number):
            return framing.lost(number)
        case Bye(n_offered):
            return framing.bye(n_offered)
        case Ack(n_settled):
            return framing.ack(n_settled)


@given(st.lists(frames, max_size=6), st.data())
def test_frames_come_out_as_they_went_in_however_they_are_cut(sent, data):
    """What a socket does to message boundaries changes nothing."""
    stream = b"".join(map(encoded, sent))
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=8).map(sorted))
    reader = FrameReader(MOST)

    read = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        read += reader.feed(stream[start:end])

    assert read == sent
    assert reader.n_held == 0


@given(st.binary(min_size=8, max_size=300))
def test_bytes_that_are_no_frames_are_refused_or_waited_for(noise):
    """Noise raises a named error or is an unfinished frame, and is never more than was fed."""
    reader = FrameReader(MOST)

    try:
        reader.feed(noise)
    except FrameError:
        return

    assert reader.n_held <= len(noise)


@given(frames, st.data())
def test_a_damaged_byte_never_raises_anything_but_a_frame_error(frame, data):
    """Every field of a frame may be wrong."""
    stream = bytearray(encoded(frame))
    at = data.draw(st.integers(0, len(stream) - 1))
    stream[at] ^= data.draw(st.integers(1, 255))

    with contextlib.suppress(FrameError):
        FrameReader(MOST).feed(bytes(stream))


def test_something_else_is_named_by_how_it_starts():
    """A person sees what came instead."""
    with pytest.raises(FrameError, match="it starts with b'GET / HT'"):
        FrameReader(MOST).feed(b"GET / HTTP/1.1\r\n\r\n")


def test_another_version_is_named():
    """Two ends of different releases do not guess."""
    frame = bytearray(framing.lost(7))
    frame[2] = 9

    with pytest.raises(FrameError, match="is a frame of version 9, this side speaks 1"):
        FrameReader(MOST).feed(bytes(frame))


def test_a_frame_over_the_limit_is_refused_by_its_header_alone():
    """Nothing is gathered for a frame that nobody takes."""
    start = framing.request_start(
        number=1, received_at_ns=0, offered_s=0.0, head=b"", n_body=2 * MOST
    )

    with pytest.raises(FrameError, match=r"is a frame of 2,097,\d+ bytes, 1,048,576 are allowed"):
        FrameReader(MOST).feed(start)


def test_a_frame_whose_head_is_longer_than_itself_is_refused():
    """Sizes inside a frame are held against its own."""
    start = framing.request_start(number=1, received_at_ns=0, offered_s=0.0, head=b"ab", n_body=0)
    frame = bytearray(start)
    frame[8 + 28 : 8 + 32] = (99).to_bytes(4, "little")

    with pytest.raises(FrameError, match="its head is longer"):
        FrameReader(MOST).feed(bytes(frame))


def test_a_lost_frame_has_the_size_that_is_kept_free_for_it():
    """The reserve that makes a loss tellable is exact."""
    assert len(framing.lost(2**64 - 1)) == framing.LOST_BYTES


def test_a_detail_is_one_short_line():
    """A long explanation is cut, and cut letters do not harm."""
    start = framing.champion_start(
        number=1, kind=b"timeout", status=0, head=b"", n_kept=0, n_body_bytes=0, truncated=False,
        started_s=0.0, first_byte_s=-1.0, latency_s=1.0, wait_s=0.0, lag_s=0.0, timeout_s=1.0,
        detail="ü" * 200,
    )  # fmt: skip

    (frame,) = FrameReader(MOST).feed(start)

    assert frame.detail.startswith("ü" * 127)

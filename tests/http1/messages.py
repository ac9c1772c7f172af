"""Requests, answers and bodies for property tests: mostly sound, with faults strewn in."""

from hypothesis import strategies as st

names = st.sampled_from(
    [b"X-A", b"x-b", b"Cookie", b"Keep-Alive", b"TE", b"Connection", b"Expect", b"Content-Type"]
)
values = st.sampled_from([b"1", b"", b" close", b" keep-alive, x-a", b"\xff", b" text/plain \t"])
fields = st.lists(st.tuples(names, values), max_size=4).map(
    lambda pairs: b"".join(b"%b:%b\r\n" % pair for pair in pairs)
)
content = st.binary(max_size=24) | st.sampled_from(
    [b"\r\n\r\n", b"0\r\n\r\nGET / HTTP/1.1\r\n\r\n"]
)


@st.composite
def chunks(draw) -> bytes:
    """A body in chunks, with extensions and trailers."""
    pieces = draw(st.lists(content.filter(bool), max_size=3))
    extension = draw(st.sampled_from([b"", b";a", b";a=b", b';a="b c"']))
    trailers = draw(st.sampled_from([b"", b"X-T: 1\r\n", b"X-T:\r\nY: 2\r\n"]))
    body = b"".join(b"%x%b\r\n%b\r\n" % (len(piece), extension, piece) for piece in pieces)
    return body + b"0\r\n" + trailers + b"\r\n"


@st.composite
def requests(draw) -> bytes:
    """One request."""
    line = draw(
        st.sampled_from([b"GET /a%2f/../b HTTP/1.1", b"POST /p?q HTTP/1.1", b"PURGE / HTTP/1.0"])
    )
    head = line + b"\r\nHost: a\r\n" + draw(fields)
    match draw(st.sampled_from(["none", "length", "chunks"])):
        case "length":
            body = draw(content)
            return head + b"Content-Length: %d\r\n\r\n" % len(body) + body
        case "chunks":
            return head + b"Transfer-Encoding: chunked\r\n\r\n" + draw(chunks())
    return head + b"\r\n"


@st.composite
def answers(draw) -> bytes:
    """One final answer, perhaps with interim ones in front of it."""
    interim = draw(st.sampled_from([b"", b"HTTP/1.1 103 Hints\r\nLink: a\r\n\r\n"]))
    line = draw(st.sampled_from([b"HTTP/1.1 200 OK", b"HTTP/1.0 404", b"HTTP/1.1 304 N\xff"]))
    head = interim + line + b"\r\n" + draw(fields)
    match draw(st.sampled_from(["open", "length", "chunks"])):
        case "length":
            body = draw(content)
            return head + b"Content-Length: %d\r\n\r\n" % len(body) + body
        case "chunks":
            return head + b"Transfer-Encoding: chunked\r\n\r\n" + draw(chunks())
    return head + b"\r\n" + draw(content)


@st.composite
def damaged(draw, messages: st.SearchStrategy[bytes]) -> bytes:
    """A message in which some bytes were replaced, left out or put in."""
    raw = draw(messages)
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(raw)))
        put = draw(
            st.sampled_from([b"", b"\r", b"\n", b"\r\n", b" ", b"\x00", b":", b"0", b"\xff"])
        )
        raw = raw[:at] + put + raw[at + draw(st.integers(0, 2)) :]
    return raw


@st.composite
def cut(draw, raw: bytes) -> list[bytes]:
    """The same bytes in pieces."""
    at = sorted(draw(st.sets(st.integers(1, max(1, len(raw) - 1)), max_size=8)))
    return [piece for a, b in zip([0, *at], [*at, len(raw)], strict=True) if (piece := raw[a:b])]

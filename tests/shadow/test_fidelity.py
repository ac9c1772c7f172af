"""What comes in goes out, byte for byte, or is refused: the front beside nginx, on raw sockets.

Each row of the table says what a client sends, what the champion must see and what the client must
get. The same bytes go to nginx, as transparent as it can be configured; where it does something
else, the row says what and why that is right for a shadow proxy.
"""

from dataclasses import dataclass

import pytest

from tests.shadow.fronts import start_front
from tests.shadow.nginx import installed, start_nginx
from tests.shadow.raw import OK, Champion, ask, body_of, status_of

pytestmark = pytest.mark.process

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
SAME = b"the same bytes"  # stands for: what the other side sent, unchanged


@dataclass(frozen=True)
class Case:
    """One row.

    Attributes:
        send: What the client sends.
        seen: What the champion must see, request by request; SAME for what was sent.
        status: Of the first final answer.
        answer: What the champion says.
        got: What the client must get; SAME for the answer, None where it is our own.
        closes: Whether the champion closes after its answer.
        n_answers: Final answers to be expected.
        nginx: What nginx does differently, empty where it agrees on the status, the body and the
            number of requests that reach the champion.
    """

    name: str
    send: bytes
    seen: tuple[bytes, ...] = (SAME,)
    status: int = 200
    answer: bytes = OK
    got: bytes | None = SAME
    closes: bool = False
    n_answers: int = 1
    nginx: str = ""


def refused(name: str, send: bytes, status: int = 400, nginx: str = "") -> Case:
    return Case(name, send, seen=(), status=status, got=None, nginx=nginx)


def framed(lines: bytes, body: bytes = b"") -> bytes:
    return b"POST /p HTTP/1.1\r\nHost: a\r\n" + lines + b"\r\n" + body


CHUNKS = b"3;x=1\r\nabc\r\n0005\r\nhello\r\n0\r\nX-T: 1\r\nX-T: 2\r\n\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"

FIDELITY = [
    Case("plain GET", GET),
    Case("POST with a length", framed(b"Content-Length: 5\r\n", b"hello")),
    Case("bytes of all kinds in a body", framed(b"Content-Length: 256\r\n", bytes(range(256)))),
    Case(
        "order, case and duplicates of fields",
        b"GET / HTTP/1.1\r\nx-B: 1\r\nHOST: a\r\nX-a: 2\r\nX-B: 3\r\nx-b:\r\nCookie: a\r\n"
        b"Cookie: b\r\n\r\n",
    ),
    Case(
        "bytes beyond ASCII, and blanks around values",
        b"GET / HTTP/1.1\r\nHost: a\r\nX-U: \xff\xfe caf\xc3\xa9\r\nX-S:  \t two \t\r\n\r\n",
    ),
    Case("fields with an underscore", b"GET / HTTP/1.1\r\nHost: a\r\nx_y: 1\r\n\r\n"),
    Case(
        "escapes and dots in a target",
        b"GET /a%2Fb/../%7e/./c//d?q=%20+&q=a%zz HTTP/1.1\r\nHost: a\r\n\r\n",
    ),
    Case("a target beyond ASCII", b"GET /\xff\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n"),
    Case("a method of their own", b"BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n"),
    Case("a method in lower case", b"get / HTTP/1.1\r\nHost: a\r\n\r\n",
         nginx="takes methods in capitals alone (400); methods are case-sensitive tokens"),
    Case("GET with a body", b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"),
    Case("DELETE with a body", b"DELETE /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"),
    Case("Authorization and Proxy-Authorization",
         b"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: x\r\nProxy-Authorization: y\r\n\r\n"),
    Case("a field of 8 000 bytes", b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 8000 + b"\r\n\r\n"),
    Case("chunks, extensions and trailers of a request",
         framed(b"Transfer-Encoding: chunked\r\n", CHUNKS)),
    Case("chunked in capitals", framed(b"TRANSFER-ENCODING: Chunked\r\n", b"0\r\n\r\n")),
    Case("a large request", framed(b"Content-Length: 900000\r\n", b"x" * 900_000)),
    Case(
        "hop-by-hop fields, and those that Connection names, end here",
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, X-Gone,, close\r\nX-Gone: 1\r\n"
        b"X-Stays: 1\r\nKeep-Alive: timeout=5\r\nTE: trailers\r\nProxy-Connection: x\r\n"
        b"Upgrade: h2c\r\n\r\n",
        seen=(b"GET / HTTP/1.1\r\nHost: a\r\nX-Stays: 1\r\n\r\n",),
        got=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
    ),
    Case("an empty line before the request", b"\r\n" + GET, seen=(GET,)),
    Case("OPTIONS of the server", b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
         nginx="refuses it (400), although it is the champion's to answer"),
    Case("TRACE", b"TRACE / HTTP/1.1\r\nHost: a\r\n\r\n",
         nginx="refuses it (405), although it is the champion's to answer"),
    Case("an absolute target of the same host",
         b"GET http://A/x?y HTTP/1.1\r\nHost: a\r\n\r\n",
         seen=(b"GET /x?y HTTP/1.1\r\nHost: a\r\n\r\n",)),
    Case("two requests at once", GET + framed(b"Content-Length: 2\r\n", b"hi") + GET,
         seen=(GET, framed(b"Content-Length: 2\r\n", b"hi"), GET), n_answers=3),
    Case("a request behind chunks", framed(b"Transfer-Encoding: chunked\r\n", CHUNKS) + GET,
         seen=(framed(b"Transfer-Encoding: chunked\r\n", CHUNKS), GET), n_answers=2),
    Case("HTTP/1.0 without a host", b"GET / HTTP/1.0\r\n\r\n",
         got=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"),
    Case("HTTP/1.0 that wants to go on",
         b"GET / HTTP/1.0\r\nConnection: keep-alive\r\nHost: a\r\n\r\n" * 2,
         seen=(b"GET / HTTP/1.0\r\nHost: a\r\n\r\n",) * 2, n_answers=2,
         got=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nok"),
    Case("chunks for a client of HTTP/1.0", b"GET / HTTP/1.0\r\nHost: a\r\n\r\n",
         answer=b"HTTP/1.1 200 OK\r\nX: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
                b"2\r\nok\r\n0\r\n\r\n",
         got=b"HTTP/1.1 200 OK\r\nX: 1\r\nConnection: close\r\n\r\nok"),
]  # fmt: skip

ANSWERS = [
    Case("order, case, duplicates and bytes of an answer's fields", GET,
         answer=b"HTTP/1.1 200 Fine \xff\r\nset-Cookie: a\r\nX: \xfe\r\nSet-Cookie: b\r\n"
                b"ETag: \"x\"\r\ncontent-LENGTH: 2\r\nServer: s\r\nDate: yesterday\r\n\r\nok"),
    Case("no reason phrase", GET, answer=b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"),
    Case("a compressed body",
         b"GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n",
         answer=b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n"
                b"\x1f\x8b\x08!"),
    Case("chunks, extensions and trailers of an answer", GET,
         answer=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n" + CHUNKS),
    Case("an answer until the end of the connection", GET, closes=True,
         answer=b"HTTP/1.1 200 OK\r\nX: 1\r\n\r\nhello",
         got=b"HTTP/1.1 200 OK\r\nX: 1\r\nConnection: close\r\n\r\nhello"),
    Case("an answer of HTTP/1.0", GET, closes=True,
         answer=b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
         got=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
    Case("HEAD with a length", b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
         answer=b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"),
    Case("HEAD with chunks", b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
         answer=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
    Case("204", GET, status=204, answer=b"HTTP/1.1 204 No Content\r\nX: 1\r\n\r\n"),
    Case("304 with a length", GET, status=304,
         answer=b"HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\nETag: x\r\n\r\n"),
    Case("hop-by-hop fields of an answer", GET,
         answer=b"HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Gone\r\nX-Gone: 1\r\n"
                b"Keep-Alive: timeout=5\r\nContent-Length: 2\r\nUpgrade: h2c\r\n\r\nok",
         got=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
    Case("an answer that closes the champion's connection", GET, closes=True,
         answer=b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
         got=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
    Case("interim answers", GET,
         answer=b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK),
    Case("a large answer", GET,
         answer=b"HTTP/1.1 200 OK\r\nContent-Length: 900000\r\n\r\n" + b"y" * 900_000),
    Case("500 is an answer like others", GET, status=500,
         answer=b"HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\nno"),
    Case("an answer that is no HTTP", GET, status=502, answer=b"hello there\r\n\r\n", got=None,
         closes=True, nginx="takes it for HTTP/0.9 and passes it on"),
    Case("two lengths in an answer", GET, status=502, got=None, closes=True,
         answer=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
            nginx="believes the first",
    ),
    Case("length and chunks in an answer", GET, status=502, got=None, closes=True,
         answer=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n"
                b"0\r\n\r\n",
            nginx="believes the chunks",
    ),
    Case("no answer", GET, status=502, answer=b"", got=None, closes=True),
    Case("an answer longer than its length", GET, closes=True,
         answer=OK + b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged", got=OK),
    Case("a switch of protocols nobody asked for", GET, status=502, got=None, closes=True,
         answer=b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
         nginx="passes the 101 on"),
]  # fmt: skip

LENGTHS = [
    refused("two different lengths",
            framed(b"Content-Length: 3\r\nContent-Length: 4\r\n", b"abcd")),
    refused("the same length twice", framed(b"Content-Length: 3\r\nContent-Length: 3\r\n", b"abc")),
    refused("a list of lengths", framed(b"Content-Length: 3, 3\r\n", b"abc")),
    refused("a length with a sign", framed(b"Content-Length: +3\r\n", b"abc")),
    refused("a negative length", framed(b"Content-Length: -3\r\n", b"abc")),
    refused("a length in hexadecimal", framed(b"Content-Length: 0x3\r\n", b"abc")),
    refused("an empty length", framed(b"Content-Length:\r\n", b"abc")),
    refused("a length beyond 64 bits", framed(b"Content-Length: 18446744073709551617\r\n", b"a")),
    refused("a length with an underscore", framed(b"Content_Length: 38\r\n", SMUGGLED),
            nginx="passes it on as one field among others; CGI-like servers read it as the length"),
    refused("length and chunks", framed(b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
                                        b"0\r\n\r\n" + SMUGGLED)),
    refused("chunks and length", framed(b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
                                        b"0\r\n\r\n" + SMUGGLED)),
    refused("a coding behind a tab", framed(b"Transfer-Encoding:\tchunked\r\n", b"0\r\n\r\n"),
            nginx="501, it knows no coding but chunked"),
    refused("a coding that resembles chunked", framed(b"Transfer-Encoding: xchunked\r\n", b"abc"),
            nginx="501, it knows no coding but chunked"),
    refused("identity", framed(b"Transfer-Encoding: identity\r\nContent-Length: 3\r\n", b"abc"),
            nginx="501, it knows no coding but chunked"),
    refused("an empty coding", framed(b"Transfer-Encoding:\r\nContent-Length: 3\r\n", b"abc"),
            nginx="501, it knows no coding but chunked"),
    refused("two codings", framed(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n",
                                  b"0\r\n\r\n")),
    refused("chunked twice", framed(b"Transfer-Encoding: chunked, chunked\r\n", b"0\r\n\r\n"),
            status=501),
    refused("a coding besides chunked", framed(b"Transfer-Encoding: gzip, chunked\r\n",
                                               b"0\r\n\r\n"), status=501),
    refused("a coding with an underscore", framed(b"Transfer_Encoding: chunked\r\n"),
            nginx="passes it on as one field among others"),
    refused("chunks in HTTP/1.0",
            b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    refused("a connection that names the length",
            framed(b"Connection: content-length\r\nContent-Length: 3\r\n", b"abc"),
            nginx="ignores what Connection names, and passes it on"),
]  # fmt: skip

HEADS = [
    refused("a bare line feed at the end of a line", b"GET / HTTP/1.1\nHost: a\r\n\r\n",
            nginx="accepts it; two readers may see different fields then"),
    refused("bare line feeds throughout", b"GET / HTTP/1.1\nHost: a\n\n",
            nginx="accepts it; two readers may see different fields then"),
    refused("a bare carriage return in a value",
            b"GET / HTTP/1.1\r\nHost: a\r\nX: 1\rContent-Length: 5\r\n\r\n"),
    refused("NUL in a value", b"GET / HTTP/1.1\r\nHost: a\r\nX: 1\x002\r\n\r\n"),
    refused("a space before a colon", framed(b"Content-Length : 3\r\n", b"abc")),
    refused("a space before chunked's colon",
            framed(b"Transfer-Encoding : chunked\r\n", b"0\r\n\r\n")),
    refused("a folded field", b"GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n"),
    refused("a folded first field", b"GET / HTTP/1.1\r\n Host: a\r\nHost: b\r\n\r\n"),
    refused("a field without a colon", b"GET / HTTP/1.1\r\nHost: a\r\nhello\r\n\r\n",
            nginx="leaves the line out and passes the rest on",
    ),
    refused("a field without a name", b"GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n"),
    refused("two spaces in the request line", b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
            nginx="accepts it"),
    refused("a space in the target", b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"),
    refused("HTTP/0.9", b"GET /\r\n\r\n", nginx="answers it as HTTP/0.9 did"),
    refused("HTTP/1.2", b"GET / HTTP/1.2\r\nHost: a\r\n\r\n",
            nginx="takes any version from 1.1 on for 1.1"),
    refused("HTTP/2 by its preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", status=505,
            nginx="400 without a word about HTTP/2"),
    refused("HTTP/3.0", b"GET / HTTP/3.0\r\nHost: a\r\n\r\n", status=505),
    refused("TLS on a plain port", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 64),
    refused("no Host", b"GET / HTTP/1.1\r\n\r\n"),
    refused("two Hosts", b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"),
    refused("an empty Host", b"GET / HTTP/1.1\r\nHost:\r\n\r\n"),
    refused("a Host with user information", b"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n",
            nginx="passes it on"),
    refused("a Host with a path", b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
    refused("a list of Hosts", b"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"),
    refused("a Host with a wrong port", b"GET / HTTP/1.1\r\nHost: a:b\r\n\r\n",
            nginx="passes it on"),
    refused("an absolute target of another host",
            b"GET http://b/x HTTP/1.1\r\nHost: a\r\n\r\n",
            nginx="passes it on, with the Host field that the target overrules"),
    refused("an absolute target of another scheme", b"GET ftp://a/x HTTP/1.1\r\nHost: a\r\n\r\n",
            nginx="takes any scheme"),
    refused("a target without a slash", b"GET x HTTP/1.1\r\nHost: a\r\n\r\n"),
    refused("GET *", b"GET * HTTP/1.1\r\nHost: a\r\n\r\n"),
    refused("CONNECT", b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", status=405,
            nginx="400, for the target",
    ),
    refused("a long target", b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", status=414),
    refused("many fields", b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: 1\r\n" * 200 + b"\r\n",
            status=431, nginx="has no limit on their number"),
    refused("a large head", b"GET / HTTP/1.1\r\nHost: a\r\n" + (b"X: " + b"x" * 6000 + b"\r\n") * 8
            + b"\r\n", status=431, nginx="says 400 for it"),
    refused("a large head that does not end",
            b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 40_000, status=431,
            nginx="says 400 for it"),
]  # fmt: skip


@dataclass
class House:
    """One champion, with both proxies before it."""

    champion: Champion
    front_port: int
    nginx_port: int | None


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    champion = Champion()
    folder = tmp_path_factory.mktemp("front")
    front = start_front(folder, champion.port)
    nginx, nginx_port = None, None
    if installed():
        nginx, nginx_port = start_nginx(tmp_path_factory.mktemp("nginx"), champion.port)
    yield House(champion, front.port, nginx_port)
    front.stop()
    if nginx is not None:
        nginx.terminate()
        nginx.wait(10)
    champion.close()


def named(cases: list[Case]):
    return pytest.mark.parametrize("case", cases, ids=lambda case: case.name.replace(" ", "-"))


def check(house: House, case: Case) -> None:
    """The front does what the row says, byte for byte."""
    house.champion.will(case.answer, closes=case.closes)

    answers = ask(house.front_port, case.send, n_answers=case.n_answers)

    expected = [case.send if seen is SAME else seen for seen in case.seen]
    assert house.champion.seen == expected
    final = [status for answer in answers if (status := last_status(answer))]
    assert final[:1] == [case.status]
    if case.got is not None:
        wanted = case.answer if case.got is SAME else case.got
        assert answers == [wanted] * case.n_answers


def last_status(answer: bytes) -> int:
    """The final status of an answer with the interim ones in front of it."""
    while 100 <= status_of(answer) < 200 and answer.partition(b"\r\n\r\n")[2]:
        answer = answer.partition(b"\r\n\r\n")[2]
    return status_of(answer)


@named(FIDELITY)
def test_requests_go_on_as_they_came(house, case):
    """The champion sees what the client sent, without what concerns one connection alone."""
    check(house, case)


@named(ANSWERS)
def test_answers_go_on_as_they_came(house, case):
    """The client gets what the champion said, without what concerns one connection alone."""
    check(house, case)


@named(LENGTHS)
def test_a_request_of_doubtful_length_is_refused(house, case):
    """Where two readers could see different ends, the champion sees nothing."""
    check(house, case)


@named(HEADS)
def test_a_malformed_or_oversized_head_is_refused(house, case):
    """What is no request of HTTP/1.1 to this host never reaches the champion."""
    check(house, case)


@named(FIDELITY + ANSWERS + LENGTHS + HEADS)
def test_nginx_agrees_but_where_the_table_says_why_not(house, case):
    """nginx gives the same status and body and asks as often; each exception stands in its row."""
    if house.nginx_port is None:
        pytest.skip("nginx is not installed")
    house.champion.will(case.answer, closes=case.closes)
    theirs = observed(house.champion, house.nginx_port, case)
    house.champion.will(case.answer, closes=case.closes)

    ours = observed(house.champion, house.front_port, case)

    assert (theirs == ours) == (not case.nginx)


def observed(champion: Champion, port: int, case: Case) -> tuple[list[object], list[bytes]]:
    """What client and champion saw, as far as two proxies can agree on it."""
    try:
        answers = ask(port, case.send, n_answers=case.n_answers, within_s=1)
    except TimeoutError:  # it waits for more, or has passed on what never ends
        answers = []
    told = [
        (last_status(answer), b"" if case.got is None else body_of(answer)) for answer in answers
    ]
    return told, [request.partition(b" HTTP/")[0] for request in champion.seen]

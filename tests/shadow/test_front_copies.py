"""What a front hands to the tap: exactly once for each request, whatever becomes of it."""

import asyncio
import socket
import threading
from dataclasses import dataclass, field, replace

import pytest

from harness.shadow.front.counters import NAMES
from harness.shadow.front.server import Front
from harness.shadow.front.settings import Copying, FrontSettings, Upstream
from harness.shadow.gauges import Page
from harness.shadow.tap import ChampionOutcome
from tests.shadow.raw import OK, Champion

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /p HTTP/1.1\r\nHost: a\r\nConnection: x\r\nTransfer-Encoding: chunked\r\n\r\n"


@dataclass
class ListTap:
    """Keeps what it is handed."""

    wanted: bool = True
    taken: bool = True
    asked: list[tuple] = field(default_factory=list)
    requests: list[tuple] = field(default_factory=list)
    outcomes: list[tuple[int, ChampionOutcome]] = field(default_factory=list)
    n_too_large: int = 0
    n_incomplete: int = 0

    def wants(self, method, target, headers):
        self.asked.append((method, target, list(headers)))
        return self.wanted

    def request(self, *, number, received_at_ns, head, body, n_body):
        self.requests.append((number, head, b"".join(body), n_body))
        return self.taken

    def champion(self, *, number, outcome):
        self.outcomes.append((number, replace(outcome, body=[b"".join(outcome.body)])))

    def too_large(self):
        self.n_too_large += 1

    def incomplete(self):
        self.n_incomplete += 1


@pytest.fixture(scope="module")
def champion():
    champion = Champion()
    yield champion
    champion.close()


class Served:
    """A front in this process, and a client of it."""

    def __init__(self, front, tap, port):
        self.front, self.tap, self.port = front, tap, port

    async def say(self, request, *, n_bytes=None):
        """Send, read what comes (so many bytes, or to the end), and leave."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(request)
        answer = await (reader.read() if n_bytes is None else reader.readexactly(n_bytes))
        writer.close()
        await writer.wait_closed()
        return answer

    async def until(self, true):
        async with asyncio.timeout(5):
            while not true():  # noqa: ASYNC110 - what is waited for has no event
                await asyncio.sleep(0.002)

    def count(self, name):
        return self.front.counters.page.snapshot()[name]


@pytest.fixture
async def serve(champion, tmp_path):
    """Starts fronts before the champion."""
    fronts = []

    async def start(tap=None, **copying):
        tap = tap or ListTap()
        listening = socket.create_server(("127.0.0.1", 0))
        settings = FrontSettings(
            "f", (), Upstream("127.0.0.1", champion.port), "", copying=Copying(**copying)
        )
        front = Front(settings, Page.create(tmp_path / "front.page", NAMES), tap)
        await front.start([listening])
        fronts.append(front)
        return Served(front, tap, listening.getsockname()[1])

    yield start
    for front in fronts:
        front.close()
    await asyncio.sleep(0)


async def test_request_and_answer_are_handed_over_as_they_were(champion, serve):
    """The heads raw, the bodies without their chunks, one number for both."""
    served = await serve()
    raw = b"HTTP/1.1 201 Made\r\nConnection: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    champion.will(raw + b"3\r\nabc\r\n2\r\nde\r\n0\r\nT: 1\r\n\r\n")

    await served.say(POST + b"2\r\nhi\r\n3;a=b\r\n ho\r\n0\r\n\r\n", n_bytes=20)
    await served.until(lambda: served.tap.outcomes)

    headers = [(b"Host", b"a"), (b"Connection", b"x"), (b"Transfer-Encoding", b"chunked")]
    assert served.tap.asked == [(b"POST", b"/p", headers)]
    assert served.tap.requests == [(1, POST, b"hi ho", 5)]
    [(number, outcome)] = served.tap.outcomes
    assert (number, outcome.kind, outcome.status) == (1, b"ok", 201)
    assert (outcome.head, outcome.body, outcome.n_body_bytes) == (raw, [b"abcde"], 5)
    assert not outcome.truncated
    assert 0 < outcome.first_byte_s <= outcome.latency_s < 5
    assert 0 <= outcome.wait_s < 5
    assert outcome.timeout_s == 30


async def test_each_request_of_a_connection_has_its_own_number(champion, serve):
    """Numbers ascend, and requests are handed over before their answers."""
    served = await serve()
    champion.will(OK)

    await served.say(GET * 3, n_bytes=3 * len(OK))
    await served.until(lambda: len(served.tap.outcomes) == 3)

    assert [number for number, *_ in served.tap.requests] == [1, 2, 3]
    assert [number for number, _ in served.tap.outcomes] == [1, 2, 3]
    assert served.count("received") == served.count("answered") == 3
    assert served.front.held.n_bytes == 0


@pytest.mark.parametrize("tap", [ListTap(wanted=False), ListTap(taken=False)])
async def test_what_is_not_wanted_or_not_taken_has_no_outcome(champion, serve, tap):
    """The client is served, and nothing is held for the mirror."""
    served = await serve(tap)
    champion.will(OK)

    answer = await served.say(GET, n_bytes=len(OK))
    await served.until(lambda: served.count("champion.ok") == 1)

    assert answer == OK
    assert len(tap.requests) == (1 if tap.wanted else 0)
    assert tap.outcomes == []
    assert served.front.held.n_bytes == 0


@pytest.mark.parametrize(
    ("request_", "copying"),
    [
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nhello world", {}),
        (POST + b"b\r\nhello world\r\n0\r\n\r\n", {}),
        (POST + b"5\r\nhello\r\n0\r\n\r\n", {"max_held_bytes": 4}),
    ],
    ids=["by its length", "by its chunks", "for all that is held"],
)
async def test_a_large_request_is_served_and_not_copied(champion, serve, request_, copying):
    """It is counted as too large, once."""
    served = await serve(max_body_bytes=10, **copying)
    champion.will(OK)

    answer = await served.say(request_, n_bytes=len(OK))

    assert answer == OK
    assert (served.tap.n_too_large, served.tap.requests) == (1, [])
    assert served.front.held.n_bytes == 0


async def test_of_a_large_answer_the_beginning_is_kept(champion, serve):
    """The rest is counted."""
    served = await serve(max_body_bytes=10)
    champion.will(b"HTTP/1.1 200 OK\r\nContent-Length: 26\r\n\r\nabcdefghijklmnopqrstuvwxyz")

    await served.say(GET, n_bytes=60)
    await served.until(lambda: served.tap.outcomes)

    outcome = served.tap.outcomes[0][1]
    assert outcome.body == [b"abcdefghij"]
    assert (outcome.n_body_bytes, outcome.truncated) == (26, True)
    assert served.front.held.n_bytes == 0


async def test_a_request_that_does_not_end_is_incomplete(champion, serve):
    """Its client left inside the body: there is nothing to mirror."""
    served = await serve()
    champion.will(OK)

    _, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhi")
    await served.until(lambda: served.count("received") == 1)
    writer.close()
    await served.until(lambda: served.tap.n_incomplete == 1)

    assert served.tap.requests == served.tap.outcomes == []
    assert served.front.held.n_bytes == 0


async def test_a_client_that_leaves_makes_its_exchange_cancelled(champion, serve):
    """A pair without an answer, and nobody's fault."""
    served = await serve()
    champion.will(lambda wire, _: wire.more())

    _, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(GET)
    await served.until(lambda: served.tap.requests)
    writer.close()
    await served.until(lambda: served.tap.outcomes)

    [(number, outcome)] = served.tap.outcomes
    assert (number, outcome.kind, outcome.detail) == (1, b"cancelled", "the client left")
    assert (outcome.status, outcome.first_byte_s) == (0, -1.0)


@pytest.mark.parametrize(
    ("answer", "kind", "status", "body", "detail"),
    [
        (b"", b"disconnected", 0, b"", "the champion closed the connection without answering"),
        (b"HTTP/1.1 200 OK\r\nConte", b"disconnected", 0, b"",
         "the champion closed the connection inside the head of its answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", b"disconnected", 200, b"hello",
         "the champion closed the connection inside its answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", b"unreadable", 0, b"",
         "the champion answered with a Content-Length that is no number"),
        (b"HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\nno", b"http_error", 503, b"no",
         "answered 503"),
    ],
)  # fmt: skip
async def test_a_failed_champion_is_told_as_it_failed(
    champion, serve, answer, kind, status, body, detail
):
    """The kind is that of the ground floor; what came is kept."""
    served = await serve()
    champion.will(answer, closes=True)

    await served.say(GET, n_bytes=len(answer) if kind == b"http_error" else None)
    await served.until(lambda: served.tap.outcomes)

    outcome = served.tap.outcomes[0][1]
    assert (outcome.kind, outcome.status, outcome.body) == (kind, status, [body])
    assert outcome.detail == detail
    assert served.count(f"champion.{kind.decode()}") == 1


async def test_an_answer_that_takes_too_long_is_marked_and_delivered(champion, serve):
    """The champion's deadline is for the comparison; its users wait as long as they like."""
    served = await serve(champion_timeout_s=0.0)
    champion.will(OK)

    assert await served.say(GET, n_bytes=len(OK)) == OK
    await served.until(lambda: served.tap.outcomes)

    outcome = served.tap.outcomes[0][1]
    assert (outcome.kind, outcome.status, outcome.body) == (b"timeout", 200, [b"ok"])


async def test_pieces_of_an_event_stream_have_their_times(champion, serve):
    """When they came, from the first byte sent."""
    served = await serve()
    go_on = threading.Event()

    def stream(wire, _):
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 4\r\n\r\n"
        wire.sock.sendall(head + b"ab")
        go_on.wait(5)
        wire.sock.sendall(b"cd")

    champion.will(stream)
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(GET)
    await reader.readuntil(b"ab")
    go_on.set()
    await reader.readexactly(2)
    await served.until(lambda: served.tap.outcomes)
    writer.close()

    outcome = served.tap.outcomes[0][1]
    first, second = outcome.chunk_at_s
    assert outcome.first_byte_s == first < second == outcome.latency_s


async def test_upgrades_and_refused_requests_are_nobodys_to_mirror(champion, serve):
    """The tap does not hear of them."""
    served = await serve()
    champion.will(b"HTTP/1.1 101 Go\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", closes=True)

    await served.say(
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
    )
    await served.say(b"GET / HTTP/1.1\r\n\r\n")

    assert served.tap.asked == []
    assert served.count("received") == 0
    assert (served.count("upgraded"), served.count("refused.host")) == (1, 1)


async def test_the_page_shows_that_the_front_lives_and_what_it_holds(champion, serve):
    """Gauges are written with the heartbeat."""
    served = await serve()
    champion.will(lambda wire, _: wire.sock.sendall(OK))
    served.front.held.n_bytes += 7

    await served.until(lambda: served.count("captured_bytes_held") == 7)

    assert served.count("heartbeat_ns") > 0
    served.front.held.n_bytes -= 7

"""Conversations with a front process in which time and order matter."""

import contextlib
import os
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from harness.http1.limits import RequestLimits
from harness.shadow.front.settings import ListeningTls, Timeouts, Upstream
from tests.shadow.fronts import start_front
from tests.shadow.raw import OK, Champion, Wire, ask, body_of, status_of

pytestmark = pytest.mark.process

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
SLOW_S = 5.0

# Short enough for tests; what is not under test in one of them is never due.
IMPATIENT = Timeouts(
    head_s=0.3, idle_s=0.3, body_s=0.3, min_bytes_per_s=1000, linger_s=0.2, connect_s=1.0,
    keep_s=0.3, silence_s=0.9,
)  # fmt: skip


@pytest.fixture(scope="module")
def champion():
    champion = Champion()
    yield champion
    champion.close()


@pytest.fixture(scope="module")
def front(champion, tmp_path_factory):
    front = start_front(tmp_path_factory.mktemp("front"), champion.port)
    yield front
    front.stop()


@pytest.fixture(scope="module")
def impatient(champion, tmp_path_factory):
    """A front that waits for nobody, and takes small bodies alone."""
    front = start_front(
        tmp_path_factory.mktemp("impatient"),
        champion.port,
        timeouts=IMPATIENT,
        limits=RequestLimits(max_body_bytes=100_000),
        max_connections=20,
        add_request_id=True,
    )
    yield front
    front.stop()


@contextlib.contextmanager
def client(front):
    with socket.create_connection(("127.0.0.1", front.port), timeout=SLOW_S) as sock:
        yield Wire(sock)


def until(true):
    """Wait for something that another process does."""
    end_s = time.monotonic() + SLOW_S
    while not true():
        assert time.monotonic() < end_s, "it did not happen"
        time.sleep(0.005)


def resident_kib(front) -> int:
    status = Path(f"/proc/{front.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


# Both directions at once.


def test_a_body_waits_for_the_champions_100(champion, front):
    """Expect goes on, 100 Continue comes back, and only then does the client send its body."""
    head = b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    champion.will(OK, on_head=lambda wire, _: wire.sock.sendall(b"HTTP/1.1 100 Go\r\nX: 1\r\n\r\n"))

    with client(front) as wire:
        wire.sock.sendall(head)
        interim = wire.message(is_answer=True)
        wire.sock.sendall(b"hi")
        answer = wire.message(is_answer=True)

    assert interim == b"HTTP/1.1 100 Go\r\nX: 1\r\n\r\n"
    assert answer == OK
    assert champion.seen == [head + b"hi"]


def test_events_come_as_they_are_sent(champion, front):
    """A piece of an event stream is with the client before the next one is made."""
    went_on = threading.Event()

    def stream(wire, _):
        wire.sock.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n"
        )
        went_on.wait(SLOW_S)
        wire.sock.sendall(b"9\r\ndata: 2\n\n\r\n0\r\n\r\n")

    champion.will(stream)

    with client(front) as wire:
        wire.sock.sendall(GET)
        first = wire.until(b"data: 1\n\n\r\n")
        went_on.set()
        second = wire.until(b"0\r\n\r\n")

    assert first.endswith(b"9\r\ndata: 1\n\n\r\n")
    assert second == b"9\r\ndata: 2\n\n\r\n0\r\n\r\n"


def test_a_request_may_come_byte_by_byte(champion, front):
    """How the bytes are cut on their way makes no difference."""
    request = (
        b"POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"
    )
    champion.will(OK)

    with client(front) as wire:
        wire.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in request:
            wire.sock.sendall(bytes([byte]))
        answer = wire.message(is_answer=True)

    assert answer == OK
    assert champion.seen == [request]


def test_many_requests_sent_ahead_are_answered_in_their_order(champion, front):
    """Pipelining, beyond what is read ahead."""
    champion.will(
        lambda wire, request: wire.sock.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n" + request[5:9]
        )
    )
    requests = [b"GET /%04d HTTP/1.1\r\nHost: a\r\nX: %b\r\n\r\n" % (i, b"x" * 900)
                for i in range(120)]  # fmt: skip

    answers = ask(front.port, b"".join(requests), n_answers=120)

    assert [body_of(answer) for answer in answers] == [b"%04d" % i for i in range(120)]
    assert champion.seen == requests


def test_an_answer_may_come_before_the_request_is_complete(champion, front):
    """A champion that says no to a head is heard, and its connection is not used again."""
    no = b"HTTP/1.1 413 No\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno"
    champion.will(OK, on_head=lambda wire, _: (wire.sock.sendall(no), wire.sock.close()))

    with client(front) as wire:
        wire.sock.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nbegin")
        answer = wire.rest()

    assert answer == b"HTTP/1.1 413 No\r\nContent-Length: 2\r\n\r\nno"


# Upgrades.

UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: x\r\n\r\n"
)
UPGRADE_SEEN = (
    b"GET /ws HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Key: x\r\nUpgrade: websocket\r\n"
    b"Connection: upgrade\r\n\r\n"
)
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"


def test_an_upgrade_is_passed_through(champion, front):
    """After 101 both directions are bytes alone, until one side ends."""

    def echo(wire, _):
        wire.sock.sendall(SWITCHED + b"hello")
        while wire.more():
            wire.sock.sendall(wire.take(len(wire.buffer)).upper())

    champion.will(echo)
    upgraded = front.counts()["upgraded"]

    with client(front) as wire:
        wire.sock.sendall(UPGRADE)
        assert wire.message(is_answer=True) == SWITCHED
        assert wire.exactly(5) == b"hello"
        wire.sock.sendall(b"GET / HTTP/9.9\n\x00\xff")
        assert wire.exactly(17) == b"GET / HTTP/9.9\n\x00\xff"

    assert champion.seen == [UPGRADE_SEEN]
    assert front.counts()["upgraded"] == upgraded + 1


def test_an_upgrade_that_is_declined_is_a_request_like_others(champion, front):
    """What follows is read as HTTP again."""
    champion.will(OK)

    assert ask(front.port, UPGRADE + GET, n_answers=2) == [OK, OK]
    assert champion.seen == [UPGRADE_SEEN, GET]


# Ends that are none.


def test_a_client_that_leaves_takes_its_request_along(champion, front):
    """The champion sees its connection close as soon as the client has gone."""
    has_left = threading.Event()

    def wait(wire, _):
        if not wire.more():
            has_left.set()

    champion.will(wait)
    before = front.counts()["champion.cancelled"]

    with client(front) as wire:
        wire.sock.sendall(GET)
        until(lambda: champion.seen)

    assert has_left.wait(SLOW_S)
    assert front.counts()["champion.cancelled"] == before + 1


@pytest.mark.parametrize(
    "cut",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: 1\r\n",
    ],
    ids=["in a body", "between chunks", "in trailers"],
)
def test_an_answer_cut_off_does_not_look_complete(champion, front, cut):
    """The client gets what came, and then the connection ends without what was missing."""
    champion.will(cut, closes=True)

    with client(front) as wire:
        wire.sock.sendall(GET)
        got = wire.rest()

    assert cut.startswith(got)
    assert b"\r\n\r\n" in got


def test_an_answer_whose_chunks_break_ends_before_them(champion, front):
    """What came before the broken chunk is with the client already; nothing comes after it."""
    good = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"

    def break_chunks(wire, _):
        wire.sock.sendall(good)
        until(lambda: got)
        wire.sock.sendall(b"z\r\nmore\r\n0\r\n\r\n")

    got = []
    champion.will(break_chunks)

    with client(front) as wire:
        wire.sock.sendall(GET)
        got.append(wire.exactly(len(good)))

        assert wire.rest() == b""
    assert got == [good]


def test_an_answer_without_length_that_is_cut_off_is_reset(champion, front):
    """Where only the end of the connection tells the end, a broken one is passed on as such."""

    def break_off(wire, _):
        wire.sock.sendall(b"HTTP/1.1 200 OK\r\n\r\nhello")
        until(lambda: got)
        wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        wire.sock.close()

    got = []
    champion.will(break_off)

    with client(front) as wire:
        wire.sock.sendall(GET)
        got.append(wire.until(b"hello"))
        with pytest.raises(ConnectionResetError):
            wire.sock.recv(100)


# The champion's connections.


def test_connections_are_used_again(champion, front):
    """Requests of several clients, one after the other, share one connection."""
    champion.will(OK)
    ask(front.port, GET)
    before = champion.n_connections

    for _ in range(5):
        assert ask(front.port, GET) == [OK]

    assert champion.n_connections == before


@pytest.mark.parametrize("method", [b"GET", b"POST"])
def test_a_connection_that_has_gone_stale_is_replaced(champion, front, method):
    """A champion that closed an idle connection is asked on another one, once, for any method."""
    request = method + b" / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"
    champion.will(OK, closes=True)
    assert ask(front.port, request) == [OK]

    assert ask(front.port, request) == [OK]

    assert champion.seen == [request, request]


def test_a_request_that_was_sent_is_not_sent_again(champion, front):
    """A champion that takes a request and closes may have carried it out."""
    champion.will(OK)
    ask(front.port, GET)
    champion.will(b"", closes=True)

    answers = ask(front.port, GET)

    assert [status_of(answer) for answer in answers] == [502]
    assert champion.seen == [GET]


def test_a_champion_that_is_down_is_a_502(tmp_path):
    """The client is told, and served again when the champion is back."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    front = start_front(tmp_path, port)

    answers = ask(front.port, GET)

    assert answers == [
        b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/plain; charset=us-ascii\r\n"
        b"Content-Length: 43\r\nConnection: close\r\n\r\n"
        b"harness: the champion could not be reached\n"
    ]
    assert front.counts()["champion.connect_error"] == 1
    front.stop()


def test_no_more_connections_than_allowed(champion, tmp_path):
    """Further requests wait for one that comes free."""
    front = start_front(
        tmp_path, champion.port, upstream=Upstream("127.0.0.1", champion.port, max_connections=2)
    )
    go_on = threading.Event()
    champion.will(lambda wire, _: (go_on.wait(SLOW_S), wire.sock.sendall(OK)))

    with contextlib.ExitStack() as stack:
        wires = [stack.enter_context(client(front)) for _ in range(4)]
        for wire in wires:
            wire.sock.sendall(GET)
        until(lambda: len(champion.seen) == 2)
        go_on.set()
        answers = [wire.message(is_answer=True) for wire in wires]

    assert answers == [OK] * 4
    assert front.counts()["upstream_open"] == 2
    front.stop()


def test_a_request_that_finds_no_connection_is_told_so(champion, tmp_path):
    """It waits as long as connecting may take, and not for those who have one."""
    front = start_front(
        tmp_path,
        champion.port,
        upstream=Upstream("127.0.0.1", champion.port, max_connections=1),
        timeouts=Timeouts(connect_s=0.2),
    )
    champion.will(lambda wire, _: wire.more())

    with client(front) as first, client(front) as second:
        first.sock.sendall(GET)
        until(lambda: champion.seen)
        second.sock.sendall(GET)

        assert refusal(second) == (502, b"harness: the champion could not be reached\n")
    front.stop()


# Memory.


def test_a_client_that_does_not_read_stops_the_champion(champion, front):
    """Of a large answer little is held, however long the client takes."""
    n_bytes = 30_000_000
    sent = []

    def pour(wire, _):
        wire.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % n_bytes)
        for _ in range(300):
            wire.sock.sendall(b"y" * 100_000)
            sent.append(1)

    champion.will(OK)
    ask(front.port, GET)
    before = resident_kib(front)
    champion.will(pour)

    with client(front) as wire:
        wire.sock.sendall(GET)
        n_before = -1
        while len(sent) != n_before:  # until it stands still
            n_before = len(sent)
            time.sleep(0.1)
        grown_kib = resident_kib(front) - before
        assert len(sent) < 300
        assert len(body_of(wire.message(is_answer=True))) == n_bytes

    assert grown_kib < 1024


def test_a_champion_that_does_not_read_stops_the_client(champion, front):
    """Of a large request little is held, however long the champion takes."""
    go_on = threading.Event()
    champion.will(OK, on_head=lambda wire, _: go_on.wait(SLOW_S))
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 30000000\r\n\r\n"
    before = resident_kib(front)

    with client(front) as wire:
        wire.sock.sendall(head)
        wire.sock.setblocking(False)
        n_sent, quiet = 0, 0
        while quiet < 20:
            try:
                n_sent += wire.sock.send(b"x" * 100_000)
                quiet = 0
            except BlockingIOError:
                quiet += 1
                time.sleep(0.01)
        grown_kib = resident_kib(front) - before
        go_on.set()
        wire.sock.settimeout(SLOW_S)
        wire.sock.sendall(b"x" * (30_000_000 - n_sent))
        assert wire.message(is_answer=True) == OK

    assert n_sent < 30_000_000
    assert grown_kib < 1024
    assert len(champion.seen[0]) == len(head) + 30_000_000


# Patience.


def refusal(wire) -> tuple[int, bytes]:
    answer = wire.rest()
    return status_of(answer), body_of(answer)


def test_a_head_that_trickles_in_is_refused(champion, impatient):
    """Slowloris, first form: each byte comes in time, the head does not."""
    with client(impatient) as wire:
        for _ in range(60):
            with contextlib.suppress(OSError):
                wire.sock.sendall(b"X")
            time.sleep(0.01)

        assert refusal(wire) == (408, b"harness: the head took too long\n")


def test_a_body_that_trickles_in_is_refused(champion, impatient):
    """Slowloris, second form: the champion is let go, and never sees a whole request."""
    champion.will(OK)
    before = impatient.counts()["refused.slow_body"]
    with client(impatient) as wire:
        wire.sock.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(60):
            with contextlib.suppress(OSError):
                wire.sock.sendall(b"x")
            time.sleep(0.01)

        assert refusal(wire) == (408, b"harness: the body took too long\n")
    assert impatient.counts()["refused.slow_body"] == before + 1


def test_a_client_that_hardly_reads_is_let_go(champion, impatient):
    """Slowloris, third form: an answer that is not taken does not hold the champion for ever."""
    champion.will(
        lambda wire, _: wire.sock.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Length: 30000000\r\n\r\n" + b"y" * 30_000_000
        )
    )
    before = impatient.counts()["refused.slow_reader"]

    with client(impatient) as wire:
        wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        wire.sock.sendall(GET)

        until(lambda: impatient.counts()["refused.slow_reader"] == before + 1)
        until(lambda: impatient.counts()["upstream_open"] == 0)


@pytest.mark.parametrize("said", [b"", GET], ids=["at its beginning", "after a request"])
def test_an_idle_connection_is_closed_without_a_word(champion, impatient, said):
    """There is nothing to answer."""
    champion.will(OK)
    with client(impatient) as wire:
        wire.sock.sendall(said)
        if said:
            wire.message(is_answer=True)

        assert wire.rest() == b""


def test_a_champion_that_says_nothing_is_given_up(champion, impatient):
    """After a long silence the client gets 504; the request counts as timed out."""
    champion.will(lambda wire, _: wire.more())

    with client(impatient) as wire:
        wire.sock.sendall(GET)

        assert refusal(wire) == (504, b"harness: the champion did not answer in time\n")


def test_idle_connections_to_the_champion_are_closed(champion, impatient):
    """They are closed by us before the champion does it."""
    champion.will(OK)
    ask(impatient.port, GET)

    until(lambda: impatient.counts()["upstream_open"] == 0)


@pytest.mark.parametrize(
    "request_",
    [
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100001\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n186a1\r\n"
        + b"x" * 100_001,
    ],
    ids=["by its length", "by its chunks"],
)
def test_a_body_beyond_the_limit_is_refused(champion, impatient, request_):
    """413, and the champion sees no whole request."""
    champion.will(OK)

    with client(impatient) as wire:
        wire.sock.sendall(request_)

        assert refusal(wire) == (413, b"harness: a body of more than 100000 bytes\n")
    assert not champion.seen or len(champion.seen[0]) < 100_000


def test_more_clients_than_allowed_are_turned_away(champion, impatient):
    """503 for the one too many."""
    until(lambda: impatient.counts()["connections_open"] == 0)
    with contextlib.ExitStack() as stack:
        wires = [stack.enter_context(client(impatient)) for _ in range(21)]

        assert refusal(wires[-1]) == (503, b"harness: too many connections\n")


def test_answers_carry_the_requests_id_where_that_is_wanted(champion, impatient):
    """By it a client's complaint can be found among the pairs."""
    champion.will(OK)

    answer = ask(impatient.port, GET)[0]

    assert answer.partition(b"X-Harness-Request-Id: ")[2].startswith(b"1-test:")


# TLS.


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for localhost that signs itself, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost"],
        check=True, capture_output=True,
    )  # fmt: skip
    return cert, key


def test_tls_on_both_sides(certificate, tmp_path):
    """Clients are spoken to in TLS, and so is the champion, whose certificate is checked."""
    cert, key = certificate
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serving.load_cert_chain(cert, key)
    champion = Champion(tls=serving)
    front = start_front(
        tmp_path,
        champion.port,
        upstream=Upstream("localhost", champion.port, is_tls=True, ca_file=str(cert)),
        tls=ListeningTls(str(cert), str(key)),
    )
    asking = ssl.create_default_context(cafile=cert)
    asking.set_alpn_protocols(["h2", "http/1.1"])
    large = b"HTTP/1.1 200 OK\r\nContent-Length: 500000\r\n\r\n" + b"y" * 500_000
    champion.will(large)

    with (
        socket.create_connection(("127.0.0.1", front.port), timeout=SLOW_S) as plain,
        asking.wrap_socket(plain, server_hostname="localhost") as sock,
    ):
        wire = Wire(sock)
        for _ in range(2):
            sock.sendall(GET)
            assert wire.message(is_answer=True) == large
        assert sock.selected_alpn_protocol() == "http/1.1"

    assert champion.seen == [GET, GET]
    assert champion.n_connections == 1
    front.stop()
    champion.close()


# Beginning and end.


def test_draining_finishes_what_is_in_flight(champion, tmp_path):
    """Nobody new is let in, the answer that is due says close, and the process ends with code 0."""
    front = start_front(tmp_path, champion.port)
    go_on = threading.Event()
    champion.will(lambda wire, _: (go_on.wait(SLOW_S), wire.sock.sendall(OK)))

    with client(front) as wire:
        wire.sock.sendall(GET)
        until(lambda: champion.seen)
        front.order({"do": "drain", "within_s": 10})
        until(lambda: is_refused(front.port))
        go_on.set()
        answer = wire.rest()

    assert answer == b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
    assert front.hear() == {"say": "drained", "in_time": True}
    assert front.process.wait(5) == 0


def is_refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except ConnectionRefusedError:
        return True
    return False


def test_draining_ends_at_its_deadline(champion, tmp_path):
    """Who takes longer is cut off."""
    front = start_front(tmp_path, champion.port)
    champion.will(lambda wire, _: wire.more())

    with client(front) as wire:
        wire.sock.sendall(GET)
        until(lambda: champion.seen)
        front.order({"do": "drain", "within_s": 0.1})

        assert wire.rest() == b""
    assert front.hear() == {"say": "drained", "in_time": False}
    assert front.process.wait(5) == 0


def test_a_front_ends_with_its_supervisor(champion, tmp_path):
    """When the control line breaks, nobody is left to say what to do."""
    front = start_front(tmp_path, champion.port)

    front.control.close()

    assert front.process.wait(5) == 0


def test_the_front_is_light():
    """It imports nothing that weighs, so that it starts at once and takes little memory."""
    heavy = {
        "aiohttp", "deepdiff", "jinja2", "numpy", "polars", "pyarrow", "pydantic",
        "rich", "ruamel", "scipy", "typer", "jsonpath", "zstandard",
    }  # fmt: skip
    printed = subprocess.run(
        [sys.executable, "-c",
         "import sys, harness.shadow.front.__main__; print(*sys.modules)"],
        check=True, capture_output=True, text=True, env={**os.environ, "PYTHONUTF8": "1"},
    ).stdout  # fmt: skip

    assert heavy.isdisjoint(name.partition(".")[0] for name in printed.split())


def test_an_idle_front_takes_little_memory(front):
    """40 MB is the aim."""
    assert resident_kib(front) < 60 * 1024

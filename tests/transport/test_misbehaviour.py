"""What the sender makes of deployments that do as they like."""

import asyncio

import pytest

from harness.exchange import Failure, FailureKind, Request, Response
from harness.http1.limits import Limits
from tests.transport.outcomes import failure
from tests.transport.raw_server import OK, answering, full_backlog


async def test_nobody_there(asking):
    """A refused connection is a connect error; nothing was sent."""
    exchange = await asking("http://127.0.0.1:1").ask()

    assert failure(exchange).kind == FailureKind.CONNECT_ERROR
    assert failure(exchange).detail == "127.0.0.1:1 refused the connection"
    assert exchange.attempts == 0
    assert exchange.timing.first_byte_s is None


async def test_a_name_that_does_not_exist(asking):
    """Reserved for being unknown (RFC 2606)."""
    outcome = failure(await asking("http://nothing.invalid").ask())

    assert outcome.kind == FailureKind.CONNECT_ERROR
    assert "'nothing.invalid' cannot be resolved" in outcome.detail


async def test_silence_times_out(serve, asking):
    """With the time waited as latency, and the connection closed."""
    server = serve(lambda peer: peer.wait_for_eof())

    exchange = await asking(server, timeout_s=0.1).ask()

    assert failure(exchange) == Failure(FailureKind.TIMEOUT, "no answer within 100 ms")
    assert 0.1 <= exchange.timing.latency_s < 1
    assert exchange.timing.timeout_s == 0.1
    assert exchange.attempts == 1
    assert await asyncio.to_thread(server.peers[0].closed.wait, 5)


async def test_a_server_that_never_accepts_times_out(asking):
    """A full backlog swallows connections; nothing is ever sent."""
    with full_backlog() as port:
        exchange = await asking(f"http://127.0.0.1:{port}", timeout_s=0.1).ask()

    assert failure(exchange) == Failure(FailureKind.TIMEOUT, "no connection within 100 ms")
    assert exchange.attempts == 0
    assert exchange.timing.wait_s < 0.05
    assert 0.1 <= exchange.timing.latency_s < 1


async def test_waiting_for_connections_has_a_deadline_for_each(asking):
    """A dial that hangs takes only its own request with it."""
    with full_backlog() as port:
        asked = asking(f"http://127.0.0.1:{port}", timeout_s=0.2)
        first = asked.submit()
        await asyncio.sleep(0.1)
        second = asked.submit()

        exchanges = await asyncio.gather(first, second)

    assert {failure(e).kind for e in exchanges} == {FailureKind.TIMEOUT}
    assert all(e.timing.latency_s >= 0.2 for e in exchanges)


async def test_a_trickle_times_out_with_what_came(serve, asking):
    """Bytes coming in do not move the deadline."""

    def trickle(peer):
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not peer.closed.wait(0.01):
            peer.send(b"x")

    exchange = await asking(serve(trickle), timeout_s=0.15).ask()

    assert failure(exchange).kind == FailureKind.TIMEOUT
    assert failure(exchange).detail == "no end of the answer within 150 ms"
    assert failure(exchange).response.status == 200
    assert 0 < failure(exchange).response.n_body_bytes < 1000
    assert exchange.timing.first_byte_s < 0.1
    assert 0.15 <= exchange.timing.latency_s < 1


async def test_an_answer_that_never_ends_times_out(serve, asking):
    """Without a length, only closing would have ended it."""

    def endless(peer):
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\n\r\nall there is")
        peer.wait_for_eof()

    outcome = failure(await asking(serve(endless), timeout_s=0.1).ask())

    assert outcome.kind == FailureKind.TIMEOUT
    assert outcome.response.body == b"all there is"


async def test_closing_ends_an_answer_without_a_length(serve, asking):
    """In order, that is."""

    def closing(peer):
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\n\r\nall there is")

    exchange = await asking(serve(closing)).ask()

    assert exchange.outcome == Response(200, (), b"all there is", 12)


@pytest.mark.parametrize(
    ("sent", "detail"),
    [
        (b"", "closed the connection without answering"),
        (b"HTTP/1.1 200 O", "closed the connection inside the head of its answer"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
            "closed the connection after 3 bytes of an unfinished body",
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
            "closed the connection after 2 bytes of an unfinished body",
        ),
    ],
)
async def test_a_peer_that_leaves_in_the_middle(serve, asking, sent, detail):
    """An answer cut off is never complete; what came of it is kept."""

    def leave(peer):
        peer.read_request()
        peer.send(sent)

    outcome = failure(await asking(serve(leave)).ask())

    assert outcome.kind == FailureKind.DISCONNECTED
    assert outcome.detail == detail
    assert (outcome.response is None) == (b"\r\n\r\n" not in sent)


async def test_a_reset_does_not_complete_an_answer_without_a_length(serve, asking):
    """Only an orderly end does."""

    def reset(peer):
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\n\r\nabc")
        peer.reset()

    outcome = failure(await asking(serve(reset)).ask())

    assert outcome.kind == FailureKind.DISCONNECTED
    assert outcome.detail.startswith("reset the connection")


@pytest.mark.parametrize(
    ("sent", "detail"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "not an HTTP/1.1 answer"),
        (b"\x00\x00\x12\x04\x00\x00\x00\x00\x00", "answered in HTTP/2"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
            "Transfer-Encoding",
        ),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000, "head larger than 65536 bytes"),
    ],
)
async def test_what_is_no_http_is_unreadable(serve, asking, sent, detail):
    """The detail says what came instead."""

    def babble(peer):
        peer.read_request()
        peer.send(sent)
        peer.wait_for_eof()

    outcome = failure(await asking(serve(babble)).ask())

    assert outcome.kind == FailureKind.UNREADABLE
    assert detail in outcome.detail


async def test_an_answer_beyond_all_bounds_is_given_up(serve, asking):
    """A gigabyte is neither kept nor waited for."""

    def gigabyte(peer):
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        piece = bytes(1_000_000)
        for _ in range(1000):
            peer.send(piece)

    limits = Limits(max_body_bytes=1000, max_answer_bytes=4_000_000)
    outcome = failure(await asking(serve(gigabyte), limits=limits).ask())

    assert outcome.kind == FailureKind.UNREADABLE
    assert outcome.detail == "answer larger than 4000000 bytes"
    assert len(outcome.response.body) == 1000
    assert outcome.response.truncated
    assert outcome.response.n_body_bytes < 6_000_000


async def test_a_large_answer_is_counted_and_its_beginning_kept(serve, asking):
    """Within the hard bound it is an ordinary answer, truncated."""
    body = bytes(range(256)) * 8000
    server = serve(answering(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body))

    response = (await asking(server, limits=Limits(max_body_bytes=1000)).ask()).outcome

    assert response.body == body[:1000]
    assert (response.n_body_bytes, response.truncated) == (len(body), True)


async def test_surplus_bytes_do_not_reach_the_next_request(serve, asking):
    """An answer nobody asked for is thrown away with its connection."""
    poison = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
    server = serve(answering(OK + poison))
    asked = asking(server)

    first, second = await asked.ask(), await asked.ask()

    assert first.outcome.body == second.outcome.body == b"ok"
    assert server.n_connections == 2


async def test_an_unasked_word_on_an_idle_connection_ends_it(serve, asking):
    """As servers that say 408 before they close do."""

    def impatient(peer):
        peer.read_request()
        peer.send(OK)
        peer.send(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
        peer.wait_for_eof()

    server = serve(impatient)
    asked = asking(server)
    first = await asked.ask()
    await asyncio.to_thread(server.peers[0].closed.wait, 5)

    second = await asked.ask()

    assert first.outcome.body == second.outcome.body == b"ok"


async def test_an_early_answer_to_a_large_request_does_not_spoil_the_next(serve, asking):
    """The rest of the refused upload must not be read as a request."""

    def refuse(peer):
        peer._receive()
        if b"POST" in peer.received:
            peer.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
            peer.closed.wait(5)
        else:
            peer.send(OK)
            peer.wait_for_eof()

    asked = asking(serve(refuse))
    large = Request("POST", "/", (("Content-Length", "30000000"),), bytes(30_000_000))

    first, second = await asked.ask(large), await asked.ask()

    assert first.outcome.status == 413
    assert second.outcome.body == b"ok"
    assert asked.sender.snapshot().dials_total == 2

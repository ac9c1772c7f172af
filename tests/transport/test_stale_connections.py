"""A connection that went stale is no failure of the deployment; a crash is."""

import asyncio

from harness.exchange import FailureKind
from tests.transport.conftest import GET, POST, block_the_loop
from tests.transport.outcomes import failure
from tests.transport.raw_server import OK


async def test_a_connection_closed_between_requests_is_no_failure(serve, asking):
    """The next request takes another, and it counts as one attempt."""

    def once(peer):
        peer.read_request()
        peer.send(OK)

    server = serve(once)
    asked = asking(server)

    for _ in range(3):
        exchange = await asked.ask(POST)
        assert exchange.outcome.body == b"ok"
        assert exchange.attempts == 1
        await asyncio.to_thread(server.peers[-1].closed.wait, 5)


async def test_a_close_the_loop_has_not_seen_yet_is_found_by_asking(serve, asking):
    """A loop that was busy must not send on a closed connection."""

    def once(peer):
        peer.read_request()
        peer.send(OK)

    server = serve(once)
    asked = asking(server)
    await asked.ask(POST)
    server.peers[0].closed.wait(5)
    block_the_loop(0.02)

    exchange = await asked.ask(POST)

    assert exchange.outcome.body == b"ok"
    assert exchange.attempts == 1


def _dies_on_second(peer):
    """Answers one request; reads the next one on the same connection and closes."""
    peer.read_request()
    peer.send(OK)
    peer.read_request()


async def test_an_idempotent_request_is_sent_again_where_the_connection_had_gone_stale(
    serve, asking
):
    """Closed after sending and before any answer: both sendings are counted."""
    asked = asking(serve(_dies_on_second))
    await asked.ask(GET)

    exchange = await asked.ask(GET)

    assert exchange.outcome.body == b"ok"
    assert exchange.attempts == 2


async def test_a_post_on_a_busy_connection_is_not_sent_again(serve, asking):
    """A close there is most likely the deployment crashing on this very request."""
    server = serve(_dies_on_second)
    asked = asking(server)
    await asked.ask(POST)

    exchange = await asked.ask(POST)

    assert failure(exchange).kind == FailureKind.DISCONNECTED
    assert exchange.attempts == 1
    assert server.n_connections == 1


async def test_a_crash_is_not_made_up_for_twice(serve, asking):
    """A server that closes on every request is a failed one, also for a GET."""
    n_requests = 0

    def crashing(peer):
        nonlocal n_requests
        while True:
            peer.read_request()
            n_requests += 1
            if n_requests > 2:
                return
            peer.send(OK)

    asked = asking(serve(crashing))
    await asyncio.gather(asked.submit(), asked.submit())

    exchange = await asked.ask(GET)

    assert failure(exchange).kind == FailureKind.DISCONNECTED
    assert exchange.attempts == 2

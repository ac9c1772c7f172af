"""What the sender makes of deployments that do as they like. All servers are real sockets."""

import asyncio
import contextlib
import socket
import time
from decimal import Decimal

import pytest

from harness.exchange import Failure, FailureKind, Request, Response
from harness.http1.limits import Limits
from harness.transport.retries import Retries
from harness.usage import PriceList, Usage
from tests.transport.conftest import GET, POST
from tests.transport.raw_server import OK, answering


@contextlib.contextmanager
def full_backlog():
    """A listening port that lets connections hang: nobody accepts, and the queue is full."""
    with socket.socket() as listener, contextlib.ExitStack() as stack:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        for _ in range(4):  # what the kernel queues, and beyond
            sock = stack.enter_context(socket.socket())
            sock.setblocking(False)
            sock.connect_ex(("127.0.0.1", port))
        yield port


def block_the_loop(for_s):
    """What a busy measuring process does to itself."""
    time.sleep(for_s)


def failure(exchange):
    assert isinstance(exchange.outcome, Failure), exchange.outcome
    return exchange.outcome


# What goes out and what comes back.


async def test_the_request_arrives_byte_for_byte(serve, asking):
    """Escapes, dots, order, case and duplicates reach the server as they were given."""
    server = serve(answering(OK))
    request = Request(
        "POST",
        "/a/../b%2e//?x=%7e&x=",
        (("hOST", "h"), ("X-a", "1"), ("content-LENGTH", "4"), ("x-A", "\xe9")),
        b"\x00\r\n\xff",
    )

    await asking(server).ask(request)

    assert server.received == [
        b"POST /a/../b%2e//?x=%7e&x= HTTP/1.1\r\n"
        b"hOST: h\r\nX-a: 1\r\ncontent-LENGTH: 4\r\nx-A: \xe9\r\n\r\n\x00\r\n\xff"
    ]


async def test_the_answer_comes_back_as_it_was(serve, asking):
    """Status, headers with duplicates and case, body with its encoding."""
    server = serve(
        answering(
            b"HTTP/1.1 404 Nope\r\nset-Cookie: a\r\nSet-Cookie: b\r\n"
            b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b\x00"
        )
    )

    exchange = await asking(server).ask()

    assert exchange.outcome == Response(
        404,
        (
            ("set-Cookie", "a"),
            ("Set-Cookie", "b"),
            ("Content-Encoding", "gzip"),
            ("Content-Length", "3"),
        ),
        b"\x1f\x8b\x00",
        3,
    )
    assert exchange.attempts == 1


async def test_a_large_request_arrives_whole(serve, asking):
    """Also where the socket takes it in many pieces."""
    server = serve(answering(OK))
    body = bytes(range(256)) * 40_000

    exchange = await asking(server).ask(
        Request("POST", "/", (("Content-Length", str(len(body))),), body)
    )

    assert exchange.outcome.status == 200
    assert server.received[0].endswith(b"\r\n\r\n" + body)


async def test_connections_are_kept(serve, asking):
    """One after the other go over the same connection."""
    server = serve(answering(OK))
    asked = asking(server)

    for _ in range(5):
        assert (await asked.ask()).outcome.body == b"ok"

    assert server.n_connections == 1


async def test_connections_can_be_opened_before_they_are_needed(serve, asking):
    """So that no measured request pays for the set-up."""
    server = serve(answering(OK))
    asked = asking(server)

    assert await asked.sender.open_connections(4) == 4

    exchanges = await asyncio.gather(*(asked.submit() for _ in range(4)))
    assert all(e.outcome.status == 200 for e in exchanges)
    assert asked.sender.snapshot().dials_total == 4


async def test_opening_ahead_where_nobody_is_opens_none(asking):
    """It is no error: the requests will tell."""
    assert await asking("http://127.0.0.1:1").sender.open_connections(2) == 0


async def test_an_answer_to_head_has_no_body(serve, asking):
    """Its length is of a body that does not come; the connection goes on."""
    server = serve(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", OK))
    asked = asking(server)

    head = await asked.ask(Request("HEAD", "/", (("Host", "h"),)))
    get = await asked.ask()

    assert head.outcome.body == b""
    assert get.outcome.body == b"ok"
    assert server.n_connections == 1


async def test_a_redirect_is_an_answer(serve, asking):
    """It is never followed, wherever it points."""
    elsewhere = serve(answering(OK))
    server = serve(
        answering(
            b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:%d/\r\n"
            b"Content-Length: 0\r\n\r\n" % elsewhere.port
        )
    )

    exchange = await asking(server).ask()

    assert exchange.outcome.status == 302
    assert elsewhere.n_connections == 0


@pytest.mark.parametrize("status", [500, 503, 599, 429])
async def test_a_failed_status_keeps_its_answer(serve, asking, status):
    """It is a failure with the response beside it."""
    server = serve(answering(b"HTTP/1.1 %d X\r\nContent-Length: 4\r\n\r\noops" % status))

    outcome = failure(await asking(server).ask())

    assert outcome.kind == FailureKind.HTTP_ERROR
    assert outcome.detail == f"status {status}"
    assert outcome.response.body == b"oops"


async def test_which_statuses_fail_is_the_configs_to_say(serve, asking):
    """A 404 can be a failure and a 500 an answer."""
    server = serve(
        answering(*(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % n for n in (500, 404)))
    )
    asked = asking(server, failures=frozenset({404}))

    assert (await asked.ask()).outcome.status == 500
    assert failure(await asked.ask()).kind == FailureKind.HTTP_ERROR


# Deployments that misbehave.


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


# Connections gone stale.


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


# Deadlines and ceilings.


async def test_requests_beyond_the_ceiling_wait_in_order(serve, asking):
    """Their waiting is in `wait_s`, not in their latency and not in the deadline."""

    def slow(peer):
        while True:
            peer.read_request()
            time.sleep(0.1)
            peer.send(OK)

    server = serve(slow)
    asked = asking(server, max_in_flight=1, timeout_s=0.25)
    finished = []

    answers = [asked.submit() for _ in range(4)]
    for i, answer in enumerate(answers):
        answer.add_done_callback(lambda _, i=i: finished.append(i))
    assert asked.sender.snapshot().queue_depth == 3
    exchanges = await asyncio.gather(*answers)

    assert finished == [0, 1, 2, 3]
    assert [e.outcome.status for e in exchanges] == [200] * 4
    assert all(e.timing.latency_s < 0.25 for e in exchanges)
    assert all(e.timing.wait_s >= 0.1 * i for i, e in enumerate(exchanges))
    assert all(e.timing.sender_lag_s < 0.05 for e in exchanges)
    assert server.n_connections == 1


async def test_a_rate_ceiling_spreads_requests(serve, asking):
    """Twenty at 100 a second take about two tenths."""
    asked = asking(serve(answering(OK)), rate_per_s=100.0)
    await asked.sender.open_connections(10)
    start_s = asked.clock.now_s()

    exchanges = await asyncio.gather(*(asked.submit() for _ in range(21)))

    assert asked.clock.now_s() - start_s >= 0.2
    sent_s = sorted(e.timing.wait_s for e in exchanges)
    assert all(later - earlier > 0.09 for earlier, later in zip(sent_s, sent_s[10:], strict=False))
    assert all(e.timing.latency_s < 0.1 for e in exchanges)


@pytest.mark.parametrize("ceiling", [{"rate_per_s": 5.0}, {"max_in_flight": 1}])
async def test_a_dropped_queue_is_not_sent(serve, asking, ceiling):
    """Who stops asking waits for what is in flight, and not for a line behind a ceiling."""
    asked = asking(serve(answering(OK)), **ceiling)
    answers = [asked.submit() for _ in range(50)]
    await answers[0]

    asked.sender.drop_queue()
    exchanges = await asyncio.wait_for(asyncio.gather(*answers), timeout=5)

    dropped = [e for e in exchanges if e.attempts == 0]
    assert len(dropped) >= 40
    assert {failure(e).kind for e in dropped} == {FailureKind.CANCELLED}
    assert asked.sender.snapshot().in_flight == 0


async def test_each_request_has_its_own_deadline(serve, asking):
    """One that hangs takes nobody with it."""
    n_accepted = 0

    def first_hangs(peer):
        nonlocal n_accepted
        n_accepted += 1
        if n_accepted == 1:
            peer.wait_for_eof()
        answering(OK)(peer)

    asked = asking(serve(first_hangs), timeout_s=0.2)

    hanging = asked.submit()
    await asyncio.sleep(0.1)
    quick = [await asked.ask() for _ in range(3)]
    exchange = await hanging

    assert failure(exchange).kind == FailureKind.TIMEOUT
    assert exchange.timing.latency_s < 1
    assert all(e.outcome.status == 200 for e in quick)


async def test_an_answer_seen_after_the_deadline_is_a_timeout(serve, asking):
    """Also when it was our loop that was busy: the deadline is strict, the answer is kept."""
    server = serve(answering(OK))
    asked = asking(server, timeout_s=0.1)
    await asked.ask()

    answer = asked.submit()
    block_the_loop(0.2)
    exchange = await answer

    assert failure(exchange).kind == FailureKind.TIMEOUT
    assert exchange.timing.latency_s >= 0.2


async def test_many_deadlines_pass_together(serve, asking):
    """All of a hundred silent exchanges end, each once, each at its deadline."""
    asked = asking(serve(lambda peer: peer.wait_for_eof()), timeout_s=0.2)

    exchanges = await asyncio.gather(*(asked.submit() for _ in range(100)))

    assert {failure(e).kind for e in exchanges} == {FailureKind.TIMEOUT}
    assert all(0.2 <= e.timing.latency_s < 1 for e in exchanges)
    assert asked.n_done == 100
    assert asked.sender.snapshot().in_flight == 0


async def test_our_own_lateness_is_told_apart(serve, asking):
    """`wait_s` counts from the due time, `sender_lag_s` from when it could have gone."""
    asked = asking(serve(answering(OK)))
    await asked.ask()
    now_s = asked.clock.now_s()

    late = await asked.ask(due_s=now_s - 2.0)
    held_back = await asked.ask(due_s=now_s - 2.0, ready_s=now_s - 1.0)
    early = await asked.ask(due_s=now_s + 60.0)

    assert late.timing.sender_lag_s == pytest.approx(2.0, abs=0.2)
    assert held_back.timing.sender_lag_s == pytest.approx(1.0, abs=0.2)
    assert held_back.timing.wait_s == pytest.approx(2.0, abs=0.2)
    assert (early.timing.sender_lag_s, early.timing.wait_s) == (0.0, 0.0)


async def test_due_times_are_given_in_utc(serve, asking):
    """Due a minute ago by the clock is due a minute ago by the wall."""
    asked = asking(serve(answering(OK)))

    exchange = await asked.ask(due_s=asked.clock.now_s() - 60)

    assert (time.time_ns() - exchange.timing.due_at_ns) / 1e9 == pytest.approx(60, abs=1)


async def test_arrival_of_pieces_is_noted_where_asked(serve, asking):
    """Seconds from the first byte sent, one for each piece of body."""

    def streaming(peer):
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(3):
            time.sleep(0.05)
            peer.send(b"1\r\nx\r\n")
        peer.send(b"0\r\n\r\n")
        peer.wait_for_eof()

    exchange = await asking(serve(streaming), keep_chunk_times=True).ask()

    timing = exchange.timing
    assert len(timing.chunk_at_s) == 3
    assert all(at_s >= 0.05 * i for i, at_s in enumerate(timing.chunk_at_s, start=1))
    assert timing.first_byte_s < timing.chunk_at_s[0] <= timing.latency_s


# Retries.


def _status(n, *headers):
    fields = b"".join(b"%b\r\n" % h for h in headers)
    return b"HTTP/1.1 %d X\r\n%bContent-Length: 0\r\n\r\n" % (n, fields)


async def test_without_a_policy_nothing_is_sent_twice(serve, asking):
    """A 503 is an outcome."""
    server = serve(answering(_status(503), OK))

    exchange = await asking(server).ask()

    assert failure(exchange).response.status == 503
    assert exchange.attempts == 1


async def test_retries_end_with_the_first_good_answer(serve, asking):
    """Latency is the total from the first attempt's first byte."""
    server = serve(answering(_status(503), _status(503), OK))

    exchange = await asking(server, retries=Retries(n=3, back_off_s=0.05)).ask(POST)

    assert exchange.outcome.body == b"ok"
    assert exchange.attempts == 3
    # two pauses, of at least half of 50 ms and of 100 ms
    assert exchange.timing.latency_s >= 0.075
    assert exchange.timing.wait_s < 0.05
    assert exchange.timing.first_byte_s >= 0.075


async def test_retries_are_limited(serve, asking):
    """The last outcome stands."""
    server = serve(answering(_status(503)))

    exchange = await asking(server, retries=Retries(n=2, back_off_s=0.001)).ask()

    assert failure(exchange).response.status == 503
    assert exchange.attempts == 3


async def test_only_what_the_policy_names_is_tried_again(serve, asking):
    """A 500 is not in it, a timeout and a cut-off answer are not either."""
    server = serve(answering(_status(500), OK))

    exchange = await asking(server, retries=Retries(n=2)).ask()

    assert failure(exchange).response.status == 500
    assert exchange.attempts == 1


async def test_retry_after_is_honoured(serve, asking):
    """The server's wish is longer than our own pause."""
    server = serve(answering(_status(429, b"Retry-After: 1"), OK))

    exchange = await asking(server, retries=Retries(n=1, back_off_s=0.001)).ask()

    assert exchange.outcome.body == b"ok"
    assert exchange.timing.latency_s >= 1.0


async def test_a_retry_that_would_be_too_late_is_not_waited_for(serve, asking):
    """Where the pause does not fit into the deadline, the outcome stands at once."""
    server = serve(answering(_status(429, b"Retry-After: 30"), OK))

    exchange = await asking(server, retries=Retries(n=1), timeout_s=1.0).ask()

    assert failure(exchange).response.status == 429
    assert exchange.timing.latency_s < 0.5


async def test_all_attempts_share_one_deadline(serve, asking):
    """The third attempt hangs; the whole takes no longer than the timeout."""

    def then_silent(peer):
        for _ in range(2):
            peer.read_request()
            peer.send(_status(503))
        peer.wait_for_eof()

    exchange = await asking(
        serve(then_silent), retries=Retries(n=5, back_off_s=0.05), timeout_s=0.3
    ).ask()

    assert failure(exchange).kind == FailureKind.TIMEOUT
    assert exchange.attempts == 3
    assert 0.3 <= exchange.timing.latency_s < 1


async def test_connecting_is_tried_again_where_the_policy_says_so(asking):
    """Nothing is sent, so that no attempt is counted."""
    exchange = await asking("http://127.0.0.1:1", retries=Retries(n=2, back_off_s=0.02)).ask()

    assert failure(exchange).kind == FailureKind.CONNECT_ERROR
    assert exchange.attempts == 0
    assert exchange.timing.latency_s >= 0.03


# Cost.


async def test_cost_is_a_total_over_attempts(serve, asking):
    """Two calls at a price per call."""
    server = serve(answering(_status(503), OK))

    exchange = await asking(
        server,
        retries=Retries(n=1, back_off_s=0.001),
        price=PriceList(usd_per_call=Decimal("0.25")),
    ).ask()

    assert exchange.cost_usd == 0.5


async def test_tokens_are_read_from_the_answer(serve, asking):
    """And kept beside the cost."""
    price = PriceList(usd_per_input_token=Decimal("0.5"), usd_per_output_token=Decimal("2"))
    asked = asking(
        serve(answering(OK)),
        price=price,
        usage_of=lambda response: Usage(len(response.body), 3),
    )

    exchange = await asked.ask()

    assert (exchange.input_tokens, exchange.output_tokens) == (2, 3)
    assert exchange.cost_usd == 7.0


async def test_a_price_by_token_without_usage_is_unknown(asking):
    """Nobody knows what a failed call used."""
    price = PriceList(usd_per_input_token=Decimal("0.5"))

    exchange = await asking("http://127.0.0.1:1", price=price).ask()

    assert exchange.cost_usd is None


# Our own side.


async def test_a_request_that_cannot_be_sent_is_an_outcome(serve, asking):
    """Nothing of it reaches the server, and the next one is not held up."""
    server = serve(answering(OK))
    asked = asking(server, max_in_flight=1)

    smuggled = asked.submit(Request("GET", "/", (("X", "a\r\n\r\nGET /admin HTTP/1.1"),)))
    following = asked.submit()

    outcome = failure(await smuggled)
    assert outcome.kind == FailureKind.UNREADABLE
    assert outcome.detail == (
        "the request cannot be sent: header 'X' has a line break or NUL in its value"
    )
    assert (await following).outcome.body == b"ok"
    assert server.received == [b"GET / HTTP/1.1\r\nHost: test\r\n\r\n"]


async def test_closing_cancels_what_is_underway(serve, asking):
    """In flight, waiting for a connection, queued: each ends once, as cancelled."""
    server = serve(lambda peer: peer.wait_for_eof())
    asked = asking(server, max_in_flight=2)
    answers = [asked.submit() for _ in range(4)]
    await asyncio.sleep(0.05)

    await asked.sender.close()

    kinds = [failure(await answer).kind for answer in answers]
    assert kinds == [FailureKind.CANCELLED] * 4
    assert asked.sender.snapshot().connections == 0


async def test_closing_while_connections_are_being_opened(serve, asking):
    """At whatever point of a dial it comes, it ends, and so does every request."""
    server = serve(answering(OK))

    for n_rounds in range(12):
        asked = asking(server)
        answers = [asked.submit() for _ in range(4)]
        for _ in range(n_rounds):
            await asyncio.sleep(0)
        await asked.sender.close()
        await asyncio.wait(answers)

        assert asked.n_done == 4
        assert asked.sender.snapshot().connections == 0


async def test_what_comes_after_closing_is_cancelled(serve, asking):
    """It is answered too, and not from inside `submit`."""
    asked = asking(serve(answering(OK)))
    await asked.sender.close()

    answer = asked.submit()

    assert not answer.done()
    assert failure(await answer).kind == FailureKind.CANCELLED


async def test_done_may_submit_the_next_request(serve, asking):
    """A closed loop of one in flight needs one connection."""
    server = serve(answering(OK))
    asked = asking(server, max_in_flight=1)
    finished = asyncio.get_running_loop().create_future()
    n_answers = 0

    def again(exchange):
        nonlocal n_answers
        n_answers += 1
        if n_answers == 50:
            finished.set_result(None)
        else:
            asked.sender.submit("r", GET, due_s=asked.clock.now_s(), call_order=0, done=again)

    asked.sender.submit("r", GET, due_s=asked.clock.now_s(), call_order=0, done=again)
    await finished

    assert n_answers == 50
    assert server.n_connections == 1

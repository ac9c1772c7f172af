"""What the sender sends and gives back, and how it ends. All servers are real sockets."""

import asyncio

import pytest

from harness.exchange import FailureKind, Request, Response
from tests.transport.conftest import GET
from tests.transport.outcomes import failure
from tests.transport.raw_server import OK, answering


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

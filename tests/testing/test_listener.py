"""The listener carries out what its application says, over real sockets."""

import asyncio
import time

import pytest

from harness.errors import UsageError
from harness.testing.listener import Connection, HangUp, Reply, Silence, bound

ASK = b"POST /%s HTTP/1.1\r\nHost: x\r\nX-Kind: A\r\nContent-Length: 2\r\n\r\n{}"


@pytest.fixture
async def serving():
    """Start an application; gives a function that connects to it."""
    servers = []

    async def serve(application):
        loop = asyncio.get_running_loop()
        listening = bound(0)
        servers.append(
            await loop.create_server(lambda: Connection(application, loop), sock=listening)
        )
        return await asyncio.open_connection(*listening.getsockname())

    yield serve
    for server in servers:
        server.close()


async def body_of(reader):
    """The body of the next answer."""
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    return await reader.readexactly(length)


async def test_a_request_arrives_whole(serving):
    """Method, target, lower-cased headers and body, also in small pieces."""
    seen = []

    def application(question, now_s):
        seen.append(question)
        return Reply(200, b"ok")

    reader, writer = await serving(application)
    for piece in (ASK % b"a")[:-1], (ASK % b"a")[-1:]:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0)

    assert await body_of(reader) == b"ok"
    (question,) = seen
    assert (question.method, question.target, question.body) == ("POST", "/a", b"{}")
    assert question.headers["x-kind"] == "A"
    writer.close()


async def test_answers_come_at_their_time_and_in_their_order(serving):
    """A slow answer is not overtaken on its own connection, and comes no earlier than told."""

    def application(question, now_s):
        slow = question.target == "/slow"
        return Reply(200, question.target.encode(), now_s + 0.05 if slow else 0.0)

    reader, writer = await serving(application)
    start_s = time.monotonic()
    writer.write(ASK % b"slow" + ASK % b"fast")

    assert [await body_of(reader), await body_of(reader)] == [b"/slow", b"/fast"]
    assert time.monotonic() - start_s >= 0.049
    writer.close()


async def test_a_hang_up_is_an_end_without_an_answer(serving):
    """The client sees the connection close and not a byte."""
    reader, writer = await serving(lambda question, now_s: HangUp())
    writer.write(ASK % b"a")

    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()


async def test_silence_keeps_the_connection_open(serving):
    """Nothing comes, and nothing closes."""
    reader, writer = await serving(lambda question, now_s: Silence())
    writer.write(ASK % b"a")

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.read(1), 0.1)
    writer.close()


async def test_what_is_not_http_is_refused(serving):
    """Garbage is a 400 and a closed connection."""
    reader, writer = await serving(lambda question, now_s: Reply(200, b""))
    writer.write(b"\x00\x01\x02\r\n\r\n")

    assert (await asyncio.wait_for(reader.read(), 5)).startswith(b"HTTP/1.1 400 Bad Request\r\n")
    writer.close()


def test_a_taken_port_is_named():
    """Binding twice says which port, and what to do."""
    taken = bound(0)
    port = taken.getsockname()[1]

    with pytest.raises(UsageError, match=rf"port {port} on 127\.0\.0\.1: .* Give another one"):
        bound(port)

    taken.close()

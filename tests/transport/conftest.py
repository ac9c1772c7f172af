"""Both event loops, a sender made short, and raw servers that behave as they are told."""

import asyncio
import time

import pytest
import pytest_asyncio
import uvloop

from harness.exchange import DeploymentName, Request, RequestId
from harness.transport.clock import MonotonicClock
from harness.transport.sender import HttpSender
from harness.transport.target import Target
from tests.transport.raw_server import RawServer

GET = Request("GET", "/", (("Host", "test"),))
POST = Request("POST", "/", (("Host", "test"), ("Content-Length", "2")), b"{}")


def block_the_loop(for_s):
    """What a busy measuring process does to itself."""
    time.sleep(for_s)


def pytest_asyncio_loop_factories(config, item):
    """Everything here holds on asyncio's own loop and on uvloop; for processes one has to do."""
    if item.path.name == "test_process.py":
        return {"uvloop": uvloop.new_event_loop}
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture
def serve():
    """Start servers that do what the given function does with each connection."""
    servers = []

    def start(behave, **options):
        servers.append(RawServer(behave, **options))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


class Asking:
    """A sender one can wait on."""

    def __init__(self, sender, clock):
        self.sender = sender
        self.clock = clock
        self.n_done = 0

    def submit(self, request=GET, **options):
        """Submit; a future of the exchange. A second `done` would raise InvalidStateError."""
        answer = asyncio.get_running_loop().create_future()

        def done(exchange):
            self.n_done += 1
            answer.set_result(exchange)

        options = {"due_s": self.clock.now_s(), "call_order": 0} | options
        self.sender.submit(RequestId(f"r{self.n_done}"), request, done=done, **options)
        return answer

    async def ask(self, request=GET, **options):
        return await self.submit(request, **options)


@pytest_asyncio.fixture
async def asking():
    """Make a sender for a base URL or a raw server; closed at the end."""
    clock = MonotonicClock()
    made = []

    def make(where, *, usage_of=None, **options):
        url = where if isinstance(where, str) else f"http://127.0.0.1:{where.port}"
        options = {"timeout_s": 5.0} | options
        sender = HttpSender(
            Target(DeploymentName("d"), url, **options), clock, seed=1, usage_of=usage_of
        )
        made.append(sender)
        return Asking(sender, clock)

    yield make
    for sender in made:
        await sender.close()
    clock.close()

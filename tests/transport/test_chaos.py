"""Whatever a deployment does, every request ends once and nothing is left behind."""

import asyncio
import os
import random
from collections import Counter
from pathlib import Path

import pytest

from harness.exchange import Failure, FailureKind
from harness.http1.limits import Limits
from harness.transport.retries import Retries
from tests.transport.conftest import GET, POST
from tests.transport.raw_server import OK

BEHAVIOURS = {
    "ok": lambda peer: peer.send(OK),
    "failed": lambda peer: peer.send(b"HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n"),
    "last": lambda peer: peer.send(
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    ),
    "surplus": lambda peer: peer.send(OK + b"surplus"),
    "leave": lambda peer: peer.close(),
    "reset": lambda peer: peer.reset(),
    "half": lambda peer: (peer.send(OK[:-1]), peer.close()),
    "garbage": lambda peer: peer.send(b"\x00garbage"),
    "huge": lambda peer: peer.send(
        b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + bytes(100_000)
    ),
    "silence": lambda peer: peer.wait_for_eof(),
}


def chaotic(seed):
    dice = random.Random(seed)
    weights = [10 if name == "ok" else 1 for name in BEHAVIOURS]

    def behave(peer):
        while True:
            peer.read_request()
            name = dice.choices(list(BEHAVIOURS), weights)[0]
            BEHAVIOURS[name](peer)

    return behave


def n_open_files():
    return len(list(Path(f"/proc/{os.getpid()}/fd").iterdir()))


@pytest.mark.parametrize("retries", [Retries(), Retries(n=2, back_off_s=0.001)])
async def test_every_request_ends_once(serve, asking, retries):
    """Under all misbehaviour at once, with and without retries; no connection is kept too long."""
    asked = asking(
        serve(chaotic(seed=7)),
        timeout_s=0.1,
        max_in_flight=16,
        retries=retries,
        limits=Limits(max_answer_bytes=50_000),
    )

    exchanges = await asyncio.gather(*(asked.submit((GET, POST)[i % 2]) for i in range(600)))

    kinds = Counter(e.outcome.kind if isinstance(e.outcome, Failure) else "ok" for e in exchanges)
    assert asked.n_done == 600
    assert kinds["ok"] > 200
    assert {
        FailureKind.TIMEOUT,
        FailureKind.DISCONNECTED,
        FailureKind.UNREADABLE,
    } <= kinds.keys()
    assert all(e.timing.latency_s < 1.0 for e in exchanges)
    assert all(e.attempts <= 2 * (retries.n + 1) for e in exchanges)
    # On a busy machine the deadline can pass before there is a connection to send on.
    assert all(e.attempts or e.outcome.kind is FailureKind.TIMEOUT for e in exchanges)
    after = asked.sender.snapshot()
    assert (after.in_flight, after.queue_depth) == (0, 0)
    assert after.connections == after.idle_connections <= 16


async def test_closing_gives_all_files_back(serve, asking):
    """Also those of requests that timed out or were underway."""
    await asking("http://127.0.0.1:1").ask()  # the loop's own files are opened at first use
    n_before = n_open_files()
    server = serve(chaotic(seed=8))
    asked = asking(server, timeout_s=0.1, max_in_flight=32)
    answers = [asked.submit(POST) for _ in range(200)]
    await asyncio.wait(answers, return_when=asyncio.FIRST_COMPLETED)

    await asked.sender.close()
    await asyncio.wait(answers)

    assert asked.n_done == 200
    assert asked.sender.snapshot().connections == 0
    server.close()
    assert n_open_files() == n_before

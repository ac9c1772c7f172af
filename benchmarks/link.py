"""What handing copies to the mirror costs a front: microseconds of a request.

A link as a front has it, on uvloop, with a process at the other end that reads all of it. Requests
of 1 KB come in rounds, as a busy loop sees them. Run it with `python -m benchmarks.link`.
"""

from __future__ import annotations

import asyncio
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import uvloop

from harness.shadow.front.counters import NAMES
from harness.shadow.gauges import Page
from harness.shadow.link import Link, LinkSettings
from harness.shadow.tap import ChampionOutcome

_ROUNDS, _PER_ROUND = 200, 50
_HEAD = b"POST /v1/predict HTTP/1.1\r\nHost: api.example\r\nContent-Length: 1024\r\n" + b"".join(
    b"X-Field-%d: value\r\n" % i for i in range(7)
)
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1024\r\n\r\n"
_READER = """
import socket, sys
line, _ = socket.socket(fileno=int(sys.argv[1])).accept()
while line.recv(1 << 20):
    pass
"""


async def measure(folder: Path) -> tuple[float, float]:
    """Microseconds of CPU a request: the three calls alone, and with the writing and the loop."""
    page = Page.create(folder / "front-1.page", NAMES)
    link = Link(LinkSettings(str(folder / "link.sock"), "1", 64 << 20, ("POST",)), page)
    link.start()
    while not page.snapshot()["link_connected"]:  # noqa: ASYNC110 - a page has no event
        await asyncio.sleep(0.01)
    fields = [(b"Host", b"api.example"), *((b"X-Field-%d" % i, b"value") for i in range(7))]
    body = [bytes(1024)]
    outcome = ChampionOutcome(status=200, head=_ANSWER, body=body, n_body_bytes=1024)
    calls, number = [], 0
    began = time.process_time_ns()
    for _ in range(_ROUNDS):
        start = time.process_time_ns()
        for _ in range(_PER_ROUND):
            number += 1
            assert link.wants(b"POST", b"/v1/predict", fields)
            link.request(number=number, received_at_ns=0, head=_HEAD, body=body, n_body=1024)
            link.champion(number=number, outcome=outcome)
        calls.append((time.process_time_ns() - start) / _PER_ROUND / 1000)
        await asyncio.sleep(0.002)
    whole = (time.process_time_ns() - began) / number / 1000
    await link.finish(5.0)
    assert page.snapshot()["offered"] == number, "a request was shed: the figures mean nothing"
    return statistics.median(calls), whole


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(folder / "link.sock"))
        listener.listen()
        fd = listener.fileno()
        with subprocess.Popen([sys.executable, "-c", _READER, str(fd)], pass_fds=[fd]):
            listener.close()
            calls_us, whole_us = uvloop.run(measure(folder))
    print(f"calls alone {calls_us:.1f} us a request, with writing and the loop {whole_us:.1f} us")


if __name__ == "__main__":
    main()

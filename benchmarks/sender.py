"""How fast we send, beside the clients people use, and how well we keep a pace.

    python -m benchmarks.sender [--rounds 5] [--seconds 2]

A server that does next to nothing runs on one core, one client at a time on the other: 1 KB POSTs
over 64 kept-alive connections, answered with 1 KB. Clients take turns within a round, and medians
over the rounds are compared, because neighbours on the machine are noisy. What is compared is the
CPU time of a request, the client's and the system's for it: how many requests a second come of it
depends on what else the core does.

wrk and hey are used where they are installed. They only count; our sender and aiohttp also build
the request and keep the answer, and `replay` does all that `harness replay` does, pairs stored.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import cast

import aiohttp
import uvloop

from benchmarks.replaying import replay_and_store
from harness.exchange import DeploymentName, Exchange, Request, RequestId, Response
from harness.transport.clock import MonotonicClock
from harness.transport.sender import HttpSender
from harness.transport.target import Target

CONNECTIONS = 64
BODY = json.dumps({"text": "x" * 1010}).encode()
HEADERS = (
    ("Host", "127.0.0.1"),
    ("Content-Type", "application/json"),
    ("User-Agent", "benchmark"),
    ("Accept", "*/*"),
    ("Content-Length", str(len(BODY))),
)
ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nServer: benchmark\r\n"
    b"Date: Wed, 01 Jan 2025 12:00:00 GMT\r\nContent-Length: %d\r\n\r\n" % len(BODY)
) + BODY


@dataclass(frozen=True, slots=True)
class Measured:
    """What one client did in one round."""

    requests_per_s: float
    cpu_us_per_request: float


# The server: finds requests by their length, which is the same for all on a connection.


class _Fast(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._pending = bytearray()

    def data_received(self, data: bytes) -> None:
        if self._pending or not _is_one_request(data):
            self._pending += data
            n = 0
            while end := _end_of_request(self._pending):
                del self._pending[:end]
                n += 1
            self._transport.write(ANSWER * n)
        else:
            self._transport.write(ANSWER)


def _is_one_request(data: bytes) -> bool:
    return data.endswith(BODY) and len(data) < 2 * len(BODY)


def _end_of_request(data: bytearray) -> int:
    head = data.find(b"\r\n\r\n")
    return head + 4 + len(BODY) if 0 <= head <= len(data) - 4 - len(BODY) else 0


def serve() -> None:
    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(_Fast, "127.0.0.1", 0)
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.to_thread(sys.stdin.read)

    uvloop.run(run())


# The clients. Each runs in a process of its own and prints one JSON line.


Begin = Callable[[], None]
"""Called by a client when it is set up: from here on its time counts."""


async def send_with_harness(port: int, seconds: float, begin: Begin) -> int:
    clock = MonotonicClock()
    target = Target(DeploymentName("d"), f"http://127.0.0.1:{port}", timeout_s=5.0)
    sender = HttpSender(target, clock)
    await sender.open_connections(CONNECTIONS)
    request = Request("POST", "/predict", HEADERS, BODY)
    request_id = RequestId("r")
    begin()
    until_s = clock.now_s() + seconds
    all_done = asyncio.get_running_loop().create_future()
    n_done, n_open = 0, CONNECTIONS

    def done(exchange: Exchange) -> None:
        nonlocal n_done, n_open
        if not isinstance(exchange.outcome, Response):
            raise RuntimeError(f"the benchmark's server failed: {exchange.outcome}")
        n_done += 1
        now_s = clock.now_s()
        if now_s < until_s:
            sender.submit(request_id, request, due_s=now_s, call_order=0, done=done)
        else:
            n_open -= 1
            if n_open == 0:
                all_done.set_result(None)

    for _ in range(CONNECTIONS):
        sender.submit(request_id, request, due_s=clock.now_s(), call_order=0, done=done)
    await all_done
    await sender.close()
    return n_done


async def send_with_aiohttp(port: int, seconds: float, begin: Begin) -> int:
    url = f"http://127.0.0.1:{port}/predict"
    begin()
    until_s = time.perf_counter() + seconds
    n_done = 0

    async def worker(session: aiohttp.ClientSession) -> None:
        nonlocal n_done
        while time.perf_counter() < until_s:
            async with session.post(url, data=BODY, headers=dict(HEADERS[1:4])) as answer:
                await answer.read()
            n_done += 1

    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    async with aiohttp.ClientSession(connector=connector) as session:
        await asyncio.gather(*(worker(session) for _ in range(CONNECTIONS)))
    return n_done


async def replay_with_harness(port: int, seconds: float, begin: Begin) -> int:
    request = Request("POST", "/predict", HEADERS, BODY)
    return await replay_and_store(port, seconds, request, CONNECTIONS, begin)


SENDERS = {
    "harness": send_with_harness,
    "replay": replay_with_harness,
    "aiohttp": send_with_aiohttp,
}


def run_client(name: str, port: int, seconds: float) -> None:
    async def run() -> None:
        used_s, start_s = _cpu_s(), time.perf_counter()

        def begin() -> None:
            nonlocal used_s, start_s
            used_s, start_s = _cpu_s(), time.perf_counter()

        n_requests = await SENDERS[name](port, seconds, begin)
        took_s = time.perf_counter() - start_s
        cpu_us = (_cpu_s() - used_s) / n_requests * 1e6
        print(json.dumps([n_requests / took_s, cpu_us]))

    uvloop.run(run())


def _cpu_s(of: int = resource.RUSAGE_SELF) -> float:
    used = resource.getrusage(of)
    return used.ru_utime + used.ru_stime


def ask_own_client(name: str, port: int, seconds: float, core: int) -> Measured:
    printed = _on_core(
        core,
        sys.executable,
        "-m",
        "benchmarks.sender",
        "--client",
        name,
        str(port),
        "--seconds",
        str(seconds),
    )
    return Measured(*json.loads(printed))


def ask_wrk(port: int, seconds: float, core: int) -> Measured:
    lines = ["wrk.method = 'POST'", f"wrk.body = '{BODY.decode()}'"]
    lines += [f"wrk.headers['{name}'] = '{value}'" for name, value in HEADERS[1:4]]
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write("\n".join(lines))
        script.flush()
        return _ask_counting_client(
            core,
            r"(\d+) requests in",
            *("wrk", "-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s", "-s", script.name),
            f"http://127.0.0.1:{port}/predict",
        )


def ask_hey(port: int, seconds: float, core: int) -> Measured:
    return _ask_counting_client(
        core,
        r"\[200\]\s+(\d+) responses",
        *("hey", "-z", f"{seconds:g}s", "-c", str(CONNECTIONS), "-cpus", "1", "-m", "POST"),
        *("-T", "application/json", "-d", BODY.decode(), f"http://127.0.0.1:{port}/predict"),
    )


def _ask_counting_client(core: int, pattern: str, *command: str) -> Measured:
    """Run a client that prints how many requests it made; its CPU time is what the system says."""
    used_s = _cpu_s(resource.RUSAGE_CHILDREN)
    printed = _on_core(core, *command)
    used_s = _cpu_s(resource.RUSAGE_CHILDREN) - used_s
    n = re.search(pattern, printed)
    per_s = re.search(r"Requests/sec:\s*([\d.]+)", printed)
    assert n is not None, printed
    assert per_s is not None, printed
    return Measured(float(per_s.group(1)), used_s / int(n.group(1)) * 1e6)


def _on_core(core: int, *command: str) -> str:
    with _pinned(core):
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@contextlib.contextmanager
def _pinned(core: int) -> Iterator[None]:
    """Processes started in here run on one core. Where that cannot be said (macOS), anywhere."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextlib.contextmanager
def _server(core: int) -> Iterator[int]:
    with _pinned(core):
        server = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.sender", "--serve"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
    assert server.stdin is not None
    assert server.stdout is not None
    try:
        yield int(server.stdout.readline())
    finally:
        server.stdin.close()
        server.wait(10)


def throughput(rounds: int, seconds: float) -> None:
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0, 0]
    ask: dict[str, Callable[[int, float, int], Measured]] = {
        "harness": lambda port, s, core: ask_own_client("harness", port, s, core),
        "replay": lambda port, s, core: ask_own_client("replay", port, s, core),
        "aiohttp": lambda port, s, core: ask_own_client("aiohttp", port, s, core),
        "wrk": ask_wrk,
        "hey": ask_hey,
    }
    for tool in ("wrk", "hey"):
        if shutil.which(tool) is None:
            print(f"{tool} is not installed, left out")
            del ask[tool]
    measured: dict[str, list[Measured]] = {name: [] for name in ask}
    with _server(cores[-1]) as port:
        for _ in range(rounds):
            for name, client in ask.items():
                measured[name].append(client(port, seconds, cores[0]))
    _print_throughput(measured)


def _print_throughput(measured: dict[str, list[Measured]]) -> None:
    per_s = {
        name: statistics.median(one.requests_per_s for one in all_of)
        for name, all_of in measured.items()
    }
    cpu_us = {
        name: statistics.median(one.cpu_us_per_request for one in all_of)
        for name, all_of in measured.items()
    }
    print(
        f"\n{'':10} {'':>11} {'CPU us per':>11}   requests per CPU second, in times this client's"
    )
    print(f"{'client':10} {'requests/s':>11} {'request':>11} {'harness':>10} {'replay':>10}")
    for name in measured:
        print(
            f"{name:10} {per_s[name]:11,.0f} {cpu_us[name]:11.1f} "
            f"{cpu_us[name] / cpu_us['harness']:10.2f} {cpu_us[name] / cpu_us['replay']:10.2f}"
        )
    print("aim: replay, every pair stored, 1.00 against hey")


# Pacing: how late a wake-up at 1 000 per second is.


async def _late_us(sleep_until: Callable[[float], object], n: int) -> list[float]:
    start_s = time.perf_counter() + 0.01
    late = []
    for i in range(n):
        due_s = start_s + i * 0.001
        slept = sleep_until(due_s)
        if asyncio.iscoroutine(slept):
            await slept
        late.append((time.perf_counter() - due_s) * 1e6)
    return late


def _spin_until(at_s: float) -> None:
    while time.perf_counter() < at_s:
        pass


async def _call_at(at_s: float) -> None:
    await asyncio.sleep(at_s - time.perf_counter())


def pacing(rounds: int, seconds: float) -> None:
    async def run() -> None:
        clock = MonotonicClock()
        ways: dict[str, Callable[[float], object]] = {
            "harness clock": clock.sleep_until,
            "loop timer": _call_at,
            "busy loop": _spin_until,
        }
        late: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name, sleep_until in ways.items():
                late[name] += await _late_us(sleep_until, int(seconds * 1000))
        clock.close()
        print(f"\n{'pacing 1,000/s':14} {'p50 late, us':>13} {'p99 late, us':>13}")
        for name, all_of in late.items():
            cuts = statistics.quantiles(all_of, n=100)
            print(f"{name:14} {cuts[49]:13.0f} {cuts[98]:13.0f}")
        print("aim: harness clock 100 and 500 on a quiet core")

    uvloop.run(run())


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--client", nargs=2, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.serve:
        serve()
    elif chosen.client:
        run_client(chosen.client[0], int(chosen.client[1]), chosen.seconds)
    else:
        throughput(chosen.rounds, chosen.seconds)
        pacing(chosen.rounds, chosen.seconds)


if __name__ == "__main__":
    main()

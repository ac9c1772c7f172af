"""What the front costs users, beside nginx and Envoy with and without their mirrors.

    python -m benchmarks.sidecar [--rounds 5] [--seconds 2]

Each proxy runs on one core; champion, shadow, what stands for our mirror process and the load
(wrk) share another. `front` is our front alone, `front+link` hands every request over to a process
that throws it away, `sidecar` is the whole program with a challenger, its mirror on the other core
at idle priority. `aiohttp` is what one writes in an afternoon: a server and a client, no mirror.
 1 KB POSTs over 32 kept-alive connections, each request one of 64 that differ
in a field, so that nobody can live on having seen the same head before. Proxies take turns within a
round, and medians over the rounds are compared; where neighbours are noisy, CPU time per request
says more than requests per second. A throughput counts only where every request was mirrored or
counted as shed: for ours the counters tell. Latencies are those of one connection, one
request at a time.

Needs wrk and nginx; Envoy where it is installed (see `benchmarks.peers`).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import uvloop
from aiohttp import web

from benchmarks.peers import envoy, envoy_program, nginx, nginx_program
from benchmarks.sender import BODY, HEADERS, _pinned, _server
from harness.pair import Conservation
from harness.shadow.front.settings import FrontSettings, Upstream
from harness.shadow.gauges import Page
from harness.shadow.link import LinkSettings
from harness.testing.sidecar import Sidecar, sidecar

CONNECTIONS = 32

_WRK = """
local requests, i = {}, 0
init = function()
    for n = 1, 64 do
        wrk.headers["X-Request-Id"] = string.format("%%032x", n * 2654435761)
        requests[n] = wrk.format("POST", "/predict", nil, '%s')
    end
end
request = function() i = i %% 64 + 1; return requests[i] end
"""


@dataclass
class Way:
    """One way to the champion.

    Attributes:
        pid: Of the proxy; None where there is none.
        page: Our front's counters.
    """

    port: int
    pid: int | None = None
    page: Path | None = None
    rates: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    p50_us: list[float] = field(default_factory=list)
    p99_us: list[float] = field(default_factory=list)

    def cpu_s(self) -> float:
        """CPU time the proxy has used."""
        if self.pid is None:
            return 0.0
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def _stopped(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    try:
        yield process
    finally:
        process.terminate()
        process.wait(10)


@contextlib.contextmanager
def front(folder: Path, champion: int, link: LinkSettings | None) -> Iterator[Way]:
    """Our front before the champion, told what to do as a supervisor would."""
    folder.mkdir()
    page = folder / "front.page"
    ours, theirs = socket.socketpair()
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listening:
        settings = FrontSettings(
            front_id="bench",
            listen_fds=(listening.fileno(),),
            upstream=Upstream("127.0.0.1", champion),
            page_path=str(page),
            link=link,
        )
        process = subprocess.Popen(
            [sys.executable, "-m", "harness.shadow.front", str(theirs.fileno())],
            pass_fds=(listening.fileno(), theirs.fileno()),
        )
        port = int(listening.getsockname()[1])
    theirs.close()
    with ours, _stopped(process):
        ours.sendall(json.dumps({"settings": settings.to_mapping()}).encode() + b"\n")
        said = ours.recv(65536)
        if b"ready" not in said:
            raise RuntimeError(f"the front did not start: {said!r}")
        yield Way(port, process.pid, page)


@contextlib.contextmanager
def mirror_process(path: Path) -> Iterator[None]:
    """Something that takes what the front hands over, as fast as it can."""
    code = (
        "import socket, sys; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen();"
        "print('up', flush=True); c, _ = s.accept()\nwhile c.recv(1 << 20): pass"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    with _stopped(process):
        yield


_SIDECAR = """\
champion: {{name: champion, url: "http://127.0.0.1:{champion}", timeout: 5s}}
challengers: [{{name: challenger, url: "http://127.0.0.1:{challenger}", timeout: 5s}}]
capture:
  listen: 127.0.0.1:0
  admin: 127.0.0.1:0
  runtime_dir: rt
  methods: [POST]
policy: {{rules: [{{not_worse: failure_rate, margin: 0.1}}]}}
"""


@contextlib.contextmanager
def whole_sidecar(
    folder: Path, champion: int, challenger: int, core: int, other: int
) -> Iterator[tuple[Way, Sidecar]]:
    """The program as users run it; its front alone on the core under test."""
    folder.mkdir()
    text = _SIDECAR.format(champion=champion, challenger=challenger)
    with _pinned(other), sidecar(folder, text) as running:
        port, front_pid = int(running.url.rpartition(":")[2]), running.pids()["front 1"]
        os.sched_setaffinity(front_pid, {core})
        yield Way(port, front_pid), running


async def proxy_with_aiohttp(champion: int) -> None:
    """A reverse proxy as the documentation of aiohttp would have it."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def pass_on(request: web.Request) -> web.Response:
            url = f"http://127.0.0.1:{champion}{request.raw_path}"
            body = await request.read()
            async with session.request(
                request.method, url, headers=request.headers, data=body
            ) as answer:
                content = await answer.read()
            return web.Response(status=answer.status, body=content)

        application = web.Application()
        application.router.add_route("*", "/{path:.*}", pass_on)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        listening = socket.create_server(("127.0.0.1", 0), backlog=1024)
        await web.SockSite(runner, listening).start()
        print(listening.getsockname()[1], flush=True)
        await asyncio.Event().wait()


@contextlib.contextmanager
def aiohttp_proxy(champion: int) -> Iterator[Way]:
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.sidecar", "--aiohttp", str(champion)],
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    with _stopped(process):
        yield Way(int(process.stdout.readline()), process.pid)


def load(way: Way, script: Path, connections: int, seconds: float, core: int) -> str:
    """What wrk prints."""
    with _pinned(core):
        return subprocess.run(
            [
                *("wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--latency"),
                *("-s", str(script), f"http://127.0.0.1:{way.port}/predict"),
            ],
            check=True,
            capture_output=True,
            text=True,
        ).stdout


def measure(way: Way, script: Path, seconds: float, core: int) -> None:
    """One round of one proxy."""
    before_s = way.cpu_s()
    printed = load(way, script, CONNECTIONS, seconds, core)
    n_requests = int(_number(r"(\d+) requests in", printed))
    if "Non-2xx" in printed or "Socket errors" in printed:
        print(f"port {way.port} failed requests:\n{printed}")
    way.rates.append(_number(r"Requests/sec:\s*([\d.]+)", printed))
    way.cpu_us.append((way.cpu_s() - before_s) / n_requests * 1e6)
    printed = load(way, script, 1, 1.0, core)
    way.p50_us.append(_duration_us(printed, "50%"))
    way.p99_us.append(_duration_us(printed, "99%"))


def _number(pattern: str, printed: str) -> float:
    found = re.search(pattern, printed)
    assert found is not None, printed
    return float(found.group(1))


def _duration_us(printed: str, quantile: str) -> float:
    found = re.search(rf"{quantile}\s+([\d.]+)(us|ms|s)", printed)
    assert found is not None, printed
    return float(found.group(1)) * {"us": 1, "ms": 1e3, "s": 1e6}[found.group(2)]


@contextlib.contextmanager
def ways(folder: Path, core: int, load_core: int) -> Iterator[tuple[dict[str, Way], Sidecar]]:
    """Everything that is compared, running."""
    with contextlib.ExitStack() as stack:
        champion = stack.enter_context(_server(load_core))
        shadow = stack.enter_context(_server(load_core))
        socket_path = folder / "link.sock"
        with _pinned(load_core):
            stack.enter_context(mirror_process(socket_path))
        link = LinkSettings(str(socket_path), "bench", 16 * 1024 * 1024, ("POST",))
        found = {"direct": Way(champion)}
        peers = {"nginx": nginx} | ({"envoy": envoy} if envoy_program() else {})
        with _pinned(core):
            for name, start in peers.items():
                for label, copies in ((name, None), (f"{name}+mirror", shadow)):
                    peer = stack.enter_context(start(folder / label, champion, copies))
                    found[label] = Way(int(peer.url.rpartition(":")[2]), peer.pid)
            found["aiohttp"] = stack.enter_context(aiohttp_proxy(champion))
            found["front"] = stack.enter_context(front(folder / "front", champion, None))
            found["front+link"] = stack.enter_context(front(folder / "link", champion, link))
        whole = whole_sidecar(folder / "sidecar", champion, shadow, core, load_core)
        found["sidecar"], running = stack.enter_context(whole)
        yield found, running


def report(measured: dict[str, Way]) -> None:
    """Medians over the rounds, and ratios to nginx with its mirror."""
    median = statistics.median
    reference = measured["nginx+mirror"]
    direct_us = median(measured["direct"].p50_us)
    print(
        f"{'way':14}{'requests/s':>11}{'x nginx+mirror':>16}{'CPU us/req':>12}"
        f"{'CPU nginx+mirror/this':>23}{'added p50 us':>14}{'p99 us':>9}"
    )
    for name, way in measured.items():
        cpu = median(way.cpu_us)
        has_cpu = way.pid is not None
        print(
            f"{name:14}{median(way.rates):11.0f}"
            f"{median(way.rates) / median(reference.rates):16.2f}"
            f"{f'{cpu:.1f}' if has_cpu else '-':>12}"
            f"{f'{median(reference.cpu_us) / cpu:.2f}' if has_cpu else '-':>23}"
            f"{median(way.p50_us) - direct_us:14.0f}{median(way.p99_us):9.0f}"
        )
    page = measured["front+link"].page
    assert page is not None
    counts = Page.open(page).snapshot()
    kept = {name: counts[name] for name in ("received", "offered", "shed_link", "mirror_down")}
    print("front+link: " + ", ".join(f"{n:,} {name}" for name, n in kept.items()))


def account(running: Sidecar) -> None:
    """Say where the requests went that the whole sidecar took."""

    def settled() -> Conservation | None:
        found = running.pages()["challenger"]
        return None if found.pending else found

    with contextlib.suppress(TimeoutError):
        running.until(settled)
    found = running.pages()["challenger"]
    lost = {reason.value: n for reason, n in found.losses.items() if n}
    print(
        f"sidecar: {found.received:,} received, {found.paired:,} paired "
        f"({found.paired / found.received:.0%}), lost {lost}, {found.pending:,} pending"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--aiohttp", type=int, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.aiohttp:
        uvloop.run(proxy_with_aiohttp(chosen.aiohttp))
        return
    if shutil.which("wrk") is None or nginx_program() is None:
        print("wrk or nginx is not installed: there is nothing to compare with")
        return
    cores = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        script = folder / "load.lua"
        lines = "".join(f'wrk.headers["{key}"] = "{value}"\n' for key, value in HEADERS[1:4])
        script.write_text(lines + _WRK % BODY.decode())
        with ways(folder, cores[0], cores[-1]) as (measured, running):
            for _ in range(chosen.rounds):
                for way in measured.values():
                    measure(way, script, chosen.seconds, cores[-1])
            report(measured)
            account(running)


if __name__ == "__main__":
    main()

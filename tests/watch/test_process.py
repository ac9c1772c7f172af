"""The watch as a process: it answers whatever happens to the others."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest

from harness.shadow.control import Lines
from harness.shadow.desk import Desk
from harness.shadow.front.counters import NAMES
from harness.shadow.gauges import Page
from harness.watch.settings import WatchSettings
from tests.watch.live_runs import live_run, some

pytestmark = pytest.mark.process

TOKEN = "t" * 24
BEARER = {"Authorization": f"Bearer {TOKEN}"}
WITHIN_S = 60.0

# A mirror that stops in the middle of telling an event, and would go on.
HALTED = """
import sys, time
from pathlib import Path
from harness.shadow.mirror_page import make_page
page = make_page(Path(sys.argv[1]), ["knn"])
page.cells[page.index("heartbeat_ns")] = time.time_ns() - 60 * 10**9
page.cells[page.index("knn.paired")] = 5
page.begin()
print("in the middle", flush=True)
sys.stdin.read()
"""


@dataclass
class Watch:
    """A running watch, and what it asked of its supervisor."""

    process: subprocess.Popen
    control: socket.socket
    port: int
    asked: list = field(default_factory=list)

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"


def start(folder: Path, run: Path) -> Watch:
    listening = socket.create_server(("127.0.0.1", 0))
    settings = WatchSettings(
        admin_fd=listening.fileno(), is_loopback=True, token=TOKEN, pages=folder / "pages",
        control=folder / "control.sock", run=run, champion="champion", challengers=("knn",),
        verdict=folder / "live.json", budgets_usd={"knn": 5.0}, judge_every_s=0.2,
    )  # fmt: skip
    ours, theirs = socket.socketpair()
    process = subprocess.Popen(
        [sys.executable, "-m", "harness.cli.live.watch", str(theirs.fileno())],
        pass_fds=(theirs.fileno(), listening.fileno()),
        stderr=(folder / "stderr").open("w"),
    )
    theirs.close()
    port = listening.getsockname()[1]
    listening.close()
    ours.settimeout(WITHIN_S)
    ours.sendall(json.dumps({"settings": settings.to_json()}).encode() + b"\n")
    assert Lines().feed(ours.recv(65536)) == [{"say": "ready"}]
    return Watch(process, ours, port)


@pytest.fixture
def mirror(tmp_path):
    """A mirror process that was stopped, in the middle of a sentence."""
    (tmp_path / "pages").mkdir()
    process = subprocess.Popen(
        [sys.executable, "-c", HALTED, str(tmp_path / "pages" / "mirror.page")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout.readline() == b"in the middle\n"
    process.send_signal(signal.SIGSTOP)
    yield process
    process.kill()
    process.communicate()


@pytest.fixture
async def watch(tmp_path, mirror):
    """A watch beside a front, a stopped mirror, and a run of a hundred pairs."""
    page = Page.create(tmp_path / "pages" / "front-1-7.page", NAMES)
    counts = {"received": 9, "offered": 8, "sampled_out": 1, "champion.ok": 9, "mirroring_on": 1}
    for name, n in {**counts, "heartbeat_ns": time.time_ns() + 10**12}.items():
        page.cells[page.index(name)] = n
    writer = live_run(tmp_path / "20250101T120000Z-digits-ab12cd")
    writer.append(some(range(100)))
    writer.acknowledge()
    started = start(tmp_path, writer.run)

    async def answer(wish):
        started.asked.append(wish)
        return {"done": True}

    desk = await Desk.open(tmp_path / "control.sock", answer)
    yield started
    started.control.close()
    started.process.wait(WITHIN_S)
    desk.close()
    writer.close()


def children(pid):
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_running(pid):
    return Path(f"/proc/{pid}").exists()


async def verdict_of(session, watch):
    """The live verdict, as soon as there is one."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            async with session.get(watch.url("/status")) as answer:
                found = (await answer.json())["verdict"]
            if found is not None:
                return found
            await asyncio.sleep(0.1)


async def test_it_answers_while_the_mirror_is_stopped(watch, tmp_path):
    """Status, metrics, the kill switch and the live verdict: nothing of it waits for a mirror."""
    async with aiohttp.ClientSession() as session:
        async with session.get(watch.url("/status")) as answer:
            status = await answer.json()
        async with session.get(watch.url("/metrics")) as answer:
            metrics = await answer.text()
        switch = {"json": {"on": False}, "headers": BEARER}
        async with session.post(watch.url("/mirroring"), **switch) as answer:
            assert await answer.json() == {"done": True}
        async with session.post(watch.url("/reload")) as answer:
            assert answer.status == 401
        verdict = await verdict_of(session, watch)

    assert status["mirror"]["alive"] is False
    assert status["challengers"][0]["conservation"] == {
        "received": 9, "paired": 5, "losses": {"sampled_out": 1}, "pending": 3,
        "pending_in_front": 0, "pending_in_mirror": 3, "holds": True,
    }  # fmt: skip
    assert 'harness_pairs_total{challenger="knn"} 5\n' in metrics
    assert watch.asked == [{"ask": "pause", "by": "127.0.0.1"}]
    assert json.loads((tmp_path / "stderr").read_text())["event"] == "change_refused"
    assert verdict["verdict"]["challengers"][0]["n_pairs"] == 100


async def test_it_ends_with_its_supervisor_and_the_judging_with_it(watch):
    """Judging has the lowest priority there is, and nobody is left behind."""
    async with aiohttp.ClientSession() as session:
        await verdict_of(session, watch)
    (judge,) = children(watch.process.pid)
    assert os.sched_getscheduler(judge) == os.SCHED_IDLE

    watch.control.close()

    assert watch.process.wait(WITHIN_S) == 0
    assert not is_running(judge)

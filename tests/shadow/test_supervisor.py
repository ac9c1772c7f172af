"""The supervisor with little children: what it starts, changes and ends."""

import asyncio
import dataclasses
import json
import os
import signal
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pytest

from harness.errors import ConfigError
from harness.shadow.children import Program
from harness.shadow.gauges import Page
from harness.shadow.logs import Log
from harness.shadow.runtime import Runtime
from harness.shadow.supervisor import Address, Part, Supervisor
from tests.shadow.test_children import until

pytestmark = pytest.mark.process

LITTLE = "tests.shadow.little_child"


@dataclass(frozen=True)
class Little:
    """A composition of little children."""

    folder: Path
    text: str = "one"
    run_key: str = "a"
    n_fronts: int = 1
    sample: float = 1.0
    methods: tuple[str, ...] = ("GET",)
    drain_s: float = 10.0
    mirror_gives_way: bool = False
    takes_s: float = 0.0
    port: int = 0

    @property
    def listen(self):
        return Address("127.0.0.1", self.port, "capture.listen")

    @property
    def admin(self):
        return Address("127.0.0.1", 0, "capture.admin")

    def new_run(self):
        run = self.folder / f"run-{self.run_key}"
        run.mkdir()
        return run

    def front(self, place, front_id, listen_fd, ppm):
        names = ["received", "offered", "ineligible"]
        page = Page.create(place.front_page(front_id), names)
        if "GET" not in self.methods:
            page.cells[page.index("received")] = page.cells[page.index("ineligible")] = 5
        page.close()
        told = {"text": self.text, "listen_fd": listen_fd, "ppm": ppm, "takes_s": self.takes_s}
        return Program(LITTLE, told, (listen_fd,))

    def mirror(self, place, run):
        return Program(LITTLE, {"text": "mirror"})

    def watch(self, place, run, control, admin_fd):
        return Program(LITTLE, {"text": "watch", "listen_fd": admin_fd}, (admin_fd,))

    async def close(self):
        pass


class Sidecar:
    """A supervisor in this process, and what it said."""

    def __init__(self, folder, composition, part=Part.ALL):
        self.out = StringIO()
        self.composed = composition
        self.runtime = Runtime.open(folder / "rt")
        self.supervisor = Supervisor(
            composition,
            part=part,
            runtime=self.runtime,
            compose=self._compose,
            log=Log("supervisor", self.out),
            on_ready=lambda supervisor: self.ready.set(),
        )
        self.ready, self.begun = asyncio.Event(), asyncio.Event()

    async def _compose(self):
        if isinstance(self.composed, Exception):
            raise self.composed
        return self.composed

    async def __aenter__(self):
        self.serving = asyncio.create_task(self.supervisor.serve())
        await asyncio.wait_for(self.ready.wait(), 30)
        return self

    async def __aexit__(self, *_):
        self.supervisor.stop()
        await asyncio.wait_for(self.serving, 30)

    async def asked(self, where=None):
        """Text, process id and share that a front answers with."""
        host, port = (where or self.supervisor.listens_at).split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        self.begun.set()
        answer = await reader.read()
        writer.close()
        text, pid, ppm = answer.rpartition(b"\r\n")[2].decode().split()
        return text, int(pid), ppm

    async def desk(self, **asked):
        reader, writer = await asyncio.open_unix_connection(self.runtime.control)
        writer.write(json.dumps(asked).encode() + b"\n")
        answer = json.loads(await reader.readline())
        writer.close()
        return answer

    @property
    def events(self):
        return [json.loads(line)["event"] for line in self.out.getvalue().splitlines()]


async def test_users_are_served_and_the_admin_port_answers(tmp_path):
    """Fronts and watch accept on the supervisor's sockets."""
    async with Sidecar(tmp_path, Little(tmp_path, n_fronts=2)) as sidecar:
        assert (await sidecar.asked())[0] == "one"
        assert (await sidecar.asked(sidecar.supervisor.admin_at))[0] == "watch"
        children = (await sidecar.desk(ask="status"))["children"]

    assert [one["name"] for one in children] == ["front 1", "front 2", "mirror", "watch"]
    assert all(one["ready"] for one in children[:3])


async def test_a_reload_of_fronts_loses_no_connection(tmp_path):
    """One client after the other, before, while and after; the mirror stays."""
    little = Little(tmp_path, takes_s=0.02)
    answers, stop = [], asyncio.Event()

    async def hammer(sidecar):
        while not stop.is_set():
            answers.append((await sidecar.asked())[0])

    async with Sidecar(tmp_path, little) as sidecar:
        hammering = [asyncio.create_task(hammer(sidecar)) for _ in range(4)]
        before = await sidecar.desk(ask="status")
        sidecar.composed = dataclasses.replace(little, text="two")
        reply = await sidecar.desk(ask="reload", by="a test")
        await until(lambda: answers[-1:] == ["two"])
        stop.set()
        await asyncio.gather(*hammering)
        after = await sidecar.desk(ask="status")

    assert reply["done"]
    assert set(answers) == {"one", "two"}
    pids = [{one["name"]: one["pid"] for one in said["children"]} for said in (before, after)]
    assert pids[0]["mirror"] == pids[1]["mirror"]
    assert pids[0]["front 1"] != pids[1]["front 1"]


async def test_another_run_has_a_mirror_of_its_own(tmp_path):
    """What defines the run has changed: the old set is sealed beside the new one."""
    little = Little(tmp_path)
    async with Sidecar(tmp_path, little) as sidecar:
        sidecar.composed = dataclasses.replace(little, text="two", run_key="b")
        reply = await sidecar.desk(ask="reload", by="a test")
        while (await sidecar.asked())[0] == "one":  # the old set takes leave meanwhile
            pass

    assert reply == {"done": True, "run": str(tmp_path / "run-b")}


async def test_a_config_that_is_wrong_changes_nothing(tmp_path):
    """It is refused and told; the old processes serve on."""
    async with Sidecar(tmp_path, Little(tmp_path)) as sidecar:
        before = await sidecar.asked()
        sidecar.composed = ConfigError("harness.yaml", "champion", "is missing")
        reply = await sidecar.desk(ask="reload", by="a test")
        after = await sidecar.asked()

    assert reply == {"refused": "harness.yaml: champion: is missing"}
    assert before == after
    assert "reload_refused" in sidecar.events


async def test_the_kill_switch_reaches_fronts_also_after_a_restart(tmp_path):
    """Off stays off when a front dies, and is told with who did it."""
    async with Sidecar(tmp_path, Little(tmp_path, sample=0.5)) as sidecar:
        before = await sidecar.asked()
        reply = await sidecar.desk(ask="pause", by="admin 127.0.0.1:5")
        os.kill(before[1], signal.SIGKILL)
        after = await sidecar.asked()  # waits in the backlog for the next front
        refused = await sidecar.desk(ask="sample", rate=7, by="admin")

    assert before[2] == "500000"
    assert reply == {"done": True, "what": "mirroring", "from": True, "to": False}
    assert after[2] == "0"
    assert after[1] != before[1]
    assert refused == {"refused": "a share is 0 to 1, and 7 is not"}
    switched = next(line for line in sidecar.out.getvalue().splitlines() if '"switched"' in line)
    assert json.loads(switched)["by"] == "admin 127.0.0.1:5"


async def test_a_sidecar_that_mirrors_nothing_says_so(tmp_path):
    """Within a minute, with the key to change."""
    async with Sidecar(tmp_path, Little(tmp_path, methods=("POST",))) as sidecar:
        await until(lambda: "mirrors_nothing" in sidecar.events)

    assert "capture.methods` (now POST)" in sidecar.out.getvalue()


async def test_a_stop_lets_what_is_in_flight_end(tmp_path):
    """The answer comes; the port is closed."""
    sidecar = Sidecar(tmp_path, Little(tmp_path, takes_s=0.5))
    async with sidecar:
        where = sidecar.supervisor.listens_at
        asking = asyncio.create_task(sidecar.asked())
        await sidecar.begun.wait()

    assert (await asking)[0] == "one"
    with pytest.raises(ConnectionRefusedError):
        await sidecar.asked(where)


async def test_a_second_signal_waits_for_nobody(tmp_path):
    """What is in flight is cut off."""
    async with Sidecar(tmp_path, Little(tmp_path, takes_s=100.0, drain_s=100.0)) as sidecar:
        asking = asyncio.create_task(sidecar.asked())
        await sidecar.begun.wait()
        sidecar.supervisor.stop()

    assert "hurried" in sidecar.events
    with pytest.raises((ValueError, OSError)):
        await asking


async def test_another_run_in_the_same_folder_counts_from_nothing(tmp_path):
    """What fronts of an ended run had counted is none of the next one's."""
    async with Sidecar(tmp_path, Little(tmp_path)) as first:
        before = set(first.runtime.place(1).pages.iterdir())

    async with Sidecar(tmp_path, Little(tmp_path, run_key="b")) as second:
        after = set(second.runtime.place(1).pages.iterdir())

    assert len(before) == len(after) == 1
    assert before != after


async def test_a_mirror_that_comes_again_goes_on_with_the_run(tmp_path):
    """Its container was started anew: the folder that both share knows the run."""
    async with Sidecar(tmp_path, Little(tmp_path), Part.MIRROR) as first:
        run = first.supervisor.run

    async with Sidecar(tmp_path, Little(tmp_path), Part.MIRROR) as second:
        assert second.supervisor.run == run
        assert second.supervisor.listens_at is None


async def test_a_stop_before_everybody_works_ends_quietly(tmp_path, caplog):
    """Nobody was served, and nothing is said to be ready."""
    sidecar = Sidecar(tmp_path, Little(tmp_path))
    serving = asyncio.create_task(sidecar.supervisor.serve())
    await asyncio.sleep(0)
    sidecar.supervisor.stop()

    await asyncio.wait_for(serving, 30)

    assert not sidecar.ready.is_set()
    assert caplog.records == []

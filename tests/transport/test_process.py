"""Deployments that harness starts and stops. Real processes."""

import asyncio
import os
import signal
import sys
import textwrap

import pytest

from harness.errors import UnreachableError
from harness.transport.process import DeploymentProcess

pytestmark = pytest.mark.process

SERVER = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/ready" else 503)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def process(tmp_path, command, **options):
    return DeploymentProcess("d", command, log=tmp_path / "logs" / "d.log", **options)


async def wait_until_gone(pid):
    """Until the process is dead; zombies that nobody reaps here count as dead."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    gone, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_reader(process, gone.set)
    try:
        async with asyncio.timeout(10):
            await gone.wait()
    finally:
        loop.remove_reader(process)
        os.close(process)


async def pid_from(path):
    """What another process writes there, once it has."""
    async with asyncio.timeout(10):
        while not (path.exists() and path.read_text().strip()):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return int(path.read_text())


async def test_a_server_is_started_awaited_and_stopped(tmp_path):
    """On a port found for it, with `python` being ours."""
    async with process(tmp_path, ["python", "-c", SERVER, "{port}"], ready="/ready") as deployment:
        url = await deployment.ready()

        port = int(url.rpartition(":")[2])
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()

    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)
    assert "GET /ready" in (tmp_path / "logs" / "d.log").read_text()


async def test_without_a_ready_path_accepting_is_enough(tmp_path):
    """A port that answers is up."""
    async with process(tmp_path, ["python", "-c", SERVER, "{port}"]) as deployment:
        assert (await deployment.ready()).startswith("http://127.0.0.1:")


async def test_one_that_dies_shows_what_it_printed(tmp_path):
    """The message has its command, its exit code, its last words and where the rest is."""
    command = [sys.executable, "-c", "import sys; sys.exit('no model at /models')"]

    async with process(tmp_path, command) as deployment:
        with pytest.raises(UnreachableError) as caught:
            await deployment.ready()

    message = str(caught.value)
    assert message.startswith(f"d: `{sys.executable} -c ")
    assert "ended with exit code 1 before it was ready. It printed last:" in message
    assert "\n    no model at /models\n" in message
    assert f"All of its output is in {tmp_path}/logs/d.log." in message


async def test_a_command_that_does_not_exist_is_said_to(tmp_path):
    """As a shell would."""
    async with process(tmp_path, ["no-such-program"]) as deployment:
        with pytest.raises(UnreachableError, match="no-such-program: No such file"):
            await deployment.ready()


async def test_one_that_never_gets_ready_is_given_up(tmp_path):
    """A path that never answers 2xx."""
    async with process(
        tmp_path, ["python", "-c", SERVER, "{port}"], ready="/never", ready_within_s=1.0
    ) as deployment:
        with pytest.raises(UnreachableError, match=r"within 1 s on port \d+: /never answers 503\."):
            await deployment.ready()


STUBBORN = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open(sys.argv[1], "w").write(str(os.getpid()))
time.sleep(60)
"""

PARENT = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", sys.argv[1], sys.argv[2]])
time.sleep(60)
"""


async def test_one_that_does_not_want_to_stop_is_killed(tmp_path):
    """After the time it is given."""
    pid_file = tmp_path / "pid"
    async with process(tmp_path, ["python", "-c", STUBBORN, str(pid_file)], stop_within_s=0.1):
        pid = await pid_from(pid_file)

    await wait_until_gone(pid)


async def test_what_it_started_is_stopped_too(tmp_path):
    """A worker that ignores SIGTERM, of a server that does not wait for it."""
    pid_file = tmp_path / "pid"
    async with process(
        tmp_path, ["python", "-c", PARENT, STUBBORN, str(pid_file)], stop_within_s=5.0
    ):
        pid = await pid_from(pid_file)

    await wait_until_gone(pid)


async def test_what_a_dead_server_left_behind_is_stopped(tmp_path):
    """Its worker does not outlive it."""
    pid_file = tmp_path / "pid"
    parent = PARENT.replace("time.sleep(60)", "time.sleep(0.3)")
    async with process(tmp_path, ["python", "-c", parent, STUBBORN, str(pid_file)]):
        pid = await pid_from(pid_file)

        await wait_until_gone(pid)


async def test_nothing_survives_a_killed_harness(tmp_path):
    """`kill -9` on us ends the server and what it started."""
    pid_file = tmp_path / "pid"
    ours = textwrap.dedent(f"""
        import asyncio
        from pathlib import Path
        from harness.transport.process import DeploymentProcess
        async def main():
            await DeploymentProcess(
                "d", ["python", "-c", {PARENT!r}, {STUBBORN!r}, {str(pid_file)!r}],
                log=Path({str(tmp_path / "d.log")!r}), stop_within_s=0.1,
            ).start()
            await asyncio.sleep(60)
        asyncio.run(main())
    """)
    harness = await asyncio.create_subprocess_exec(sys.executable, "-c", ours)
    worker = await pid_from(pid_file)

    os.kill(harness.pid, signal.SIGKILL)
    await harness.wait()

    await wait_until_gone(worker)


async def test_stopping_what_was_never_started_is_nothing(tmp_path):
    """So that cleaning up is simple."""
    await process(tmp_path, ["python"]).stop()

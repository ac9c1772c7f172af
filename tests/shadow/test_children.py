"""A child that is to live, lives."""

import asyncio
import os
import signal
from io import StringIO

import pytest

from harness.shadow.children import Child, Program
from harness.shadow.logs import Log

pytestmark = pytest.mark.process


def child_of(settings, out, **others):
    def make():
        return Program("tests.shadow.little_child", settings)

    return Child("mirror", make, Log("supervisor", out), **others)


async def until(condition):
    """Wait for something that happens elsewhere, and is bounded by the test's timeout."""
    while not condition():  # noqa: ASYNC110 - no event comes from another process
        await asyncio.sleep(0.02)


async def test_a_child_that_is_killed_is_started_again_and_told():
    """By the signal that ended it; nothing of its settings is said."""
    out, pids = StringIO(), []
    child = child_of({"text": "hush"}, out, works=pids.append)
    child.start()
    assert await child.wait_ready(20)

    os.kill(child.pid, signal.SIGKILL)
    await until(lambda: len(pids) == 2 and child.is_ready)
    ended_well = await child.end({"do": "drain", "within_s": 5}, 10)

    assert ended_well
    assert "mirror ended by SIGKILL; it is started again in 0.1 s" in out.getvalue()
    assert "hush" not in out.getvalue()


async def test_a_child_that_cannot_live_is_given_ever_more_time():
    """Starting it in a loop would take the machine from those that serve; so does a start."""
    out, pids = StringIO(), []
    child = child_of({"dies": True}, out, works=pids.append)
    child.start()

    await until(lambda: child.n_starts == 3)
    await child.kill()

    said = out.getvalue()
    assert "with exit code 3; it is started again in 0.1 s" in said
    assert "with exit code 3; it is started again in 0.2 s" in said
    assert len(pids) == 2  # those that came after the first, before they did any work


async def test_a_child_that_stands_still_is_killed_when_it_is_to_end():
    """Nobody waits for a stopped process longer than was said."""
    child = child_of({"text": ""}, StringIO())
    child.start()
    assert await child.wait_ready(20)
    pid = child.pid
    os.kill(pid, signal.SIGSTOP)

    assert not await child.end({"do": "drain", "within_s": 0.1}, 0.1)

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)

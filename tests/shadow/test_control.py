"""Supervisor and children understand each other, however the bytes are cut."""

import asyncio
import socket

import pytest

from harness.shadow.control import Control, Lines, UnspeakableError, encode, settings_from


def test_messages_survive_any_cut():
    """Byte by byte gives what all at once gives."""
    messages = [{"do": "sample", "ppm": 250_000}, {"say": "ready"}, {"text": "zwei\nZeilen"}]
    wire = b"".join(map(encode, messages))
    lines = Lines()

    found = [one for i in range(len(wire)) for one in lines.feed(wire[i : i + 1])]

    assert found == messages == Lines().feed(wire)


@pytest.mark.parametrize("line", [b"[1]\n", b"{\n", b"\xff\n", b"7\n"])
def test_what_is_no_object_is_refused(line):
    """Nothing but objects goes down the line."""
    with pytest.raises(UnspeakableError):
        Lines().feed(line)


def test_settings_leave_the_orders_behind_them():
    """An order that came with the settings is heard by whoever listens next."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(encode({"settings": {"path": "x" * 100_000}}) + encode({"do": "drain"}))

        settings = settings_from(theirs)

        assert len(settings["path"]) == 100_000
        assert theirs.recv(100) == encode({"do": "drain"})


def test_a_supervisor_that_is_gone_is_no_settings():
    """A child whose parent died before it spoke ends with a reason."""
    ours, theirs = socket.socketpair()
    ours.close()
    with theirs, pytest.raises(UnspeakableError, match="said nothing"):
        settings_from(theirs)


async def test_a_broken_line_is_told():
    """The end of one side is heard by the other, after what was said."""
    ours, theirs = socket.socketpair()
    ready, heard, gone = asyncio.Event(), [], asyncio.Event()
    child = await Control.on(theirs, heard.append, gone.set)
    parent = await Control.on(ours, lambda message: ready.set(), lambda: None)

    child.say({"say": "ready"})
    await asyncio.wait_for(ready.wait(), 5)
    parent.say({"do": "close"})
    parent.close()

    await asyncio.wait_for(gone.wait(), 5)
    assert heard == [{"do": "close"}]

"""How the supervisor and its children speak: one JSON object a line, over a socket pair.

A child is started with the number of its end as its only argument (`python -m harness.shadow.front
7`). The first line it reads is `{"settings": {...}}`: settings hold secrets, and arguments are for
everybody to read. Then come orders, `{"do": NAME, ...}`:

    sample   {"ppm": 250000, "on": true}   share of the requests that is mirrored, and whether
                                  mirroring is switched on; while it is off the share is 0
    drain    {"within_s": 30.0}   accept nothing more, finish what is in flight, end with code 0
    close    {}                   end now, with what can be kept

A child says `{"say": NAME, ...}`:

    ready    {}                   it does its work from now on
    drained  {...}                nothing is in flight any more; it ends next
    failed   {"why": SENTENCE}    it cannot do its work and ends; a person has to hear of it

When the line breaks, the supervisor is gone: a child ends then.

The standard library alone: the front process imports this.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable, Mapping
from typing import Any, cast

Message = dict[str, Any]

MAX_LINE_BYTES = 4 << 20
"""Settings carry secrets and lists of the config, which is at most 1 MiB."""


class UnspeakableError(ValueError):
    """What came down the line is no message."""


def encode(message: Mapping[str, Any]) -> bytes:
    """One line."""
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def decode(line: bytes) -> Message:
    """One line back.

    Raises:
        UnspeakableError: It is no JSON object.
    """
    try:
        message = json.loads(line)
    except ValueError as exc:
        raise UnspeakableError(f"no JSON: {line[:80]!r}") from exc
    if not isinstance(message, dict):
        raise UnspeakableError(f"no object: {line[:80]!r}")
    return message


class Lines:
    """Bytes to messages, however they are cut."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Message]:
        """The messages that are complete now.

        Raises:
            UnspeakableError: A line is no message, or never ends.
        """
        *whole, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > MAX_LINE_BYTES:
            raise UnspeakableError(f"a line of more than {MAX_LINE_BYTES:,} bytes")
        return [decode(line) for line in whole if line]


def settings_from(control: socket.socket) -> Message:
    """The first line, waited for; what comes behind it stays in the socket.

    Raises:
        UnspeakableError: It is no settings, or the supervisor is gone.
    """
    control.setblocking(True)
    line = b""
    while not line.endswith(b"\n"):
        # Looked at before it is taken: an order behind the settings is for whoever listens next.
        seen = control.recv(65536, socket.MSG_PEEK)
        if not seen or len(line) > MAX_LINE_BYTES:
            raise UnspeakableError("the supervisor said nothing")
        end = seen.find(b"\n") + 1
        line += control.recv(end or len(seen))
    control.setblocking(False)
    message = decode(line)
    if not isinstance(message.get("settings"), dict):
        raise UnspeakableError("the first line holds no settings")
    return cast(Message, message["settings"])


class Control(asyncio.Protocol):
    """One end of the line, on a loop.

    Args:
        heard: Called with every message.
        gone: Called once when the line breaks, whoever ended it.
    """

    def __init__(self, heard: Callable[[Message], None], gone: Callable[[], None]) -> None:
        self._heard = heard
        self._gone = gone
        self._lines = Lines()
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def on(
        cls, sock: socket.socket, heard: Callable[[Message], None], gone: Callable[[], None]
    ) -> Control:
        """Listen on a connected socket."""
        sock.setblocking(False)
        loop = asyncio.get_running_loop()
        _, control = await loop.create_connection(lambda: cls(heard, gone), sock=sock)
        return control

    def say(self, message: Mapping[str, Any]) -> None:
        """Send a message; dropped when the line is broken, which `gone` tells."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(encode(message))

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        try:
            messages = self._lines.feed(data)
        except UnspeakableError:
            self.close()
            return
        for message in messages:
            self._heard(message)

    def connection_lost(self, exc: Exception | None) -> None:
        self._gone()

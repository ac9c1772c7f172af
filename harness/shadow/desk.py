"""Where the admin port comes with its wishes: `control.sock`, a line of JSON and an answer each.

    {"ask": "status"}                            what runs, and what is switched how
    {"ask": "pause", "by": WHO}                  the kill switch: nothing is mirrored any more
    {"ask": "resume", "by": WHO}
    {"ask": "sample", "rate": 0.25, "by": WHO}   the share that is mirrored
    {"ask": "reload", "by": WHO}                 the config is read anew

The answer is `{"done": true, ...}` or `{"refused": SENTENCE}`. Who may ask is for the admin port to
find out: the socket is for our own user alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from harness.shadow.control import MAX_LINE_BYTES, Message, UnspeakableError, decode, encode

Answer = Callable[[Message], Awaitable[Message]]


class Desk:
    """Listens until `close`."""

    def __init__(self, server: asyncio.Server, path: Path) -> None:
        self._server = server
        self._path = path

    @classmethod
    async def open(cls, path: Path, answer: Answer) -> Desk:
        """Listen at `path`, in the place of a socket that an earlier process left."""
        _remove(path)

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(ConnectionError, ValueError):
                while line := await reader.readline():
                    try:
                        reply = await answer(decode(line))
                    except UnspeakableError as exc:
                        reply = {"refused": str(exc)}
                    writer.write(encode(reply))
                    await writer.drain()
            writer.close()

        before = os.umask(0o177)
        try:
            server = await asyncio.start_unix_server(serve, path, limit=MAX_LINE_BYTES)
        finally:
            os.umask(before)
        return cls(server, path)

    def close(self) -> None:
        self._server.close()
        _remove(self._path)


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)

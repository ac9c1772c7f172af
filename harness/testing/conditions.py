"""Challengers that behave badly, each a server of its own: what a sidecar must not care about.

    python -m harness.testing.conditions never_reads

Answers only where the condition says so. `fast` is the good one: it echoes the body, so that a
client can tell a right answer from any other. See `CONDITIONS`.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import cast

import uvloop

from harness.testing.listener import Question, Reaction, Reply, bound, run_listener

SLOW_S = 2.0

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
_TRICKLE_EVERY_S = 0.05
_FLOOD = b"8000\r\n" + b"[" * 0x8000 + b"\r\n"
_BOMB_BYTES = 128 << 20


def _fast(question: Question, now_s: float) -> Reaction:
    return Reply(200, question.body)


def _slow(question: Question, now_s: float) -> Reaction:
    return Reply(200, question.body, now_s + SLOW_S)


class _Bad(asyncio.Protocol):
    """Takes what comes for a request, whatever it is."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """The bad thing, at the first bytes of a request."""


class _NeverCloses(_Bad):
    """Begins an answer that ends with the connection, which it never closes."""

    def data_received(self, data: bytes) -> None:
        self.transport.write(_HEAD + b'Connection: close\r\n\r\n{"answer": ')


class _Trickles(_Bad):
    """Sends its answer byte by byte."""

    _has_begun = False

    def data_received(self, data: bytes) -> None:
        if not self._has_begun:
            self._has_begun = True
            self.transport.write(_HEAD + b"Content-Length: 1000000\r\n\r\n")
            self._drip()

    def _drip(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(b" ")
            asyncio.get_running_loop().call_later(_TRICKLE_EVERY_S, self._drip)


class _Floods(_Bad):
    """Sends an answer without end, as fast as it is taken."""

    _has_begun = False
    _is_full = False

    def data_received(self, data: bytes) -> None:
        if not self._has_begun:
            self._has_begun = True
            self.transport.write(_HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
            self._pour()

    def _pour(self) -> None:
        if not self.transport.is_closing() and not self._is_full:
            self.transport.write(_FLOOD)
            asyncio.get_running_loop().call_soon(self._pour)

    def pause_writing(self) -> None:
        self._is_full = True

    def resume_writing(self) -> None:
        self._is_full = False
        self._pour()


class _Bombs(_Bad):
    """Answers with 128 KiB that unpack to 128 MiB of nested JSON."""

    def data_received(self, data: bytes) -> None:
        if data.startswith(b"POST"):
            self.transport.write(_bomb())


@cache
def _bomb() -> bytes:
    packed = gzip.compress(b"[" * _BOMB_BYTES, compresslevel=6)
    return _HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed


async def _accept(protocol: Callable[[], _Bad], listening: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    server = await loop.create_server(protocol, sock=listening, backlog=1024)
    await stopped.wait()
    server.close()


def _never_read(listening: socket.socket) -> None:
    """Accept, and take no byte: what is sent stays in the kernel, until that is full.

    An event loop would not do: it may read ahead before it is told not to.
    """
    accepted = []
    while True:
        accepted.append(listening.accept())


def _nobody(port: int, *, is_silent: bool) -> socket.socket:
    """A port that nobody serves.

    Args:
        is_silent: Whether connecting takes for ever, as to a machine that is down; it is refused
            otherwise.
    """
    listening = socket.socket()
    listening.bind(("127.0.0.1", port))
    if is_silent:
        listening.listen(0)
        filling = socket.socket()  # the one connection that the queue has room for
        filling.connect(listening.getsockname())
        _FILLING.append(filling)
    return listening


_FILLING: list[socket.socket] = []

_APPLICATIONS = {"fast": _fast, "slow": _slow}
_PROTOCOLS: dict[str, type[_Bad]] = {
    "never_closes": _NeverCloses,
    "trickling": _Trickles,
    "flooding": _Floods,
    "bomb": _Bombs,
}

CONDITIONS = ("fast", "down", "refusing", "slow", "never_reads", *_PROTOCOLS)
"""`fast` and `slow` (2 s) echo; `down` lets connecting hang, `refusing` refuses it; the others
accept and then do what their name says."""


def serve(condition: str, port: int) -> None:
    """Behave like that until SIGTERM; prints the port first.

    Raises:
        UsageError: The port is taken.
    """
    if condition in ("down", "refusing"):
        listening = _nobody(port, is_silent=condition == "down")
        print(listening.getsockname()[1], flush=True)
        signal.pause()
        return
    if condition == "bomb":
        _bomb()  # takes a second to pack
    listening = bound(port)
    print(listening.getsockname()[1], flush=True)
    if condition == "never_reads":
        _never_read(listening)
    elif condition in _APPLICATIONS:
        uvloop.run(run_listener(_APPLICATIONS[condition], listening))
    else:
        uvloop.run(_accept(_PROTOCOLS[condition], listening))


@contextmanager
def condition(name: str, *, before: Sequence[str] = ()) -> Iterator[str]:
    """A server in a process of its own that behaves like that; its base URL.

    Args:
        before: Words that the command begins with, such as `taskset -c 1`.
    """
    with subprocess.Popen(
        [*before, sys.executable, "-m", "harness.testing.conditions", name],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of `python -m harness.testing.conditions`."""
    parser = argparse.ArgumentParser(
        prog="python -m harness.testing.conditions",
        description="Serve on 127.0.0.1, badly.",
        epilog="example: python -m harness.testing.conditions slow",
    )
    parser.add_argument("condition", choices=CONDITIONS)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    chosen = parser.parse_args(arguments)
    serve(chosen.condition, chosen.port)
    return 0


if __name__ == "__main__":
    sys.exit(main())

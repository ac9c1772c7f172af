"""A TCP proxy that spoils connections: late, cut off, garbled, stalled, reset, by the seed.

    python -m harness.testing.chaos 127.0.0.1:9001 --seed 7 --share 0.3

Which connection meets which fault, and after how many bytes, is drawn from the seed and the
connection's number, so that the same traffic meets the same faults again. Faults hit what the
server says, or what the client says; both ends see what a bad network or a bad peer would show
them.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum

from harness.testing.listener import bound

_PIECE_BYTES = 64 * 1024
_RESET = struct.pack("ii", 1, 0)  # struct linger: on, no time


class Fault(StrEnum):
    """What happens to one direction of a connection, once so many bytes have passed."""

    NONE = "none"
    DELAY = "delay"  # each piece comes `delay_s` later
    RESET = "reset"  # both ends see a reset
    TRUNCATION = "truncation"  # both ends are closed in good order, in the middle
    GARBAGE = "garbage"  # bytes are replaced by others
    STALL = "stall"  # nothing more comes, and nothing closes
    TRICKLE = "trickle"  # what is left comes byte by byte


FAULTS = tuple(fault for fault in Fault if fault is not Fault.NONE)


@dataclass(frozen=True, slots=True)
class Fate:
    """What one connection meets.

    Attributes:
        after_bytes: How much passes unharmed.
        in_answers: Whether the server's side is hit; the client's otherwise.
    """

    fault: Fault = Fault.NONE
    after_bytes: int = 0
    in_answers: bool = True


@dataclass(frozen=True, slots=True)
class Chaos:
    """How bad it is.

    Attributes:
        share: Of connections that meet a fault.
        faults: Among which is drawn.
        within_bytes: A fault comes before that many bytes have passed.
    """

    seed: int = 0
    share: float = 0.3
    faults: tuple[Fault, ...] = FAULTS
    within_bytes: int = 4096
    delay_s: float = 0.2
    trickle_every_s: float = 0.02

    def fate(self, number: int) -> Fate:
        """What connection `number` meets.

        Examples:
            >>> Chaos(seed=3).fate(5) == Chaos(seed=3).fate(5)
            True
        """
        draw = random.Random(f"{self.seed}/{number}")
        if draw.random() >= self.share:
            return Fate()
        return Fate(
            draw.choice(self.faults), draw.randrange(self.within_bytes), draw.random() < 0.75
        )


class ChaosProxy:
    """Leads connections to `upstream`, as fate will have it."""

    def __init__(self, upstream: tuple[str, int], chaos: Chaos) -> None:
        self._upstream = upstream
        self._chaos = chaos
        self._n_connections = 0
        self._open: set[asyncio.Task[None]] = set()

    async def run(self, listening: socket.socket) -> None:
        """Serve until SIGTERM or SIGINT."""
        loop = asyncio.get_running_loop()
        stopped = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopped.set)
        server = await asyncio.start_server(self._lead, sock=listening, backlog=1024)
        await stopped.wait()
        server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        self._n_connections += 1
        fate = self._chaos.fate(self._n_connections)
        try:
            await self._carry(reader, writer, fate)
        finally:
            self._open.discard(task)

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, fate: Fate
    ) -> None:
        with suppress(OSError):
            there, back = await asyncio.open_connection(*self._upstream)
            unharmed = Fate()
            answers, asks = (fate, unharmed) if fate.in_answers else (unharmed, fate)
            ways = [
                asyncio.create_task(self._pass_on(reader, back, asks, writer)),
                asyncio.create_task(self._pass_on(there, writer, answers, back)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
                back.close()
        writer.close()

    async def _pass_on(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        fate: Fate,
        other: asyncio.StreamWriter,
    ) -> None:
        """One direction, to its end."""
        n_left = fate.after_bytes if fate.fault is not Fault.NONE else None
        while data := await source.read(_PIECE_BYTES):
            if n_left is None:
                sink.write(data)
            else:
                whole, hurt = data[:n_left], data[n_left:]
                n_left -= len(whole)
                sink.write(whole)
                if hurt and not await self._hurt(fate.fault, hurt, sink, other):
                    return
            await sink.drain()

    async def _hurt(
        self, fault: Fault, data: bytes, sink: asyncio.StreamWriter, other: asyncio.StreamWriter
    ) -> bool:
        """Do it to the bytes that come after the unharmed ones; whether it goes on after that."""
        match fault:
            case Fault.DELAY:
                await asyncio.sleep(self._chaos.delay_s)
                sink.write(data)
            case Fault.GARBAGE:
                sink.write(bytes(byte ^ 0x55 for byte in data))
            case Fault.TRICKLE:
                for byte in data:
                    sink.write(bytes((byte,)))
                    await asyncio.sleep(self._chaos.trickle_every_s)
            case Fault.STALL:
                await asyncio.get_running_loop().create_future()
            case Fault.RESET:
                for writer in (sink, other):
                    sock = writer.get_extra_info("socket")
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                    writer.transport.abort()
                return False
            case Fault.TRUNCATION | Fault.NONE:
                return False
        return True


@contextmanager
def chaos_before(upstream: str, chaos: Chaos = Chaos()) -> Iterator[str]:
    """A proxy before a base URL, in a process of its own; the proxy's base URL."""
    words = ["--seed", str(chaos.seed), "--share", str(chaos.share)]
    words += ["--within-bytes", str(chaos.within_bytes)]
    words += [word for fault in chaos.faults for word in ("--fault", fault)]
    with subprocess.Popen(
        [sys.executable, "-m", "harness.testing.chaos", upstream.rpartition("//")[2], *words],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of `python -m harness.testing.chaos`: prints its port first."""
    parser = argparse.ArgumentParser(
        prog="python -m harness.testing.chaos",
        description="A TCP proxy that spoils a share of its connections.",
        epilog="example: python -m harness.testing.chaos 127.0.0.1:9001 --seed 7",
    )
    parser.add_argument("upstream", help="address and port")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--share", type=float, default=0.3, help="of connections that are spoilt")
    parser.add_argument("--within-bytes", type=int, default=4096, help="a fault comes before that")
    parser.add_argument("--fault", action="append", choices=[*FAULTS], help="all of them if none")
    chosen = parser.parse_args(arguments)
    host, _, port = chosen.upstream.rpartition(":")
    faults = tuple(map(Fault, chosen.fault)) if chosen.fault else FAULTS
    chaos = Chaos(chosen.seed, chosen.share, faults, chosen.within_bytes)
    listening = bound(chosen.port)
    print(listening.getsockname()[1], flush=True)
    asyncio.run(ChaosProxy((host, int(port)), chaos).run(listening))
    return 0


if __name__ == "__main__":
    sys.exit(main())

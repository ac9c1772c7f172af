"""The mirror's end of the link: fronts connect, frames come out.

What comes is read as fast as this process runs: a mirror that is behind shows as a full socket at
the fronts, which then shed. After some frames the loop gets its turn, so that answers are read in
between: a burst must not look as if all of it had been in flight at once. Meanwhile no more is
read. How much may wait for halves is for whoever takes the frames to decide.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, cast

from harness.traffic import framing
from harness.traffic.framing import Bye, ChampionFrame, FrameError, FrameReader, Hello, Lost
from harness.traffic.framing import RequestFrame as RequestHalf

_AT_ONCE = 8
"""Frames between two turns of the loop: a millisecond of work at most."""


class FrontEvents(Protocol):
    """Who is told what fronts say."""

    def hello(self, front: str, n_offered: int) -> None:
        """A front is there, with so many requests handed over before this connection."""
        ...

    def request(self, front: str, frame: RequestHalf) -> None: ...

    def champion(self, front: str, frame: ChampionFrame) -> None: ...

    def lost(self, front: str, number: int) -> None: ...

    def gone(self, front: str, *, said_bye: bool) -> None:
        """The connection is over; `said_bye` when the front ended it in order."""
        ...


class Intake:
    """Listens for fronts.

    Args:
        path: Of the socket.
        max_frame_bytes: A larger frame ends its connection.
        refused: Told, with one line, of a connection that was ended for what it said.
    """

    def __init__(
        self,
        path: Path,
        *,
        max_frame_bytes: int,
        refused: Callable[[str], None],
    ) -> None:
        self._path = path
        self._events: FrontEvents | None = None
        self._max_frame_bytes = max_frame_bytes
        self._refused = refused
        self._server: asyncio.Server | None = None
        self._lines: set[_Line] = set()

    @property
    def n_connected(self) -> int:
        return len(self._lines)

    async def open(self, events: FrontEvents) -> None:
        """Listen, in the place of a mirror that may have listened there before.

        Args:
            events: Told in the order in which a front spoke.

        Raises:
            OSError: The socket cannot be made.
        """
        self._events = events
        beside = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        beside.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listener.bind(str(beside))
            beside.chmod(0o600)
            self._server = await asyncio.get_running_loop().create_unix_server(
                self._line, sock=listener
            )
        except BaseException:
            listener.close()
            raise
        beside.replace(self._path)  # there is no moment in which nobody can be found

    def acknowledge(self, front: str, n_settled: int) -> None:
        """Tell a front how many of its requests are settled; nothing if it is not connected."""
        for line in self._lines:
            if line.front == front:
                line.say(framing.ack(n_settled))

    async def close(self) -> None:
        """Take no more connections, and end those that are open."""
        if self._server is not None:
            self._server.close()
        for line in list(self._lines):
            line.end()

    def _line(self) -> _Line:
        return _Line(self)

    def came(self, line: _Line) -> None:
        self._lines.add(line)

    def heard(self, line: _Line, frame: framing.Frame) -> None:
        """Pass a frame on.

        Raises:
            FrameError: A front spoke out of turn.
        """
        events, front = self._events, line.front
        assert events is not None
        if isinstance(frame, RequestHalf) and front is not None:
            events.request(front, frame)
        elif isinstance(frame, ChampionFrame) and front is not None:
            events.champion(front, frame)
        elif isinstance(frame, Lost) and front is not None:
            events.lost(front, frame.number)
        elif isinstance(frame, Bye) and front is not None:
            line.said_bye = True
        elif isinstance(frame, Hello) and front is None:
            line.front = frame.front
            events.hello(frame.front, frame.n_offered)
        else:
            raise FrameError(f"is a {type(frame).__name__} out of turn")

    def refuse(self, line: _Line, why: str) -> None:
        self._refused(f"front {line.front or 'unnamed'}: what it sent {why}")

    def went(self, line: _Line) -> None:
        self._lines.discard(line)
        if line.front is not None and self._events is not None:
            self._events.gone(line.front, said_bye=line.said_bye)

    @property
    def max_frame_bytes(self) -> int:
        return self._max_frame_bytes


class _Line(asyncio.Protocol):
    """One front's connection."""

    def __init__(self, intake: Intake) -> None:
        self.front: str | None = None
        self.said_bye = False
        self._intake = intake
        self._reader = FrameReader(intake.max_frame_bytes)
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()
        self._frames: deque[framing.Frame] = deque()
        self._is_over = self._is_lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._intake.came(self)

    def data_received(self, data: bytes) -> None:
        try:
            frames = self._reader.feed(data)
        except FrameError as exc:
            self._intake.refuse(self, str(exc))
            self.end()
            return
        is_taking = bool(self._frames)
        self._frames.extend(frames)
        if not is_taking:
            self._take()

    def eof_received(self) -> bool:
        self._is_over = True
        if not self._frames:
            self._end_in_order()
        return True  # it stays open until all that it said is taken

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_lost = True
        if not self._frames:
            self._intake.went(self)

    def say(self, frame: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(frame)

    def end(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _take(self) -> None:
        """Pass some frames on; the rest after the loop's next turn."""
        frames = self._frames
        try:
            for _ in range(min(_AT_ONCE, len(frames))):
                self._intake.heard(self, frames[0])
                frames.popleft()
        except FrameError as exc:
            frames.clear()
            self._intake.refuse(self, str(exc))
            self.end()
        except Exception:
            # A bug of ours: the loop tells of it. The front begins anew, and what it had handed
            # over is accounted for then.
            frames.clear()
            self.end()
            raise
        if frames:
            self._read_on(False)
            self._loop.call_soon(self._take)
        elif self._is_lost:
            self._intake.went(self)
        elif self._is_over:
            self._end_in_order()
        else:
            self._read_on(True)

    def _end_in_order(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _read_on(self, wanted: bool) -> None:
        transport = self._transport
        if transport is None or transport.is_closing() or transport.is_reading() is wanted:
            return
        if wanted:
            transport.resume_reading()
        else:
            transport.pause_reading()

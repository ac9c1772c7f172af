"""One end of the way through: a socket that is written to at once and never buffers much.

A plain connection writes to its socket itself: uvloop defers a transport's writes to the end of the
loop's round, and handing a copy to the mirror would come first. The transport gets what the socket
did not take. TLS has to go through the transport.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from typing import cast

# What may wait in a transport until the other side is told to stop. uvloop reads up to 256 KiB at a
# time, so this much and one reading is the most that a connection holds in one direction.
_HIGH_WATER_BYTES = 64 * 1024

_RESET = struct.pack("ii", 1, 0)  # struct linger: on, no time


class Stream(asyncio.Protocol):
    """What client and champion connections have in common.

    Attributes:
        is_congested: Whether the peer does not take what is written as fast as it comes.
        is_lost: Whether the connection is gone.
    """

    __slots__ = ("_fd", "_is_paused", "_is_queued", "is_congested", "is_lost", "transport")

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self._fd = -1
        self._is_paused = False
        self._is_queued = False
        self.is_congested = False
        self.is_lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(_HIGH_WATER_BYTES)
        if transport.get_extra_info("ssl_object") is None:
            self._fd = transport.get_extra_info("socket").fileno()

    def write(self, data: bytes) -> bool:
        """Write all of it, now or when the peer takes it; False when the peer is gone.

        After False nothing of `data` was sent.
        """
        transport = self.transport
        if transport is None or transport.is_closing():
            return False
        if self._is_queued:
            self._is_queued = transport.get_write_buffer_size() > 0
        if self._fd < 0 or self._is_queued:
            transport.write(data)
            self._is_queued = True
            return True
        try:
            n_sent = os.write(self._fd, data)
        except (BlockingIOError, InterruptedError):
            n_sent = 0
        except OSError:
            return False
        if n_sent < len(data):
            transport.write(memoryview(data)[n_sent:])
            self._is_queued = True
        return True

    def n_unsent(self) -> int:
        """Bytes that the peer has not taken yet."""
        if self.transport is None or not self._is_queued:
            return 0
        return self.transport.get_write_buffer_size()

    def pause(self) -> None:
        """Read nothing more until `resume`."""
        if not self._is_paused and self.transport is not None:
            self._is_paused = True
            self.transport.pause_reading()

    def resume(self) -> None:
        if self._is_paused and self.transport is not None:
            self._is_paused = False
            if not self.transport.is_closing():
                self.transport.resume_reading()

    @property
    def is_paused(self) -> bool:
        return self._is_paused

    def close(self) -> None:
        """Close in good order, when all is written."""
        if self.transport is not None:
            self.transport.close()

    def abort(self) -> None:
        """Close at once; nothing more is read or written."""
        if self.transport is not None:
            self.transport.abort()

    def reset(self) -> None:
        """Close at once and let the peer see that it was not in good order."""
        if self.transport is not None:
            sock = self.transport.get_extra_info("socket")
            if sock is not None and not self.transport.is_closing():
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self.transport.abort()

    def pause_writing(self) -> None:
        self.is_congested = True

    def resume_writing(self) -> None:
        self.is_congested = False

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_lost = True
        self._fd = -1  # the number may be somebody else's from here on
        self.transport = None

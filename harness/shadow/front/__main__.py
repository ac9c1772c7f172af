"""A front process: `python -m harness.shadow.front CONTROL_FD` (see `harness.shadow.control`)."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
import time
from pathlib import Path

import uvloop

from harness.errors import HarnessError
from harness.shadow.control import Control, Message, UnspeakableError, settings_from
from harness.shadow.front.counters import NAMES
from harness.shadow.front.server import Front
from harness.shadow.front.settings import FrontSettings
from harness.shadow.gauges import Page
from harness.shadow.link import Link

_MIRROR_WITHIN_S = 0.5


async def serve(settings: FrontSettings, control_socket: socket.socket) -> int:
    """Serve until told to end, or until whoever tells is gone; return the exit code."""
    orders: asyncio.Queue[Message] = asyncio.Queue()
    control = await Control.on(
        control_socket, orders.put_nowait, lambda: orders.put_nowait({"do": "close"})
    )
    page = Page.create(Path(settings.page_path), NAMES)
    link = Link(settings.link, page) if settings.link is not None else None
    front = Front(settings, page, link)
    try:
        await front.start([socket.socket(fileno=fd) for fd in settings.listen_fds])
    except (HarnessError, OSError) as exc:
        control.say({"say": "failed", "why": str(exc)})
        return 1
    if link is not None:
        link.start()
        page.cells[page.index("mirroring_on")] = link.is_mirroring
        await link.wait_connected(_MIRROR_WITHIN_S)  # the first requests are not lost to it
    control.say({"say": "ready"})
    within_s = await _until_the_end(orders, link, page)
    end_s = time.perf_counter() + within_s
    is_finished = await front.drain(within_s) if within_s else False
    front.close()
    if link is not None:
        await asyncio.sleep(0)  # the connections that were closed tell how their exchanges ended
        await link.finish(max(end_s - time.perf_counter(), 1.0))
    control.say({"say": "drained", "in_time": is_finished})
    control.close()
    return 0


async def _until_the_end(orders: asyncio.Queue[Message], link: Link | None, page: Page) -> float:
    """Follow orders until one of them ends us; return how long that may take, seconds."""
    while True:
        match await orders.get():
            case {"do": "sample", "ppm": int(ppm), "on": bool(is_on)} if link is not None:
                link.sample(ppm)
                page.cells[page.index("mirroring_on")] = is_on
            case {"do": "drain", "within_s": int() | float() as within_s}:
                return float(within_s)
            case {"do": "close"}:
                return 0.0


def main() -> int:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: the supervisor decides
    control_socket = socket.socket(fileno=int(sys.argv[1]))
    try:
        settings = FrontSettings.from_mapping(settings_from(control_socket))
    except UnspeakableError as exc:
        print(f"front: {exc}", file=sys.stderr)
        return 1
    return uvloop.run(serve(settings, control_socket))


if __name__ == "__main__":
    sys.exit(main())

"""Leave the demo's servers running, and say how to reach them."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

from harness.demo.config import name_of, running_servers
from harness.demo.models import MODELS
from harness.demo.servers import running


def serve_all(say: Callable[[str], None], show: Callable[[str], None]) -> None:
    """Start all five servers, show a config that asks them, and wait for SIGINT or SIGTERM.

    Args:
        say: Takes what is for the person who watches.
        show: Takes the config, once, when every server answers.

    Raises:
        UnreachableError: A server did not start.
    """
    try:
        asyncio.run(_serve_all(say, show))
    except (KeyboardInterrupt, asyncio.CancelledError):
        say("Stopped.")


async def _serve_all(say: Callable[[str], None], show: Callable[[str], None]) -> None:
    # SIGINT too: a shell starts what runs in the background with it ignored.
    everything = asyncio.current_task()
    assert everything is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, everything.cancel)
    async with running(MODELS) as urls:
        for model, url in urls.items():
            say(f"{url}  {name_of(model)}")
        show(running_servers(urls))
        say("They run until Ctrl-C.")
        await asyncio.Event().wait()

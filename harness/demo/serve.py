"""Leave the demo's servers running, and say how to reach them."""

from __future__ import annotations

import signal
from collections.abc import Callable
from contextlib import ExitStack, suppress
from types import FrameType

from harness.demo.config import name_of, running_servers
from harness.demo.models import MODELS
from harness.demo.server import starting


def serve_all(say: Callable[[str], None], show: Callable[[str], None]) -> None:
    """Start all five servers, show a config that asks them, and wait for SIGINT or SIGTERM.

    Args:
        say: Takes what is for the person who watches.
        show: Takes the config, once, when every server answers.

    Raises:
        UnreachableError: A server did not start.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    # An interrupt ends the wait, or the start-up, and the stack ends what has been started.
    with suppress(KeyboardInterrupt), ExitStack() as running:
        servers = [running.enter_context(starting(model)) for model in MODELS]
        urls = {server.model: server.url() for server in servers}
        for model, url in urls.items():
            say(f"{url}  {name_of(model)}")
        show(running_servers(urls))
        say("They run until Ctrl-C.")
        while True:
            signal.pause()


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt

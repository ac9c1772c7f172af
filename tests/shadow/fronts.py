"""A front process of its own, for tests: started with settings, spoken to by its control line."""

import json
import os
import socket
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from harness.shadow.control import Lines
from harness.shadow.front.settings import FrontSettings, Upstream
from harness.shadow.gauges import Page


@dataclass
class FrontProcess:
    """A running front.

    Attributes:
        port: Where clients connect.
        settings: What it was started with.
    """

    process: subprocess.Popen
    control: socket.socket
    port: int
    settings: FrontSettings

    def counts(self) -> dict[str, int]:
        page = Page.open(Path(self.settings.page_path))
        try:
            return page.snapshot()
        finally:
            page.close()

    def order(self, message: dict) -> None:
        self.control.sendall(json.dumps(message).encode() + b"\n")

    def hear(self) -> dict:
        """The next thing it says."""
        lines = Lines()
        while True:
            data = self.control.recv(65536)
            assert data, "the front ended without a word"
            for message in lines.feed(data):
                return message

    def stop(self) -> None:
        self.control.close()
        self.process.wait(10)


def start_front(folder: Path, upstream_port: int, **settings) -> FrontProcess:
    """Start a front on a free port before the champion at `upstream_port`."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=256)
    chosen = FrontSettings(
        front_id="1-test",
        listen_fds=(listening.fileno(),),
        upstream=Upstream("127.0.0.1", upstream_port),
        page_path=str(folder / "front-1-test.page"),
    )
    chosen = replace(chosen, **settings)
    ours, theirs = socket.socketpair()
    process = subprocess.Popen(
        [sys.executable, "-m", "harness.shadow.front", str(theirs.fileno())],
        pass_fds=(theirs.fileno(), listening.fileno()),
        env={**os.environ, "PYTHONUTF8": "1"},
    )
    theirs.close()
    port = listening.getsockname()[1]
    listening.close()
    ours.settimeout(20)
    ours.sendall(json.dumps({"settings": chosen.to_mapping()}).encode() + b"\n")
    front = FrontProcess(process, ours, port, chosen)
    said = front.hear()
    assert said == {"say": "ready"}, said
    return front

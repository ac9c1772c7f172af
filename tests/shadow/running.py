"""A sidecar as a user runs it: the real program, in front of real servers."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from harness.shadow.gauges import Page
from harness.testing.task import TARGET

TRUTH = """\
truth:
  champion: {latency_s: {kind: constant, value: 0.002}, accuracy: 0.9}
  challenger: {like: champion}
"""

CONFIG = """\
champion: {{name: old, url: "{champion}", timeout: 2s}}
{challengers}
cluster: header:x-user-id
output: {{label: $.label}}
compare: [{{name: label, path: $.label, as: label}}]
capture:
  listen: 127.0.0.1:0
  admin: 127.0.0.1:0
  runtime_dir: rt
  methods: [POST]
  mirror_priority: normal            # other tests keep the machine busy
  drain: 10s
{capture}
policy: {{rules: [{{not_worse: failure_rate, margin: 0.2}}]}}
"""


@contextmanager
def deployment(folder, role):
    """A synthetic deployment; its base URL."""
    truth = folder / "truth.yaml"
    truth.write_text(TRUTH)
    words = ["--truth", str(truth), "--role", role]
    with subprocess.Popen(
        [sys.executable, "-m", "harness.testing.deployment", *words],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().split()[-1].rpartition(':')[2]}"
        finally:
            process.kill()


class Running:
    """One `harness shadow`.

    Attributes:
        said: What it has logged, so far as it was read.
    """

    def __init__(self, folder: Path, config: str, *words: str) -> None:
        self.folder, self.config = folder, folder / "harness.yaml"
        self.config.write_text(config)
        self._stderr = folder / f"stderr{len([*folder.glob('stderr*')])}.txt"
        with self._stderr.open("ab") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "harness", "shadow", str(self.config), *words],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stderr=stderr,
            )

    @property
    def said(self) -> list[dict]:
        lines = self._stderr.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def until(self, condition, within_s=60.0):
        """Wait for something that other processes bring about; what it was."""
        end_s = time.monotonic() + within_s
        while time.monotonic() < end_s:
            if found := condition():
                return found
            assert self.process.poll() is None, self._stderr.read_text()
            time.sleep(0.02)
        raise AssertionError(f"in vain: {self._stderr.read_text()}")

    def event(self, name):
        """The first thing it says under that name."""
        return self.until(lambda: next((o for o in self.said if o["event"] == name), None))

    @property
    def port(self) -> int:
        return int(self.event("ready")["listening"].rpartition(":")[2])

    @property
    def run(self) -> Path:
        return self.folder / self.event("ready")["run"]

    def desk(self, **asked):
        """Ask the supervisor as the admin port does."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(str(self.folder / "rt" / "control.sock"))
            sock.sendall(json.dumps(asked).encode() + b"\n")
            return json.loads(sock.makefile().readline())

    def pid_of(self, child: str) -> int | None:
        """Of a child that does its work; None while it does not."""
        children = {one["name"]: one for one in self.desk(ask="status")["children"]}
        return children[child]["pid"] if children[child]["ready"] else None

    def signal(self, child: str, number: int) -> None:
        os.kill(self.until(lambda: self.pid_of(child)), number)

    def replaced(self, child: str, pid: int) -> None:
        """Wait until another process does the work of one that was killed."""
        self.until(lambda: (now := self.pid_of(child)) is not None and now != pid)

    def ask(self, numbers, port=None) -> int:
        """Ask one question for each number over one connection; how many were answered right."""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=20)
        n_right = 0
        for number in numbers:
            body = json.dumps({"numbers": [number], "source": "web"})
            headers = {"Content-Type": "application/json", "X-User-Id": f"user-{number % 7}"}
            connection.request("POST", TARGET, body, headers)
            answer = connection.getresponse()
            n_right += answer.status == 200 and "label" in json.loads(answer.read())
        connection.close()
        return n_right

    def end(self, within_s=40.0) -> int:
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(within_s)

    def connected(self) -> None:
        """Wait until every front there is has found the mirror."""
        self.event("ready")
        self.until(lambda: all(one["link_connected"] for one in self._pages()))

    def _pages(self) -> list[dict]:
        paths = (self.folder / "rt" / "pages").glob("front-*.page")
        return [Page.open(path).snapshot() for path in paths]

    def counted(self) -> dict:
        """The conservation sum of `new` as it stands with the run; nothing before the first."""
        path = self.run / "losses.json"
        nothing = {"received": 0, "paired": 0}
        return json.loads(path.read_text()).get("new", nothing) if path.exists() else nothing

    @property
    def losses(self) -> dict:
        return json.loads((self.run / "losses.json").read_text())


@contextmanager
def sidecar(folder, config, *words):
    """A sidecar that is gone in the end, whatever happens."""
    running = Running(folder, config, *words)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
            running.process.wait()


def config_for(champion, challenger=None, capture=""):
    named = f'challengers: [{{name: new, url: "{challenger}"}}]' if challenger else ""
    text = CONFIG.format(champion=champion, challengers=named, capture=capture)
    return text if challenger else text.partition("policy:")[0]

"""The whole sidecar, its processes killed: users notice nothing, and every request is found."""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import polars as pl
import pytest

pytestmark = [pytest.mark.process, pytest.mark.timeout(90)]


class Model(BaseHTTPRequestHandler):
    """Answers 7, on connections that stay."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        body = b'{"label": 7}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def model():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


CONFIG = """
champion: {{name: champion, url: "http://127.0.0.1:{port}"}}
challengers:
  - {{name: knn, url: "http://127.0.0.1:{port}"}}
  - {{name: half, url: "http://127.0.0.1:{port}", sample: 0.5}}
output: {{label: $.label}}
capture: {{listen: "127.0.0.1:0", admin: "127.0.0.1:0", methods: [POST], drain: 10s}}
policy: {{rules: [{{not_worse: failure_rate, margin: 0.02}}]}}
"""

SAME_TWICE = """
champion: {{name: champion, url: "http://127.0.0.1:{port}"}}
challengers: [{{name: twin, url: "http://127.0.0.1:{port}"}}]
repeat: {{rate: 0.5}}
capture: {{listen: "127.0.0.1:0", admin: "127.0.0.1:0", methods: [POST], drain: 10s}}
policy:
  min_duration: 1s
  min_pairing_rate: 0.01
  rules:
    - {{not_worse: failure_rate, margin: 0.02}}
    - {{not_worse: latency_s.p95, margin: 2ms}}
    - {{not_worse: latency_s.mean, margin: 20%}}
"""


class Sidecar:
    """`harness shadow`, running in a folder of its own."""

    def __init__(self, folder: Path, port: int, config: str = CONFIG) -> None:
        (folder / "harness.yaml").write_text(config.format(port=port))
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-m", "harness", "shadow", "harness.yaml"],
            cwd=folder,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.said = []
        ready = next(one for one in self._says() if one["event"] == "ready")
        self.port = int(ready["listening"].rpartition(":")[2])
        self.run = folder / ready["run"]
        threading.Thread(target=lambda: self.said.extend(self._says()), daemon=True).start()

    def _says(self):
        for line in self.process.stderr:
            if line.startswith("{"):
                yield json.loads(line)

    def pid_of(self, module: str) -> int | None:
        """The child that runs a module, if there is one now."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        for pid in children.read_text().split():
            try:
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            except FileNotFoundError:
                continue
            if module.encode() in words:
                return int(pid)
        return None

    def kill(self, module: str) -> None:
        """SIGKILL to that child; returns when another one is in its place."""
        killed = self.pid_of(module)
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: self.pid_of(module) not in (None, killed))

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(40) == 0


def wait_until(condition) -> None:
    end_s = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end_s, "it did not come to that"
        time.sleep(0.02)


class Users:
    """Ask one after the other on each of some connections, until told to stop."""

    def __init__(self, port: int, n: int) -> None:
        self.port = port
        self.n_answered = self.n_broken = 0
        self.statuses = set()
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._ask) for _ in range(n)]
        for thread in self._threads:
            thread.start()

    def _ask(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        while not self._stop.is_set():
            try:
                connection.request("POST", "/predict", b'{"x": 1}')
                answer = connection.getresponse()
                answer.read()
            except (http.client.HTTPException, OSError):
                connection.close()  # its front was killed: what was underway is broken off
                with self._lock:
                    self.n_broken += 1
                continue
            with self._lock:
                self.n_answered += 1
                self.statuses.add(answer.status)
            self._stop.wait(0.002)
        connection.close()

    def ask_more(self, n: int) -> None:
        goal = self.n_answered + n
        wait_until(lambda: self.n_answered >= goal)

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def test_a_killed_mirror_and_a_killed_front_leave_every_request_accounted_for(tmp_path, model):
    """No user sees the mirror die; in the end nothing is pending and every pair is a row."""
    sidecar = Sidecar(tmp_path, model)
    users = Users(sidecar.port, 4)
    try:
        users.ask_more(200)
        sidecar.kill("harness.cli.live.mirror")
        users.ask_more(200)
        n_broken_by_the_mirror = users.n_broken
        wait_until(lambda: losses(sidecar.run)["knn"]["paired"] > 250)
        sidecar.kill("harness.shadow.front")
        users.ask_more(200)
    finally:
        users.stop()
        sidecar.stop()

    assert n_broken_by_the_mirror == 0
    assert users.statuses == {200}
    counts = losses(sidecar.run)
    for name, one in counts.items():
        rows = pl.scan_parquet(sidecar.run / f"pairs/challenger={name}/*.parquet").collect()
        assert one["holds"], name
        assert one["pending"] == 0, name
        assert one["paired"] == len(rows) == rows["entry_key"].n_unique(), name
        assert one["received"] >= users.n_answered, name
    assert counts["knn"]["losses"].get("mirror_down", 0) > 0
    assert 0 < counts["half"]["losses"]["sampled_out"] < counts["half"]["received"]
    assert set(counts["knn"]["losses"]) <= {
        "mirror_down", "front_down", "client_gone", "shed_link"
    }  # fmt: skip


HOG = """
import time
while True:
    end_s = time.monotonic() + 0.06
    while time.monotonic() < end_s:
        pass
    time.sleep(0.02)
"""


def test_a_starved_mirror_claims_no_harm(tmp_path, model):
    """The challenger is the champion. Whatever a mirror that gets no core sees is not its latency,
    and what it did not read in time no failure of its."""
    sidecar = Sidecar(tmp_path, model, SAME_TWICE)
    mirror = sidecar.pid_of("harness.cli.live.mirror")
    core = {max(os.sched_getaffinity(0))}
    os.sched_setaffinity(mirror, core)
    users = Users(sidecar.port, 4)
    with subprocess.Popen([sys.executable, "-c", HOG]) as hog:
        os.sched_setaffinity(hog.pid, core)
        try:
            users.ask_more(300)
        finally:
            hog.kill()
            users.stop()
            sidecar.stop()

    (verdict,) = judged(sidecar)["challengers"]
    assert verdict["baseline"] == "repeat"
    assert "fail" not in {finding["status"] for finding in verdict["findings"]}
    assert users.statuses == {200}


def judged(sidecar: Sidecar) -> dict:
    command = [sys.executable, "-m", "harness", "gate", str(sidecar.run), "--json"]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    return json.loads(done.stdout)


def losses(run: Path) -> dict:
    return json.loads((run / "losses.json").read_bytes())

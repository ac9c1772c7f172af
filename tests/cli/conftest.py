"""A real server, a log and a config for it, and a way to call the program."""

import json
import os
import random
import subprocess
import sys
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from harness.cli import main
from tests.transport.raw_server import RawServer

ROOT = Path(__file__).parents[2]


class Answering(BaseHTTPRequestHandler):
    """Says whether a number is odd; a `wrong` one the opposite. `wordy`, `fails`: as they say.

    A `fickle` one says the opposite in a fifth of its calls, and not always of the same number.
    """

    protocol_version = "HTTP/1.1"
    wbufsize = 2**20  # head and body in one packet: two of them cost a delayed acknowledgement

    def do_POST(self):
        content = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            body = json.loads(content)
        except (ValueError, RecursionError):
            self.answer(400, {"error": "no JSON I can read"})
            return
        self.server.seen.append((self.path, dict(self.headers.items()), body))
        self.server.pause.wait(self.server.takes_s)
        is_odd = bool(body["n"] % 2) != (self.server.kind == "wrong")
        if self.server.kind == "fickle":
            is_odd ^= self.server.dice.random() < 0.2
        answer = {"label": "odd" if is_odd else "even", "score": body["n"] / 1000}
        if self.server.kind == "wordy":
            answer["because"] = random.Random(body["n"]).randbytes(1_000).hex()
        self.answer(503 if self.server.kind == "fails" else 200, answer)

    def answer(self, status, document):
        content = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        """Keep the tests' output quiet."""


@dataclass
class Server:
    url: str
    seen: list


class Listening(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


@pytest.fixture
def serve():
    """Start servers on free ports; all are stopped at the end."""
    running = []

    def start(kind="right", *, takes_s=0.0):
        server = Listening(("127.0.0.1", 0), Answering)
        server.kind, server.takes_s, server.seen = kind, takes_s, []
        server.pause, server.dice = threading.Event(), random.Random(server.server_port)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        running.append((server, thread))
        return Server(f"http://127.0.0.1:{server.server_port}", server.seen)

    yield start
    for server, thread in running:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def serve_raw():
    """Start servers that do what the given function does with each connection."""
    servers = []

    def start(behave, **options):
        servers.append(RawServer(behave, **options))
        return Server(f"http://127.0.0.1:{servers[-1].port}", servers[-1].peers)

    yield start
    for server in servers:
        server.close()


def entry(n, *, answer=True, users=40, gap_s=0.001):
    """One line of a harness log: asks about `n`, knows the truth."""
    label = "odd" if n % 2 else "even"
    line = {
        "format": 1,
        "id": f"e{n}",
        "at": f"2025-06-01T12:00:{n * gap_s:012.9f}Z",
        "method": "POST",
        "target": "/predict",
        "headers": [
            ["Host", "recorded.example"],
            ["Content-Type", "application/json"],
            ["X-User-Id", f"u{n % users}"],
            ["Authorization", "Bearer of-the-client"],
        ],
        "body": json.dumps({"n": n, "source": "web" if n % 3 else "mobile"}),
        "truth": label,
    }
    if answer:
        line["answer"] = {
            "status": 200,
            "headers": [["Content-Type", "application/json"]],
            "body": json.dumps({"label": label, "score": n / 1000}),
            "latency_s": 0.004,
            "outcome": "ok",
        }
    return json.dumps(line)


@pytest.fixture
def log(tmp_path):
    """Write a log of `n` entries."""

    def write(n=80, name="log.jsonl", **options):
        path = tmp_path / name
        path.write_text("".join(entry(i, **options) + "\n" for i in range(n)))
        return path

    return write


CONFIG = """\
champion: {{name: old, url: "{champion}", timeout: 2s}}
challengers:
  - {{name: new, url: "{challenger}", timeout: 2s}}
log: log.jsonl
pacing: {{mode: closed, in_flight: 4}}
output: {{label: $.label}}
cluster: header:x-user-id
segments: {{source: $.source}}
compare:
  - {{name: body, as: structure}}
policy:
  rules:
    - {{not_worse: failure_rate, margin: 0.1}}
    - {{not_worse: accuracy, margin: 0.1}}
{more}"""


@pytest.fixture
def config(tmp_path):
    """Write a config for two servers; `more` is further YAML at its end."""

    def write(champion, challenger, more="", *, change=lambda text: text):
        path = tmp_path / "harness.yaml"
        text = CONFIG.format(champion=champion.url, challenger=challenger.url, more=more)
        path.write_text(change(text))
        return path

    return write


@dataclass
class Ended:
    code: int
    out: str
    err: str

    @property
    def verdict(self):
        return json.loads(self.out)


@pytest.fixture
def harness(capsys, monkeypatch, tmp_path):
    """Call the program in this process, below a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def call(*words):
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        said = capsys.readouterr()
        return Ended(ended.value.code, said.out, said.err)

    return call


@pytest.fixture
def program(tmp_path):
    """Start the program as a process of its own, below a folder of its own."""
    started = []

    def start(*words, **environment):
        process = subprocess.Popen(
            [sys.executable, "-m", "harness", *map(str, words)],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def ended(process, *, within_s=60):
    """Wait for a process of `program`."""
    out, err = process.communicate(timeout=within_s)
    return Ended(process.returncode, out, err)

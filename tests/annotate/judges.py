"""A real server that plays a judge over a chat API, with faults that are known."""

import json
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def material(messages):
    """The request and both answers, read as an honest judge would: between the marks alone."""
    system, user = (one["content"] for one in messages)
    mark = re.search(r"hold the mark ([0-9a-f]{24})", system)[1]
    lines = user.split("\n")
    begins = [i for i, line in enumerate(lines) if line.startswith(f"{mark} begin ")]
    return [json.loads(lines[i + 1]) for i in begins]


def prefers_longer(messages):
    """Says honestly which answer is longer."""
    _, first, second = material(messages)
    if len(first) == len(second):
        return "tie"
    return "first" if len(first) > len(second) else "second"


def prefers_first(messages):
    """Says `first` of everything."""
    return "first"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append((self.path, dict(self.headers.items()), asked))
        status, answer = self.server.answer(asked)
        content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        """Keep the tests' output quiet."""


@contextmanager
def serving(answer):
    """A server that answers by a function of what it is asked; gives its URL and what it saw."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.answer, server.seen = answer, []
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", server.seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def chat(word, *, model="judge-1"):
    """What a chat API answers: the word as it was asked for, and what it used."""
    content = json.dumps({"preferred": word})
    return {
        "model": model,
        "choices": [{"message": {"role": "assistant", "content": content}}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 10},
    }


def judge(opinion):
    """The answer function of a judge with an opinion."""
    return lambda asked: (200, chat(opinion(asked["messages"])))

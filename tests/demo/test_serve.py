"""`harness demo` leaves five servers running, shows a config, and ends them all."""

import os
import signal
import subprocess
import sys
import urllib.request

import pytest

from harness.config import load
from harness.demo.models import MODELS

SERVE = (
    "from harness.demo.serve import serve_all\n"
    "serve_all(lambda line: None, lambda config: print(config, end='\\0', flush=True))"
)


def printed_config(process):
    """What the process shows, up to the mark that ends it."""
    text = b""
    while not text.endswith(b"\0"):
        piece = os.read(process.stdout.fileno(), 4096)
        assert piece, "ended before it showed a config"
        text += piece
    return text[:-1]


@pytest.mark.process
def test_five_servers_run_until_told_to_end(tmp_path):
    """The printed config names five servers that answer, and none after the signal."""
    process = subprocess.Popen([sys.executable, "-c", SERVE], stdout=subprocess.PIPE)
    try:
        written = tmp_path / "demo.yaml"
        written.write_bytes(printed_config(process))
        config = load(written)
        urls = [one.url for one in (config.champion, *config.challengers)]

        assert len(urls) == len(MODELS)
        for url in urls:
            with urllib.request.urlopen(f"{url}/healthz", timeout=5) as answer:
                assert answer.status == 200
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)
        process.stdout.close()

    assert process.returncode == 0
    for url in urls:
        with pytest.raises(OSError, match="refused"):
            urllib.request.urlopen(f"{url}/healthz", timeout=5)

"""Start one of the demo's models in a process of its own, and stop it again."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from harness.errors import UnreachableError

_PATIENCE_S = 5.0  # to end after SIGTERM; the server itself allows half a second for requests


@dataclass(frozen=True, slots=True)
class Starting:
    """A model server that is on its way. It prints its port once it answers."""

    model: str
    process: subprocess.Popen[bytes]

    def url(self) -> str:
        """Wait until the server answers, and say where.

        Raises:
            UnreachableError: The server ended instead; why stands on its stderr, which is ours.
        """
        assert self.process.stdout is not None  # asked for in `starting`
        port = self.process.stdout.readline().decode().strip()
        if not port:
            code = self.process.wait()
            raise UnreachableError(
                f"harness.demo: the server of {self.model!r} ended with code {code} before it was "
                f"ready. Run `python -m harness.demo.digits {self.model}` to see it alone"
            )
        return f"http://127.0.0.1:{port}"


@contextmanager
def starting(model: str) -> Iterator[Starting]:
    """Start a model's server on a free port; end it when the block is left."""
    command = [sys.executable, "-m", "harness.demo.digits", model, "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        yield Starting(model, process)
    finally:
        process.terminate()
        try:
            process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()

"""Runs a deployment's command, and ends it with all it started when harness says so or is gone.

Started by `harness.transport.process` as a script of its own, with one end of a pipe as standard
input. When the pipe closes, because harness closed it or ended in whatever way (`kill -9`
included), the command's process group is asked to stop, and killed after the grace period. When the
command ends by itself, what it left behind in its group is killed. A kernel's parent-death signal
would reach the command alone and not what it started, and Linux alone has it.

What leaves the group (a daemon with a session of its own) is beyond reach.

Standard library only, and no import of harness: this has to be up at once.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time


def main(grace_s: float, command: list[str]) -> int:
    """Run the command; return its exit code, 128 + n for signal n, 127 when it cannot be run."""
    woken = _wake_on(signal.SIGCHLD, signal.SIGTERM, signal.SIGINT)
    try:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, process_group=0)
    except OSError as exc:
        print(f"{command[0]}: {exc.strerror}", file=sys.stderr)
        return 127
    while child.poll() is None:
        readable, _, _ = select.select([0, woken], [], [])
        received = os.read(woken, 512) if woken in readable else b""
        if 0 in readable or signal.SIGTERM in received or signal.SIGINT in received:
            _end(child, grace_s)
    _signal_group(child, signal.SIGKILL)
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


def _wake_on(*signals: int) -> int:
    """A file that becomes readable, with the signal's number, when one of these comes."""
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    for signum in signals:
        # A handler that does nothing: an ignored signal would stay ignored in the command.
        signal.signal(signum, lambda _signum, _frame: None)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    return woken


def _end(child: subprocess.Popen[bytes], grace_s: float) -> None:
    _signal_group(child, signal.SIGTERM)
    until_s = time.monotonic() + grace_s
    while child.poll() is None and time.monotonic() < until_s:
        time.sleep(0.02)
    _signal_group(child, signal.SIGKILL)
    child.wait()


def _signal_group(child: subprocess.Popen[bytes], signum: int) -> None:
    # The group keeps its number as long as one of its processes lives.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signum)


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), sys.argv[2:]))

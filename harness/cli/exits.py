"""Exit codes, and how each way of ending is said."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from harness.errors import HarnessError, StoreFullError, UnreachableError

OK = 0
CANNOT_FINISH = 1
WRONG_USE = 2
UNREACHABLE = 13
INTERRUPTED = 130


class InterruptionError(Exception):
    """Somebody ended the command, which has more to say than that."""


def run(command: Callable[[], object]) -> int:
    """Run a command to its exit code; whatever goes wrong is one line on stderr.

    A command returns its exit code, or None for success.
    """
    try:
        with _terminated_like_interrupted():
            code = command()
    except typer.TyperException as exc:
        return _say(_usage(exc), WRONG_USE)
    except typer.Exit as exc:
        return exc.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return _say("interrupted", INTERRUPTED)
    except InterruptionError as exc:
        return _say(str(exc), INTERRUPTED)
    except UnreachableError as exc:
        return _say(str(exc), UNREACHABLE)
    except StoreFullError as exc:
        return _say(str(exc), CANNOT_FINISH)
    except HarnessError as exc:
        return _say(str(exc), WRONG_USE)
    except BrokenPipeError:
        # Whoever read our output has left. Nothing can be said to them, and Python would try.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except Exception as exc:
        return _say(f"{_summary(exc)}. Details: {_details()}", CANNOT_FINISH)
    if code == INTERRUPTED:  # what typer makes of a KeyboardInterrupt
        return _say("interrupted", INTERRUPTED)
    return code if isinstance(code, int) else OK


@contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """Let SIGTERM do what Ctrl-C does, so that whatever was started is stopped, not left behind."""

    def interrupt(*_: object) -> None:
        # Not by raising SIGINT: a shell lets its jobs in the background ignore that.
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _say(message: str, code: int) -> int:
    print(f"harness: {message}", file=sys.stderr)
    return code


def _usage(exc: typer.TyperException) -> str:
    if exc.format_message().startswith("Usage:"):  # no arguments at all: the help is the message
        return "no command.\n\n" + exc.format_message()
    message = exc.format_message().replace("Value error, ", "").rstrip(".")
    context = getattr(exc, "ctx", None)
    hint = f". Try '{context.command_path} --help'" if context is not None else ""
    return message + hint


def _summary(exc: BaseException) -> str:
    return f"could not finish, {type(exc).__name__}: {' '.join(str(exc).split())[:300]}"


def _details() -> Path:
    """The traceback in a file of its own: for whoever repairs us, not for the user's screen."""
    handle, name = tempfile.mkstemp(prefix="harness-", suffix=".log")
    with os.fdopen(handle, "w") as file:
        traceback.print_exc(file=file)
    return Path(name)

"""What runs are called, and what somebody means who names one.

A run *id* is a folder's name among the runs: letters, digits, `.`, `_` and `-`, starting with a
letter or digit, at most 120 characters. A *path* is whatever the operating system takes. What a
user types after `--run` is a path when it has a slash in it or something is there; otherwise it is
an id and is looked for among the runs. An id from anywhere else (a pooled verdict, a URL) is never
a path: `../../x` is refused.
"""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

from harness.errors import UsageError
from harness.run import RunId

MOST_ID_CHARACTERS = 120
_MOST_NAME_CHARACTERS = 60
_MOST_COMPONENT_BYTES = 255
_MOST_PATH_BYTES = 4000

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_NOT_IN_ID = re.compile(r"[^A-Za-z0-9._]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def new_run_id(name: str, *, at: datetime, salt: str) -> RunId:
    """A name that sorts by time, says what it is of, and is not there yet.

    Args:
        name: Of the config; what cannot stand in an id becomes `-`.
        at: When the run starts; aware.
        salt: A few random letters and digits, for runs that start in one second.

    Examples:
        >>> from datetime import UTC
        >>> new_run_id("digits (demo)", at=datetime(2025, 1, 1, 12, tzinfo=UTC), salt="ab12cd")
        '20250101T120000Z-digits-demo-ab12cd'
    """
    stamp = at.strftime("%Y%m%dT%H%M%SZ")
    slug = _NOT_IN_ID.sub("-", name)[:_MOST_NAME_CHARACTERS].strip("-.") or "run"
    return run_id_of(f"{stamp}-{slug}-{salt}")


def run_id_of(text: str) -> RunId:
    """Check an id that comes from outside.

    Raises:
        UsageError: When it cannot be one.
    """
    if not _ID.fullmatch(text) or len(text) > MOST_ID_CHARACTERS:
        raise UsageError(
            f"{_shown(text)}: is not a run id, which has 1 to {MOST_ID_CHARACTERS} letters, "
            f"digits, '.', '_' or '-' and starts with a letter or digit. To name a folder "
            f"elsewhere, write its path with a slash"
        )
    return RunId(text)


def run_folder(given: str, runs: Path) -> Path:
    """The folder that a user means.

    Args:
        given: A path, or an id of a run in `runs`.

    Raises:
        UsageError: When it can be neither.
    """
    _require_usable(given)
    if "/" in given or Path(given).exists():
        return Path(given)
    return runs / run_id_of(given)


def _require_usable(given: str) -> None:
    if not given:
        raise UsageError("the run's name is empty. Give a path or a run id")
    if _CONTROL.search(given):
        raise UsageError(
            f"{_shown(given)}: has control characters in it. Give a path or a run id without them"
        )
    if given.startswith("-"):
        raise UsageError(
            f"{_shown(given)}: begins with '-' like an option. To mean a folder of that name, "
            f"write ./{given[:40]}"
        )
    encoded = given.encode("utf-8", "surrogateescape")
    longest = max(len(component) for component in encoded.split(b"/"))
    if longest > _MOST_COMPONENT_BYTES or len(encoded) > _MOST_PATH_BYTES:
        raise UsageError(
            f"{_shown(given)}: has {longest} bytes between slashes and {len(encoded)} in all, "
            f"{_MOST_COMPONENT_BYTES} and {_MOST_PATH_BYTES} are possible. Give a shorter name"
        )


def _shown(text: str) -> str:
    return repr(text) if len(text) <= 60 else f"{text[:60]!r}..."

"""The folder in which the live processes meet: sockets and pages of counters.

    link.sock      the mirror listens, fronts connect
    control.sock   the supervisor of the fronts listens, the admin port comes with its wishes
    pages/         counters in shared memory, one page for each process that counts
    live.json      what the run looks like so far: the watch writes and reads it
    run.json       which run is being written, so that a mirror that starts anew goes on with it
    sets/<n>/      the same, for a set of processes that a reload put in the place of the first

It is for our own user alone, and in memory where the machine has a place for that: pages are
written for each request.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from harness.errors import StoreError, UsageError

_MOST_SOCKET_BYTES = 107  # of a socket's path: `sun_path` has 108 with the zero at its end
_LONGEST_NAME = "sets/999/link.sock"
_MEMORY = Path("/dev/shm")
_RUN = "run.json"


@dataclass(frozen=True, slots=True)
class Place:
    """Where one set of processes meets."""

    path: Path

    @property
    def link(self) -> Path:
        return self.path / "link.sock"

    @property
    def pages(self) -> Path:
        return self.path / "pages"

    def front_page(self, front_id: str) -> Path:
        return self.pages / f"front-{front_id}.page"

    @property
    def mirror_page(self) -> Path:
        return self.pages / "mirror.page"


@dataclass(frozen=True, slots=True)
class Running:
    """Which run is being written.

    Attributes:
        run: Its folder.
        key: Of what defines it: with another config it is another run.
    """

    run: Path
    key: str


class Runtime:
    """The folder, ours until `remove`.

    Attributes:
        path: Absolute.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def open(cls, wanted: Path | None) -> Runtime:
        """Make the folder, or take the one that is there.

        Args:
            wanted: None for a fresh one, in memory where there is a place for it.

        Raises:
            UsageError: It cannot be made, is somebody else's, or its path is too long for sockets.
        """
        path = _fresh() if wanted is None else _made(wanted.absolute())
        if len(os.fsencode(path / _LONGEST_NAME)) > _MOST_SOCKET_BYTES:
            raise UsageError(
                f"capture.runtime_dir: {path} is too long for the sockets in it. "
                f"Name one of at most {_MOST_SOCKET_BYTES - len(_LONGEST_NAME) - 1} bytes"
            )
        runtime = cls(path)
        runtime.place(1)
        return runtime

    @property
    def control(self) -> Path:
        return self.path / "control.sock"

    def place(self, number: int) -> Place:
        """Where set `number`, from 1, meets; the first one meets in the folder itself."""
        path = self.path if number == 1 else self.path / "sets" / str(number)
        place = Place(path)
        place.pages.mkdir(mode=0o700, parents=True, exist_ok=True)
        return place

    def clear_pages(self) -> None:
        """Remove what earlier processes counted, for a run that they had no part in."""
        for path in self.place(1).pages.iterdir():
            path.unlink()

    def remember(self, running: Running) -> None:
        """Note which run is being written."""
        beside = self.path / f".{_RUN}"
        beside.write_text(json.dumps({"run": str(running.run), "key": running.key}))
        beside.replace(self.path / _RUN)

    def remembered(self) -> Running | None:
        """What `remember` noted, by us or by whoever was here before; None if nobody did."""
        try:
            noted = json.loads((self.path / _RUN).read_text())
            return Running(Path(noted["run"]), noted["key"])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as exc:
            raise StoreError(
                f"{self.path / _RUN}: cannot be read ({type(exc).__name__}). Remove the folder"
            ) from exc

    def forget_run(self) -> None:
        (self.path / _RUN).unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove the folder with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)


def _fresh() -> Path:
    for parent in (_MEMORY, os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir()):
        if parent and os.access(parent, os.W_OK):
            return Path(tempfile.mkdtemp(prefix="harness-", dir=parent))
    raise UsageError("capture.runtime_dir: no folder can be written to. Name one")


def _made(path: Path) -> Path:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        # A memory-backed volume of a pod comes with the rights of its maker; where we may not
        # change them (another user's volume, shared by group) what is in it is still 0700.
        if path.stat().st_uid == os.getuid():
            path.chmod(0o700)
        probe = path / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as exc:
        raise UsageError(
            f"capture.runtime_dir: {path} cannot be written to ({exc.strerror}). Name another"
        ) from exc
    return path

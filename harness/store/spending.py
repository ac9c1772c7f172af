"""What was spent on each deployment on each day (UTC), by all runs beside each other.

One small file next to the runs. Who adds to it holds a lock on the file beside it, so that runs of
several processes lose nothing to each other; the file itself is replaced in one step, so that a
crash leaves it as it was before or after.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from harness.errors import StoreError
from harness.store import disk

SPENDING = "spending.json"
_LOCK = ".spending.lock"
_KEPT_DAYS = 31


def spent_today(runs: Path, day: date, more_usd: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Add to what was spent on a day, and say what it comes to.

    Args:
        runs: The folder that runs lie in.
        more_usd: By deployment; zero to ask.

    Returns:
        For each deployment that was named, all that was spent on it that day.

    Raises:
        StoreError: The file is damaged, or cannot be written.
    """
    disk.make_folder(runs)
    path = runs / SPENDING
    with _locked(runs / _LOCK):
        days = _read(path)
        known = days.setdefault(day.isoformat(), {})
        for name, usd in more_usd.items():
            known[name] = known.get(name, Decimal(0)) + usd
        if any(more_usd.values()):
            _write(path, days, since=day - timedelta(days=_KEPT_DAYS))
    return {name: known[name] for name in more_usd}


def _read(path: Path) -> dict[str, dict[str, Decimal]]:
    with disk.translated(path, "read"):
        if not path.exists():
            return {}
        text = path.read_text()
    try:
        return {
            day: {name: Decimal(usd) for name, usd in by_name.items()}
            for day, by_name in json.loads(text).items()
        }
    except (ValueError, AttributeError, TypeError, InvalidOperation) as exc:
        raise StoreError(
            f"{path}: is damaged ({type(exc).__name__}). Move it away to count today's money anew"
        ) from exc


def _write(path: Path, days: Mapping[str, Mapping[str, Decimal]], *, since: date) -> None:
    kept: dict[str, Any] = {
        day: {name: str(usd) for name, usd in sorted(by_name.items())}
        for day, by_name in sorted(days.items())
        if day >= since.isoformat()
    }
    content = json.dumps(kept, indent=2).encode() + b"\n"
    disk.write_whole(path, lambda file: _write_all(file, content))


def _write_all(file: Any, content: bytes) -> None:
    file.write(content)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Alone with the file, after whoever else is; they are done in milliseconds."""
    with disk.translated(path, "lock"):
        fd = disk.open_private(path, os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)

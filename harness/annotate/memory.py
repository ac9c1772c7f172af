"""What was asked before, and what was said: one small file for each question.

A question is known by the digest of all that was sent. Only what an answer came to is kept, a word
or a number, never the texts. A file that is damaged or gone costs asking again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.output import JsonValue

Scalar = str | float


@dataclass(frozen=True, slots=True)
class Memory:
    """Answers in a folder."""

    folder: Path

    def recall(self, key: str) -> Scalar | None:
        try:
            said = json.loads(self._path(key).read_bytes())
        except (OSError, ValueError):
            return None
        value = said.get("value") if isinstance(said, dict) else None
        return value if isinstance(value, str | float | int) else None

    def keep(self, key: str, value: Scalar) -> None:
        """Remember an answer.

        Raises:
            OSError: It cannot be written.
        """
        path = self._path(key)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = path.with_suffix(f".{os.getpid()}.new")
        fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with open(fd, "w") as file:
            json.dump({"value": value}, file)
        beside.replace(path)

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key[2:]}.json"


def key_of(url: str, body: Mapping[str, JsonValue]) -> str:
    """Digest of a question and of who is asked; headers, which hold secrets, are no part of it."""
    canonical = json.dumps([url, body], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()

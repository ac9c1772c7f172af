"""What the live processes say on stderr: a line for people on a terminal, JSON otherwise.

Whoever calls chooses what is said; a body, a header's value or a secret is never among it.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from typing import TextIO


class Log:
    """Writes events, one a line.

    Args:
        process: Whose they are: `supervisor`, `front`, `mirror`, `watch`.
        stream: stderr unless given.
        as_json: Whether machines read it; None: unless it is a terminal.
    """

    def __init__(
        self, process: str, stream: TextIO | None = None, *, as_json: bool | None = None
    ) -> None:
        self._process = process
        self._stream = sys.stderr if stream is None else stream
        self._as_json = not self._stream.isatty() if as_json is None else as_json

    def info(self, event: str, sentence: str, **facts: object) -> None:
        self._write("info", event, sentence, facts)

    def warning(self, event: str, sentence: str, **facts: object) -> None:
        self._write("warning", event, sentence, facts)

    def error(self, event: str, sentence: str, **facts: object) -> None:
        self._write("error", event, sentence, facts)

    def _write(self, level: str, event: str, sentence: str, facts: dict[str, object]) -> None:
        now = datetime.now(UTC)
        if self._as_json:
            record = {
                "at": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "level": level,
                "process": self._process,
                "event": event,
                "message": sentence,
                **facts,
            }
            line = json.dumps(record, default=str)
        else:
            shout = "" if level == "info" else f"{level.upper()}: "
            line = f"{now:%H:%M:%S} {self._process}: {shout}{sentence}"
        # In one write: several processes share the stream.
        self._stream.write(f"{line}\n")
        self._stream.flush()

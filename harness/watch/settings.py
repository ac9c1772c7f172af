"""What the watch is told when it is started. It holds a secret, so it goes through a pipe."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

JUDGE_EVERY_S = 60.0


@dataclass(frozen=True, slots=True)
class WatchSettings:
    """The watch's part of a config.

    Attributes:
        admin_fd: Listening socket of the admin port, inherited.
        is_loopback: Whether only this machine reaches it; elsewhere everything but the probes
            needs the token.
        token: What changes need; None where nobody may change anything over the port.
        pages: Folder of the counters' pages.
        control: The supervisor's socket, for changes.
        run: Folder of the run that is being written.
        champion: Its name.
        challengers: Their names, in the config's order; none in a run that only records.
        budgets_usd: What each challenger may cost, where that is limited.
        judge_every_s: How often the run is judged at most, seconds; 0 for never.
        verdict: File in which the live verdict is kept.
    """

    admin_fd: int
    is_loopback: bool
    token: str | None = field(repr=False)
    pages: Path
    control: Path
    run: Path
    champion: str
    challengers: tuple[str, ...]
    verdict: Path
    budgets_usd: Mapping[str, float] = field(default_factory=dict)
    judge_every_s: float = JUDGE_EVERY_S

    def to_json(self) -> dict[str, Any]:
        """As an object for `json`; `from_json` reads it back."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self), default=str))
        return plain

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Self:
        paths = {name: Path(plain[name]) for name in ("pages", "control", "run", "verdict")}
        return cls(**{**plain, **paths, "challengers": tuple(plain["challengers"])})

"""All that the admin port shows, at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.watch.histogram import Histogram
from harness.watch.picture import Picture, is_champion_reachable


@dataclass(frozen=True, slots=True)
class View:
    """What was found.

    Attributes:
        before: An earlier picture, for rates and recent latencies; the same one right after the
            start.
        live: The file of the live verdict: `at`, `took_s`, `error`, `verdict`. None before the
            first look.
        now_s: UTC, seconds since 1970.
    """

    picture: Picture
    before: Picture
    run_id: str
    champion: str
    challengers: tuple[str, ...]
    version: str
    now_s: float
    started_s: float
    budgets_usd: Mapping[str, float] = field(default_factory=dict)
    live: Mapping[str, Any] | None = None

    @property
    def kept(self) -> tuple[str, ...]:
        """Whose requests are counted: the challengers', or the champion's where it is alone."""
        return self.challengers or (self.champion,)

    @property
    def champion_latency(self) -> Histogram | None:
        """As the front timed it; as the mirror did, where that asks the champion."""
        return _of_champion(self.picture, self.champion)

    @property
    def champion_latency_before(self) -> Histogram | None:
        return _of_champion(self.before, self.champion)

    @property
    def span_s(self) -> float:
        """What lies between the two pictures, seconds."""
        return (self.picture.at_ns - self.before.at_ns) / 1e9

    def rate_per_s(self, name: str) -> float | None:
        """How fast a counter of the fronts grows; None right after the start."""
        if self.span_s <= 0:
            return None
        return max(0, self.picture.counted(name) - self.before.counted(name)) / self.span_s

    @property
    def champion_outcomes(self) -> dict[str, int]:
        """Of the time between the pictures."""
        before = self.before.by_suffix("champion.")
        now = self.picture.by_suffix("champion.")
        return {kind: max(0, n - before.get(kind, 0)) for kind, n in now.items()}

    @property
    def not_ready(self) -> str | None:
        """Why no traffic should be sent here, as a sentence; None when it may come."""
        if not self.picture.living:
            return "no front process is serving"
        if not is_champion_reachable(self.champion_outcomes):
            return f"the champion {self.champion!r} cannot be connected to"
        return None

    @property
    def live_verdicts(self) -> Mapping[str, Mapping[str, Any]]:
        """What the last look said, by challenger."""
        verdict = (self.live or {}).get("verdict") or {}
        return {one["challenger"]: one for one in verdict.get("challengers", ())}


def _of_champion(picture: Picture, name: str) -> Histogram | None:
    row = picture.champion_latency
    return row if row is not None and row.count else picture.challenger_latency(name) or row


def recent(now: Histogram | None, before: Histogram | None) -> Histogram | None:
    """What a row counted between two pictures."""
    return now if now is None or before is None else now.since(before)

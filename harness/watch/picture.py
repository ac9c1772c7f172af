"""The sidecar at one moment, read from the counters of its processes.

Fronts number what they receive. What a front did not offer to the mirror is lost for every
challenger; what it offered, the mirror makes a pair of or loses, for each challenger by itself. So
for each challenger

    received = paired + sum(losses) + pending

and `pending` has two parts that are both counts of something: what is still in a front, and what
was offered and is not resolved yet. A part below zero would be a request counted twice.

Pages are read one after the other, the mirror's first: what a front counts meanwhile is pending.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from harness.pair import LossReason
from harness.watch.histogram import Histogram, added, histogram

Cells = Mapping[str, int]
"""Names and counts of one page."""

STALE_AFTER_S = 5.0
"""A process whose heartbeat is older than that is taken for dead or stopped."""

_NS_PER_S = 1_000_000_000
BREAKER_STATES = ("closed", "open", "half_open")


@dataclass(frozen=True, slots=True)
class Challenger:
    """Where one challenger's requests went.

    Attributes:
        losses: By reason, those of the fronts included; reasons that did not occur are left out.
        pending_in_front: Received, and neither lost nor offered to the mirror yet.
        pending_in_mirror: Offered, and neither paired nor lost yet.
    """

    name: str
    received: int
    paired: int
    losses: Mapping[str, int]
    pending_in_front: int
    pending_in_mirror: int

    @property
    def pending(self) -> int:
        return self.pending_in_front + self.pending_in_mirror

    @property
    def holds(self) -> bool:
        """Whether every request is in one place."""
        return self.pending_in_front >= 0 and self.pending_in_mirror >= 0


@dataclass(frozen=True, slots=True)
class Picture:
    """All pages at one moment.

    Attributes:
        at_ns: When, on the clock of the heartbeats (UTC, nanoseconds since 1970).
        fronts: By the front's id, those that have ended included: what they counted still counts.
        mirror: Empty before there is one.
    """

    at_ns: int
    fronts: Mapping[str, Cells] = field(default_factory=dict)
    mirror: Cells = field(default_factory=dict)

    @property
    def living(self) -> dict[str, Cells]:
        """Fronts whose heartbeat is fresh."""
        return {name: cells for name, cells in self.fronts.items() if self._is_fresh(cells)}

    @property
    def is_mirror_alive(self) -> bool:
        return self._is_fresh(self.mirror)

    def heartbeat_age_s(self, cells: Cells) -> float:
        """Seconds since a process last said that it works; infinite when it never did."""
        beat = cells.get("heartbeat_ns", 0)
        return max(0.0, (self.at_ns - beat) / _NS_PER_S) if beat else float("inf")

    def counted(self, name: str) -> int:
        """A counter of all fronts, ended ones included."""
        return sum(cells.get(name, 0) for cells in self.fronts.values())

    def gauge(self, name: str) -> int:
        """What the living fronts have now, together."""
        return sum(cells.get(name, 0) for cells in self.living.values())

    def by_suffix(self, prefix: str) -> dict[str, int]:
        """Counters of all fronts that start with `prefix`, by what follows it."""
        return _by_suffix(self.fronts.values(), prefix)

    def of_mirror(self, prefix: str) -> dict[str, int]:
        """Counters of the mirror that start with `prefix`, by what follows it."""
        return _by_suffix((self.mirror,), prefix)

    @property
    def champion_latency(self) -> Histogram | None:
        """As the fronts timed it."""
        return added(histogram(cells, "champion_latency_us") for cells in self.fronts.values())

    def challenger_latency(self, name: str) -> Histogram | None:
        """As the mirror timed it."""
        return histogram(self.mirror, f"{name}.latency_us")

    def lost_in_front(self) -> dict[LossReason, int]:
        """What was received and not offered, by reason."""
        return {reason: n for reason in LossReason if (n := self.counted(reason.value))}

    def challenger(self, name: str) -> Challenger:
        """The sum of one challenger."""
        received, offered = self.counted("received"), self.counted("offered")
        in_front = self.lost_in_front()
        in_mirror = self.of_mirror(f"{name}.lost.")
        paired = self.mirror.get(f"{name}.paired", 0)
        losses = {reason.value: n for reason, n in in_front.items()}
        for reason, n in in_mirror.items():
            if n:
                losses[reason] = losses.get(reason, 0) + n
        return Challenger(
            name=name,
            received=received,
            paired=paired,
            losses=losses,
            pending_in_front=received - offered - sum(in_front.values()),
            pending_in_mirror=offered - paired - sum(in_mirror.values()),
        )

    def _is_fresh(self, cells: Cells) -> bool:
        return self.heartbeat_age_s(cells) < STALE_AFTER_S


def is_champion_reachable(outcomes: Mapping[str, int]) -> bool:
    """Whether the champion answers at all, by the outcomes of the last while.

    Nobody asking says nothing against it.
    """
    return outcomes.get("connect_error", 0) == 0 or any(
        n for kind, n in outcomes.items() if kind not in ("connect_error", "cancelled")
    )


def _by_suffix(pages: Iterable[Cells], prefix: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for cells in pages:
        for name, count in cells.items():
            if name.startswith(prefix):
                suffix = name[len(prefix) :]
                found[suffix] = found.get(suffix, 0) + count
    return found

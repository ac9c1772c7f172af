"""The mirror's page of counters: what they are called, and where they stand.

For each challenger: `<challenger>.paired` (acknowledged pairs of the whole run),
`<challenger>.lost.<reason>`, `<challenger>.outcome.<kind>`, `<challenger>.latency_us.*`,
`<challenger>.in_flight`, `<challenger>.breaker` (see `harness.traffic.breaker`),
`<challenger>.spent_microusd` and `<challenger>.budget_used_ppm`. A run without challengers counts
the champion's name in their place.
For all: see `GAUGES`; and `front.<id>.resolved` for each front that connected.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.exchange import FailureKind
from harness.pair import LossReason
from harness.shadow import buckets
from harness.shadow.gauges import Page
from harness.traffic.budget import Budget

GAUGES = (
    "received_frames",
    "halves_waiting",
    "bytes_waiting",
    "unacknowledged",
    "journal_lag_ms",
    "stored",
    "acknowledged",
    "heartbeat_ns",
)
LAGS = ("link_lag_us", "own_lag_us")

OUTCOMES = ("ok", *(kind.value for kind in FailureKind))

_SPARE_FRONTS = 256


def resolved(front: str) -> str:
    return f"front.{front}.resolved"


_STATES = ("in_flight", "breaker", "spent_microusd", "budget_used_ppm")


class Gauges:
    """One challenger's cells."""

    def __init__(self, page: Page, name: str) -> None:
        self._cells = page.cells
        self._paired = page.index(f"{name}.paired")
        self._lost = {reason: page.index(f"{name}.lost.{reason}") for reason in LossReason}
        self._outcome = {kind: page.index(f"{name}.outcome.{kind}") for kind in OUTCOMES}
        self._latency = page.index(buckets.first_cell(f"{name}.latency_us"))
        self._states = [page.index(f"{name}.{gauge}") for gauge in _STATES]

    @property
    def n_lost(self) -> int:
        """All that is lost, whatever the reason."""
        return sum(self._cells[cell] for cell in self._lost.values())

    def paired(self, n: int = 1) -> None:
        self._cells[self._paired] += n

    def lost(self, reason: LossReason, n: int = 1) -> None:
        self._cells[self._lost[reason]] += n

    def ended(self, kind: str, latency_s: float) -> None:
        self._cells[self._outcome[kind]] += 1
        buckets.observe(self._cells, self._latency, int(latency_s * 1e6))

    def now(self, in_flight: int, breaker: int, budget: Budget) -> None:
        spent, used = int(budget.spent_usd * 1_000_000), int(budget.used_share * 1e6)
        for cell, number in zip(self._states, (in_flight, breaker, spent, used), strict=True):
            self._cells[cell] = number


def make_page(path: Path, challengers: Sequence[str]) -> Page:
    """A mirror's page, in the place of that of a mirror before it.

    Raises:
        PageError: It cannot be made.
    """
    names = [*GAUGES, *(cell for lag in LAGS for cell in buckets.cell_names(lag))]
    for one in challengers:
        names.append(f"{one}.paired")
        names += [f"{one}.lost.{reason}" for reason in LossReason]
        names += [f"{one}.outcome.{kind}" for kind in OUTCOMES]
        names += buckets.cell_names(f"{one}.latency_us")
        names += [f"{one}.{gauge}" for gauge in _STATES]
    return Page.create(path, names, spare=_SPARE_FRONTS)


_NOT_CARRIED = (".paired", ".in_flight", ".breaker")


def carry_over(before: Mapping[str, int], page: Page) -> None:
    """Go on from what the mirror before had counted, but for what is found anew."""
    for name, count in before.items():
        if name.startswith("front."):
            page.cells[page.add(name)] = count
        elif name in page.names and name not in GAUGES and not name.endswith(_NOT_CARRIED):
            page.cells[page.index(name)] = count


def losses_of(snapshot: Mapping[str, int], challenger: str) -> dict[LossReason, int]:
    """What the mirror lost of one challenger's requests, by reason; nothing for none."""
    found = {reason: snapshot.get(f"{challenger}.lost.{reason}", 0) for reason in LossReason}
    return {reason: n for reason, n in found.items() if n}

"""What a front counts, on a page that outlives it.

`received` counts the requests that the tap was asked about. Each of them ends in one of the tap's
counters: `ineligible`, `sampled_out`, `too_large`, `shed_link`, `mirror_down`, `client_gone` (it
never came to its end) or `offered`. Upgrades are not asked about; refused requests have counters of
their own.
"""

from __future__ import annotations

from harness.exchange import FailureKind
from harness.http1.refusal import Refusal
from harness.shadow.buckets import cell_names, first_cell, observe
from harness.shadow.gauges import Page

_LATENCY = "champion_latency_us"

NAMES: tuple[str, ...] = (
    *("received", "answered", "upgraded"),
    *("ineligible", "sampled_out", "too_large", "shed_link", "mirror_down", "client_gone"),
    "front_down",
    "offered",
    "champion.ok",
    *(f"champion.{kind}" for kind in FailureKind),
    *(f"refused.{refusal.label}" for refusal in Refusal),
    *("connections_open", "connections_total", "upstream_open", "upstream_dials"),
    *("link_bytes_queued", "captured_bytes_held", "link_connected", "mirroring_on", "sample_ppm"),
    "heartbeat_ns",
    *cell_names(_LATENCY),
)
"""Cells of a front's page.

The ones from `ineligible` to `offered` and of the link are the tap's; `captured_bytes_held` is not.
`front_down` is the mirror's, for a front that was killed: what it had received and not told of the
end.
"""


class Counters:
    """The front's own cells.

    Attributes:
        page: Where they are.
        cells: The page's cells, to be counted up by the indexes below.
    """

    __slots__ = (
        "_answered",
        "_latency",
        "_refused",
        "captured_bytes_held",
        "cells",
        "connections_open",
        "connections_total",
        "heartbeat_ns",
        "kinds",
        "page",
        "received",
        "upgraded",
        "upstream_dials",
        "upstream_open",
    )

    def __init__(self, page: Page) -> None:
        self.page = page
        self.cells = page.cells
        index = page.index
        self.received = index("received")
        self._answered = index("answered")
        self.upgraded = index("upgraded")
        self.connections_open = index("connections_open")
        self.connections_total = index("connections_total")
        self.upstream_open = index("upstream_open")
        self.upstream_dials = index("upstream_dials")
        self.captured_bytes_held = index("captured_bytes_held")
        self.heartbeat_ns = index("heartbeat_ns")
        self._latency = index(first_cell(_LATENCY))
        self._refused = {refusal: index(f"refused.{refusal.label}") for refusal in Refusal}
        self.kinds = {
            kind: index(f"champion.{kind.decode()}")
            for kind in (b"ok", *(failure.value.encode() for failure in FailureKind))
        }

    def refused(self, refusal: Refusal) -> None:
        self.cells[self._refused[refusal]] += 1

    def answer(self, latency_s: float) -> None:
        """Count an answer, and how long it took."""
        self.cells[self._answered] += 1
        observe(self.cells, self._latency, int(latency_s * 1e6))

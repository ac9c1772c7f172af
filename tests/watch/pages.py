"""Counters of a sidecar in the middle of its work."""

from __future__ import annotations

from harness.shadow.buckets import cell_names, first_cell, observe
from harness.watch.picture import Picture
from harness.watch.view import View

NOW_NS = 1_700_000_000_000_000_000


def row(prefix, *durations_us):
    """Cells of a histogram, written as the fronts and the mirror write them."""
    names = cell_names(prefix)
    cells = memoryview(bytearray(8 * len(names))).cast("Q")
    for duration_us in durations_us:
        observe(cells, names.index(first_cell(prefix)), duration_us)
    return dict(zip(names, cells.tolist(), strict=True))


def front(**counts):
    """A front that works and has its link."""
    cells = {"heartbeat_ns": NOW_NS, "link_connected": 1, "mirroring_on": 1, "sample_ppm": 250_000}
    return {**cells, **row("champion_latency_us", 900, 1_000, 200_000), **counts}


def mirror(**counts):
    """A mirror that works."""
    named = {name.replace("__", "."): n for name, n in counts.items()}
    return {"heartbeat_ns": NOW_NS, "journal_lag_ms": 120, **row("own_lag_us", 50), **named}


def picture(fronts=None, mirror=None, at_ns=NOW_NS + 500_000_000):
    return Picture(at_ns, {"1-7": front()} if fronts is None else fronts, mirror or {})


def view(now=None, before=None, **changed):
    """A view of one challenger, called `knn`."""
    now = picture() if now is None else now
    known = {
        "picture": now, "before": now if before is None else before, "run_id": "20250101T120000Z-a",
        "champion": "digits", "challengers": ("knn",), "version": "1.2.3",
        "now_s": NOW_NS / 1e9, "started_s": NOW_NS / 1e9 - 60,
    }  # fmt: skip
    return View(**(known | changed))


FINDING = {
    "rule": "not_worse failure_rate", "segment": None, "status": "inconclusive", "e_value": 3.5,
    "harm": 0.01, "harm_low": -0.02, "harm_high": 0.04, "margin": 0.02, "clusters_missing": 40,
}  # fmt: skip
LIVE = {
    "format": 1, "at": "2023-11-14T22:13:00+00:00", "took_s": 0.4, "n_looks": 3, "error": None,
    "verdict": {"challengers": [
        {"challenger": "knn", "decision": "hold", "n_pairs": 90, "findings": [FINDING]},
    ]},
}  # fmt: skip

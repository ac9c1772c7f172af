"""`/status`: the sidecar at one moment, as JSON for people and scripts."""

from __future__ import annotations

from datetime import UTC, datetime
from math import isfinite
from typing import Any

from harness.watch.histogram import Histogram
from harness.watch.picture import BREAKER_STATES, STALE_AFTER_S, Cells, Picture
from harness.watch.view import View, recent

FORMAT = 1
_QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99.9": 0.999}


def status(view: View) -> dict[str, Any]:
    """Everything; numbers count from the start of the run unless they say `recent`."""
    picture = view.picture
    living = picture.living.values()
    return {
        "format": FORMAT,
        "at": datetime.fromtimestamp(view.now_s, UTC).isoformat(),
        "up_s": round(view.now_s - view.started_s, 3),
        "version": view.version,
        "run_id": view.run_id,
        "ready": view.not_ready is None,
        "not_ready": view.not_ready,
        "mirroring": {
            "on": bool(living) and all(cells.get("mirroring_on", 0) for cells in living),
            "sample": min((cells.get("sample_ppm", 0) for cells in living), default=0) / 1e6,
        },
        "recent_s": round(view.span_s, 3),
        "requests": {
            "received": picture.counted("received"),
            "received_per_s": _rounded(view.rate_per_s("received")),
            "answered": picture.counted("answered"),
            "offered": picture.counted("offered"),
            "upgraded": picture.counted("upgraded"),
            "refused": picture.by_suffix("refused."),
        },
        "champion": {
            "name": view.champion,
            "outcomes": picture.by_suffix("champion."),
            "latency_s": _latency(view.champion_latency, view.champion_latency_before),
        },
        "challengers": [_challenger(view, name) for name in view.kept],
        "fronts": {name: _front(picture, cells) for name, cells in sorted(picture.fronts.items())},
        "mirror": _mirror(picture),
        "verdict": view.live,
    }


def _challenger(view: View, name: str) -> dict[str, Any]:
    picture = view.picture
    counts = picture.challenger(name)
    breaker = picture.mirror.get(f"{name}.breaker")
    return {
        "name": name,
        "conservation": {
            "received": counts.received,
            "paired": counts.paired,
            "losses": dict(counts.losses),
            "pending": counts.pending,
            "pending_in_front": counts.pending_in_front,
            "pending_in_mirror": counts.pending_in_mirror,
            "holds": counts.holds,
        },
        "outcomes": picture.of_mirror(f"{name}.outcome."),
        "latency_s": _latency(
            picture.challenger_latency(name), view.before.challenger_latency(name)
        ),
        "in_flight": picture.mirror.get(f"{name}.in_flight"),
        "breaker": None if breaker is None else BREAKER_STATES[min(breaker, 2)],
        "spent_usd": picture.mirror.get(f"{name}.spent_microusd", 0) / 1e6,
        "budget_usd": view.budgets_usd.get(name),
        "decision": view.live_verdicts.get(name, {}).get("decision"),
    }


def _front(picture: Picture, cells: Cells) -> dict[str, Any]:
    names = ("received", "connections_open", "upstream_open", "captured_bytes_held",
             "link_bytes_queued")  # fmt: skip
    return {
        **_life(picture, cells),
        "link_connected": bool(cells.get("link_connected", 0)),
        **{name: cells.get(name, 0) for name in names},
    }


def _mirror(picture: Picture) -> dict[str, Any]:
    cells = picture.mirror
    names = ("received_frames", "halves_waiting", "bytes_waiting", "stored", "acknowledged")
    return {
        **_life(picture, cells),
        **{name: cells.get(name, 0) for name in names},
        "journal_lag_s": cells.get("journal_lag_ms", 0) / 1e3,
    }


def _life(picture: Picture, cells: Cells) -> dict[str, Any]:
    age_s = picture.heartbeat_age_s(cells)
    return {
        "alive": age_s < STALE_AFTER_S,
        "heartbeat_age_s": round(age_s, 3) if isfinite(age_s) else None,
    }


def _latency(now: Histogram | None, before: Histogram | None) -> dict[str, Any]:
    return {**_quantiles(now), "recent": _quantiles(recent(now, before))}


def _quantiles(row: Histogram | None) -> dict[str, Any]:
    if row is None or row.count == 0:
        return {"n": 0}
    found = {name: _rounded(row.quantile(share)) for name, share in _QUANTILES.items()}
    return {"n": row.count, "mean": _rounded(row.sum_s / row.count), **found}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)

"""Why a sidecar mirrors nothing, from what its fronts have counted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

_REASONS = {
    "ineligible": "their method or path is not among those that may be mirrored: name them under "
    "`capture.methods` (now {methods}) and `capture.paths`",
    "sampled_out": "none of them was drawn: raise `capture.sample`, or switch mirroring on again",
    "too_large": "their bodies are larger than `capture.max_body`, or `capture.capture_memory` is "
    "full: raise these",
    "shed_link": "the mirror does not keep up: raise `capture.link_buffer`, lower "
    "`capture.sample`, or give the mirror more CPU",
    "mirror_down": "there is no mirror process to take them: see what it said when it ended",
}


def totals(snapshots: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """The counters of several fronts added up."""
    found: dict[str, int] = {}
    for snapshot in snapshots:
        for name, value in snapshot.items():
            found[name] = found.get(name, 0) + value
    return found


def why_nothing(counts: Mapping[str, int], methods: Iterable[str]) -> str | None:
    """One sentence where requests came and none was mirrored; None where all is well.

    Args:
        methods: Those that may be mirrored.

    Examples:
        >>> why_nothing({"received": 3, "offered": 1}, ["GET"]) is None
        True
    """
    received = counts.get("received", 0)
    if received == 0 or counts.get("offered", 0) > 0:
        return None
    reason = max(_REASONS, key=lambda name: counts.get(name, 0))
    n = counts.get(reason, 0)
    if n == 0:
        return None  # they are still on their way
    said = _REASONS[reason].format(methods=", ".join(methods))
    return f"{received:,} requests were served and none was mirrored; of {n:,}, {said}"

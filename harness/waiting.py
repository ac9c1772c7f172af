"""How long each side made a request wait, with those that were given up on.

What a client, or the harness, gave up on is in no rule: nobody knows how it would have ended. But
it is known how long it had waited until then, and Kaplan & Meier's curve uses that.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import polars as pl

from harness.collected import Collected
from harness.stats.clusters import Floats
from harness.stats.survival import RestrictedMean, restricted_mean
from harness.verdict import Arm


def with_waiting(arm: Arm, one: Collected, side: str) -> Arm:
    """A described side with its mean time to an answer, up to the smaller timeout.

    Args:
        side: `champion` or `challenger`.
    """
    deadlines = [pl.col(f"{name}_timeout_s").min() for name in ("champion", "challenger")]
    timeouts = one.values.select(deadlines).collect().row(0)
    horizon_s = None if None in timeouts else min(timeouts)
    given_up = one.given_up
    n_given_up = 0
    waited, answered = np.empty(0), np.empty(0, dtype=np.bool_)
    if given_up is not None:
        n_given_up = int(given_up[f"{side}_outcome"].eq("cancelled").sum())
        known = given_up.drop_nulls(f"{side}_latency_s")
        waited = known[f"{side}_latency_s"].to_numpy()
        answered = known[f"{side}_outcome"].eq("ok").to_numpy()
        # Another failure than being given up on never answers, as everywhere.
        ended = ~known[f"{side}_outcome"].is_in(["ok", "cancelled"]).to_numpy()
        waited = np.where(ended, math.inf, waited)
    if horizon_s is None or horizon_s <= 0:
        return replace(arm, n_given_up=n_given_up)
    found = _restricted(_until_answered(one, side), waited, answered, horizon_s)
    return replace(
        arm,
        n_given_up=n_given_up,
        horizon_s=horizon_s,
        restricted_mean_s=None if found is None else found.mean_s,
        restricted_se_s=None if found is None else found.se_s,
    )


def _until_answered(one: Collected, side: str) -> Floats:
    """Infinite where it failed; pairs whose latency nobody measured are left out."""
    time_s = pl.when(f"{side}_failed").then(math.inf).otherwise(pl.col(f"{side}_latency_s"))
    return one.values.select(time_s).collect().to_series().drop_nulls().to_numpy()


def _restricted(
    time_s: Floats, waited: Floats, answered: np.ndarray, horizon_s: float
) -> RestrictedMean | None:
    if waited.size == 0:
        if time_s.size < 2:
            return None
        counted = np.minimum(time_s, horizon_s)
        return RestrictedMean(float(counted.mean()), float(counted.std() / math.sqrt(counted.size)))
    every = np.minimum(np.concatenate((time_s, waited)), horizon_s)
    came = np.concatenate((np.isfinite(time_s), answered)) & (every < horizon_s)
    return restricted_mean(every, came, horizon_s=horizon_s)

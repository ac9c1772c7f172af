"""How the pairs came to be: order of calls, repeated content, retries, and what was drawn."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import polars as pl

from harness.collected import Collected
from harness.gate.validity import Sampled
from harness.measure.integrity import n_repeated, order_effect
from harness.pair import LossReason
from harness.part import clusters_of
from harness.stats.clusters import Clusters, Grouped
from harness.stats.missingness import missing_difference
from harness.stats.sampling_ratio import sampling_log_e, sampling_p_value
from harness.verdict import Circumstances, OrderEffect

_SIDES = ("champion", "challenger")


def circumstances(one: Collected, looked_at: Collected) -> Circumstances:
    """What a reader should know, judged by nothing.

    Args:
        looked_at: The same, or enough of it to look for an effect of the order of calls.
    """
    return Circumstances(
        n_duplicates=one.conservation.losses.get(LossReason.DUPLICATE, 0),
        n_repeated_content=n_repeated(one.values, "content_hash"),
        n_retried=one.n_retried,
        order_effects=tuple(_order_effects(looked_at)) if one.order_is_ours else (),
    )


def _order_effects(one: Collected) -> Iterator[OrderEffect]:
    clusters = clusters_of(one.values)
    for side in _SIDES:
        seen = order_effect(one.values, side)
        if seen.n_first and seen.n_later:
            yield replace(seen, p_value=_order_p_value(one, side, clusters))
        else:
            yield seen


def _order_p_value(one: Collected, side: str, clusters: Clusters) -> float | None:
    """Of ranks, so that one slow answer does not hide what the others say."""
    latency = pl.when(~pl.col(f"{side}_failed")).then(pl.col(f"{side}_latency_s"))
    seen = one.values.select(
        rank=latency.rank("average").cast(pl.Float64).fill_null(np.nan),
        first=pl.col(f"{side}_order") == 0,
    ).collect()
    rank = seen["rank"].to_numpy()
    known = ~np.isnan(rank)
    first = seen["first"].fill_null(value=False).to_numpy()
    found = missing_difference(rank[known], first[known], clusters.where(known))
    return None if found is None else found.p_value


def sampled(one: Collected, clusters: Grouped) -> Sampled | None:
    """What was drawn of the requests, where not all were to be.

    Sampling is by cluster, so that counts of requests vary more than a coin's: they are divided by
    the size of the cluster that a request comes from on average.
    """
    share = one.sampled_share
    losses = one.conservation.losses
    n_eligible = one.conservation.received - losses.get(LossReason.INELIGIBLE, 0)
    if share is None or share >= 1 or n_eligible <= 0 or not clusters.n_pairs:
        return None
    n_drawn = n_eligible - losses.get(LossReason.SAMPLED_OUT, 0)
    if share <= 0:
        return Sampled(n_drawn, n_eligible, share, 0.0)  # nothing was to be drawn, and there it is
    size = float(clusters.sizes @ clusters.sizes) / clusters.n_pairs
    counts, shares = (n_drawn / size, (n_eligible - n_drawn) / size), (share, 1 - share)
    if one.policy.sequential:
        p_value = min(1.0, math.exp(min(0.0, -sampling_log_e(counts, shares))))
    else:
        p_value = sampling_p_value(counts, shares)
    return Sampled(n_drawn, n_eligible, share, p_value)

"""The spread of a difference of quantiles by drawing clusters again and again, for display.

Holds where the linearised interval does not (few values beyond the quantile), at the price of
draws. Clusters are drawn with replacement by multinomial weights on arrays sorted once; nothing is
copied. Quantiles interpolate between values (Hyndman & Fan's type 7), as numpy's do.

References:
    Field & Welsh (2007), Journal of the Royal Statistical Society B 69:369, for drawing clusters.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.stats.clusters import Clusters, Codes, Floats
from harness.stats.interval import Interval


@dataclass(frozen=True, slots=True)
class BootstrapQuantile:
    """Challenger's quantile minus the champion's, or the log of their ratio.

    Attributes:
        interval: Two-sided, percentile.
        se: Standard deviation over the draws.
    """

    estimate: float
    interval: Interval
    se: float


def bootstrap_quantile(
    champion: Floats,
    challenger: Floats,
    clusters: Clusters,
    *,
    p: float,
    confidence: float,
    relative: bool = False,
    n_draws: int = 2_000,
    seed: int = 0,
) -> BootstrapQuantile:
    """Estimate the difference (or log ratio) of two quantiles with a cluster bootstrap.

    Cost and memory per draw are those of one pass over the pairs; beyond a million pairs use
    `harness.stats.quantile`.
    """
    left, right = _Sorted.of(champion, clusters), _Sorted.of(challenger, clusters)
    rng = np.random.default_rng(seed)
    count = clusters.n_clusters
    even = np.full(count, 1 / count)

    def difference(weights: NDArray[np.int64]) -> float:
        before, after = left.quantile(p, weights), right.quantile(p, weights)
        return math.log(after / before) if relative else after - before

    draws = np.array([difference(rng.multinomial(count, even)) for _ in range(n_draws)])
    low, high = np.quantile(draws, ((1 - confidence) / 2, (1 + confidence) / 2))
    return BootstrapQuantile(
        difference(np.ones(count, dtype=np.int64)),
        Interval(float(low), float(high)),
        float(draws.std(ddof=1)),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Sorted:
    values: Floats
    codes: Codes

    @classmethod
    def of(cls, values: Floats, clusters: Clusters) -> _Sorted:
        order = np.argsort(values, kind="stable")
        return cls(values[order], clusters.codes[order])

    def quantile(self, p: float, weights: NDArray[np.int64]) -> float:
        """The quantile when each cluster counts as often as its weight."""
        cumulative = np.cumsum(weights[self.codes])
        place = p * (int(cumulative[-1]) - 1)
        rank = math.floor(place)
        below, above = np.searchsorted(cumulative, (rank, rank + 1), side="right")
        low = float(self.values[below])
        high = float(self.values[min(above, self.values.size - 1)])
        return low + (place - rank) * (high - low)

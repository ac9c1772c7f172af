"""What to take for granted where no pilot has been run."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import stats

from harness.stats.power import design_effect_of
from harness.stats.prospects import Clustering


@dataclass(frozen=True, slots=True)
class Assumptions:
    """Numbers somebody believes before there are any.

    Attributes:
        disagreement: Share of pairs in which exactly one side is right, fails, or is too slow.
        spread: Standard deviation of the logarithm of a side's times, costs or tokens, which are
            taken to be log-normal. The two sides are taken to be independent: the worst case.
        icc: Correlation of two pairs of one user.
    """

    disagreement: float = 0.05
    spread: float = 0.5
    icc: float = 0.05

    @property
    def ratio_sd(self) -> float:
        """Of one pair's influence on the log ratio of means."""
        return math.sqrt(2 * math.expm1(self.spread**2))

    def quantile_ratio_sd(self, p: float) -> float:
        """Of one pair's influence on the log ratio of quantiles."""
        density = float(stats.norm.pdf(stats.norm.ppf(p)))
        return math.sqrt(2 * p * (1 - p)) * self.spread / density

    def clustering(self, pairs_per_cluster: float) -> Clustering:
        """With sizes as uneven as chance makes them: their standard deviation is their mean."""
        if pairs_per_cluster <= 1:
            return Clustering()
        deff = design_effect_of(mean_size=pairs_per_cluster, size_variation=1.0, icc=self.icc)
        return Clustering(pairs_per_cluster, deff)

"""How likely a rule is to pass, before there are data: one class for each kind of test.

Theory of operation
===================

A prospect knows the null of a rule and what one cluster is worth as evidence, and answers one
question: with so many clusters, and this harm in truth, how likely is the gate's own test to show
the harm below the null? The rest is searching: for the fewest clusters with enough power, for the
largest harm that so many clusters would still pass, for the smallest margin they can bear.

Clusters are the units throughout, as they are in the gate. Harms of a `MeanProspect` are on the
tested scale, log ratios where a margin is relative; all others are as a rule says them.

References:
    Nam (1997), Biometrics 53:1422, for the power of a score test of paired proportions; with a null
    of 0 it is that of Connor (1987), Biometrics 43:207.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from scipy import optimize, stats

from harness.stats.power import t_power
from harness.stats.proportion import MIN_DISCORDANT_CLUSTERS
from harness.stats.stopping import betting_stop, mixture_stop
from harness.stats.sufficiency import MIN_CLUSTERS
from harness.stats.tango import Discordance

# More clusters than this is no plan.
MOST_CLUSTERS = 10**9

# Beyond this many standard errors the noncentral t of scipy gives up, and power is 1.
_FAR = 30.0

_EDGE = 1e-9


@dataclass(frozen=True, slots=True)
class Clustering:
    """How pairs come in clusters.

    Attributes:
        pairs_per_cluster: On average, 1 or more.
        deff: Pairs needed for the evidence of one independent pair, 1 or more.
    """

    pairs_per_cluster: float = 1.0
    deff: float = 1.0

    def worth(self, n_clusters: float, event_rate: float) -> float:
        """What clusters are worth in independent pairs, when events have this rate.

        With fewer than 20 clusters that have an event the gate counts clusters as pairs.
        """
        size = self.pairs_per_cluster
        if size <= 1:
            return n_clusters
        n_telling = n_clusters * -math.expm1(size * math.log1p(-min(event_rate, 1 - _EDGE)))
        deff = max(self.deff, size) if n_telling < MIN_DISCORDANT_CLUSTERS else self.deff
        return n_clusters * size / deff


@dataclass(frozen=True, slots=True)
class MeanProspect:
    """A mean, a log ratio of means, or a quantile: whatever the clustered t-test answers.

    Attributes:
        null: What the harm has to be surely below.
        cluster_sd: Standard error of the estimate times the square root of the clusters.
    """

    null: float
    cluster_sd: float

    lowest: float = -math.inf
    """The smallest harm there can be."""

    def power(self, harm: float, n_clusters: float, *, alpha: float) -> float:
        """Chance to pass."""
        distance = (self.null - harm) / self.cluster_sd
        if distance * math.sqrt(n_clusters) > _FAR:
            return 1.0
        return t_power(distance=distance, n_pairs=n_clusters, alpha=alpha)

    def stop(self, harm: float, *, alpha: float, planned: float) -> float:
        """Clusters at which an always-valid test tuned to `planned` is expected to stop."""
        return mixture_stop(
            variance=self.cluster_sd**2, distance=self.null - harm, alpha=alpha, planned=planned
        )


@dataclass(frozen=True, slots=True)
class PairedRatesProspect:
    """A yes or no on both sides: Tango's score, scaled for clusters.

    Attributes:
        null: The margin, in (-1, 1).
        disagreement: Share of pairs in which the sides differ; at least the harm itself.
    """

    null: float
    disagreement: float
    clustering: Clustering

    lowest: float = -1.0

    def power(self, harm: float, n_clusters: float, *, alpha: float) -> float:
        """Chance to pass."""
        seen = self._seen(harm)
        worth = self.clustering.worth(n_clusters, seen.wins + seen.losses)
        critical = float(stats.t.isf(alpha, n_clusters - 1)) * seen.null_se(-self.null)
        excess = (self.null - harm) * math.sqrt(worth) - critical
        spread = math.sqrt(max(0.0, seen.wins + seen.losses - harm**2))
        if spread == 0:
            return float(excess > 0)
        return float(stats.norm.cdf(excess / spread))

    def stop(self, harm: float, *, alpha: float, planned: float) -> float:
        """Clusters at which the capital of the betting test is expected to reach its goal."""
        seen = self._seen(harm)
        worth = self.clustering.worth(planned, seen.wins + seen.losses) / planned
        stop = betting_stop(wins=seen.wins, losses=seen.losses, margin=self.null, alpha=alpha)
        return stop / worth

    def _seen(self, harm: float) -> Discordance:
        differ = min(1.0, max(self.disagreement, abs(harm)))
        return Discordance((differ - harm) / 2, (differ + harm) / 2, 1.0)


@dataclass(frozen=True, slots=True)
class RateProspect:
    """One yes or no against a limit: Clopper and Pearson's bound, deflated for clusters.

    Attributes:
        null: The limit as a harm: the limit itself, or minus it where more is better.
        offset: Added to a harm it gives the rate of what should be rare: 0, or 1 where more is
            better.
    """

    null: float
    clustering: Clustering
    offset: float = 0.0

    @property
    def lowest(self) -> float:
        return -self.offset

    def power(self, harm: float, n_clusters: float, *, alpha: float) -> float:
        """Chance to pass."""
        rate, limit = harm + self.offset, self.null + self.offset
        n = self.clustering.worth(n_clusters, max(0.0, rate))
        most = _most_events(limit, n, alpha)
        if most < 0:
            return 0.0
        return float(stats.beta.sf(rate, most + 1, n - most)) if rate > 0 else 1.0

    def stop(self, harm: float, *, alpha: float, planned: float) -> float:
        """Clusters at which the capital of the betting test is expected to reach its goal."""
        rate, limit = harm + self.offset, self.null + self.offset
        worth = self.clustering.worth(planned, max(0.0, rate)) / planned
        # A pair without an event is a tie here, and one with it a loss of a whole point.
        return betting_stop(wins=0.0, losses=rate, margin=limit, alpha=alpha) / worth


@dataclass(frozen=True, slots=True)
class SilentProspect:
    """No pair differs at all, as with a fixed price: the rule of three.

    Attributes:
        reach: The largest harm of a single pair.
        evenness: Clusters of even size that one cluster stands for, up to 1.
    """

    null: float
    reach: float
    evenness: float = 1.0

    lowest: float = 0.0

    def power(self, harm: float, n_clusters: float, *, alpha: float) -> float:
        """1 or 0: what is always equal passes for certain, once there are enough clusters."""
        hidden = -self.reach * math.expm1(math.log(alpha) / (n_clusters * self.evenness))
        return float(harm == 0 and hidden < self.null)

    def stop(self, harm: float, *, alpha: float, planned: float) -> float:
        """As many as planned: without any spread nothing is to be gained by looking earlier."""
        return planned


Prospect = MeanProspect | PairedRatesProspect | RateProspect | SilentProspect


def clusters_for(
    prospect: Prospect, *, harm: float, alpha: float, power: float, least: int = MIN_CLUSTERS
) -> int | None:
    """The fewest clusters that show `harm` to be below the null with this power.

    Args:
        least: Never fewer than these.

    Returns:
        None where no number would do: the harm is at the null or beyond.

    Examples:
        Two percent of pairs differ, the sides are equally good, and a margin of one point:

        >>> prospect = PairedRatesProspect(0.01, 0.02, Clustering())
        >>> clusters_for(prospect, harm=0.0, alpha=0.05, power=0.8)
        1398
    """
    if not harm < prospect.null:
        return None

    def enough(n_clusters: int) -> bool:
        return prospect.power(harm, n_clusters, alpha=alpha) >= power

    high = least
    while not enough(high):
        high *= 2
        if high > MOST_CLUSTERS:
            return None
    low = max(least, high // 2)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return high


def provable_harm(
    prospect: Prospect, *, n_clusters: int, alpha: float, power: float
) -> float | None:
    """The largest true harm that so many clusters would show to be below the null.

    Returns:
        None where not even the smallest harm there is would pass.
    """
    if n_clusters < MIN_CLUSTERS:
        return None
    if isinstance(prospect, SilentProspect):
        return 0.0 if prospect.power(0.0, n_clusters, alpha=alpha) >= power else None

    def excess(distance: float) -> float:
        return prospect.power(prospect.null - distance, n_clusters, alpha=alpha) - power

    distance = _first_above(excess, most=prospect.null - prospect.lowest)
    return None if distance is None else prospect.null - distance


def smallest_margin(
    prospect: Prospect, *, n_clusters: int, alpha: float, power: float
) -> float | None:
    """The smallest null that so many clusters would show a harm of 0 to be below."""
    if n_clusters < MIN_CLUSTERS:
        return None

    def excess(null: float) -> float:
        return replace(prospect, null=null).power(0.0, n_clusters, alpha=alpha) - power

    most = 1.0 if isinstance(prospect, PairedRatesProspect | RateProspect) else math.inf
    return _first_above(excess, most=most)


def _first_above(excess: Callable[[float], float], *, most: float) -> float | None:
    """Where a rising function first exceeds 0 between 0 and `most`; None where it does not."""
    end = most * (1 - _EDGE) if math.isfinite(most) else _EDGE
    while excess(end) < 0:
        if math.isfinite(most) or end > 1e12:
            return None
        end *= 2
    # By halving: a bound with a step in it, as that of a count, has no root to converge to.
    return float(optimize.bisect(excess, 0.0, end, rtol=1e-9)) if excess(0.0) < 0 else 0.0


def _most_events(limit: float, n: float, alpha: float) -> int:
    """How many events leave the upper bound below the limit; -1 when none does."""
    if not 0 < limit < 1 or stats.beta.isf(alpha, 1, n) >= limit:
        return -1
    low, high = 0, max(1, math.ceil(limit * n))
    while high - low > 1:
        middle = (low + high) // 2
        passes = middle < n and stats.beta.isf(alpha, middle + 1, n - middle) < limit
        low, high = (middle, high) if passes else (low, middle)
    return low

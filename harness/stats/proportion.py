"""How much more often the challenger is wrong, fails, or is too slow.

Theory of operation
===================

Every pair is a win (only the challenger gets it right), a loss (only the champion does) or a tie.
A t-test on these is fine for estimating and dangerous for gating: with rare events the first
hundred pairs often hold no loss, hence no variance, hence false certainty (up to 16 % of harmful
challengers passed at a nominal 5 %). So the gate uses Tango's score, whose variance comes from the
null. Clusters enter by dividing the counts by the design effect (Rao & Scott 1992):

    deff = max(1, CR2 variance / variance of independent pairs)

A design effect estimated from a handful of differing clusters is itself a guess. With fewer than
20 clusters that differ, clusters count as the units: deff is at least pairs per cluster.

References:
    Tango (1998), Statistics in Medicine 17:891. Rao & Scott (1992), Biometrics 48:577.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from harness.metric import Better
from harness.stats.clustered import Clustered, cr2
from harness.stats.clustered_t import POWER
from harness.stats.clusters import Clusters, Floats, Grouped
from harness.stats.mean import Moments, Weighing
from harness.stats.paired import Paired
from harness.stats.paired_sums import PairedSums, Range
from harness.stats.question import Question
from harness.stats.sufficiency import Shortage, cautions, shortage
from harness.stats.tango import Discordance
from harness.verdict import Estimate, Unavailable

# With fewer clusters that differ, their design effect is not to be believed.
MIN_DISCORDANT_CLUSTERS = 20


def proportion_harm(
    champion: ArrayLike,
    challenger: ArrayLike,
    clusters: Clusters,
    *,
    better: Better,
    null: float,
    confidence: float,
    metric: str,
    unit: str,
    relative: bool = False,
) -> Estimate | Unavailable:
    """Estimate how much worse the challenger's share of yes is.

    Args:
        champion: 1 for yes, 0 for no, NaN where unknown; such pairs are left out and counted.
        challenger: The same for the challenger.
        clusters: Aligned with both.
        better: `HIGHER` for accuracy, `LOWER` for a failure rate or an exceedance.
        null: The margin, as a difference of shares in (-1, 1).
        confidence: 1 minus the error on each side, above 0.5.
        relative: Refused: a margin on a share is in percentage points.

    Returns:
        The estimate, also when no pair differs; `Unavailable` with fewer than eight clusters or
        with one that holds nearly everything.

    Raises:
        ValueError: When `relative`, or when values are neither 0 nor 1.

    Examples:
        >>> same = np.ones(500)
        >>> found = proportion_harm(same, same, Clusters.independent(500), better=Better.HIGHER,
        ...     null=0.01, confidence=0.95, metric="accuracy", unit="fraction")
        >>> round(found.harm_high, 4), found.p_value < 0.05
        (0.0054, True)
    """
    if relative:
        raise ValueError("a share has no relative margin; give it in percentage points")
    question = Question(metric, unit, better, null, confidence)
    pairs = Paired.complete(champion, challenger, clusters)
    require_binary(pairs.champion)
    require_binary(pairs.challenger)
    return judged_shares(question, ShareSums.of(pairs))


@dataclass(frozen=True, slots=True, eq=False)
class ShareSums:
    """Complete pairs of yes and no, counted by cluster. Counts of parts add up, exactly.

    Attributes:
        clusters: Those with a complete pair.
        champion: Yeses of the champion in each cluster.
        rise: Of each cluster, pairs where only the challenger says yes less those where only the
            champion does.
        n_differing: Pairs of each cluster where the sides differ.
    """

    clusters: Grouped
    n_left_out: int
    champion: Floats
    rise: Floats
    n_differing: Floats

    @classmethod
    def of(cls, pairs: Paired) -> ShareSums:
        """Count pairs that are all at hand."""
        rise = pairs.challenger - pairs.champion
        return cls(
            clusters=pairs.clusters,
            n_left_out=pairs.n_left_out,
            champion=pairs.clusters.totals(pairs.champion),
            rise=pairs.clusters.totals(rise),
            n_differing=pairs.clusters.totals(rise != 0),
        )

    @property
    def paired(self) -> PairedSums:
        """The same as sums of numbers, 1 and 0, whose mean is the share."""
        return PairedSums(
            clusters=self.clusters,
            n_left_out=self.n_left_out,
            champion=self.champion,
            challenger=self.champion + self.rise,
            difference=self.rise,
            champion_range=Range(0.0, float(self.champion.any())),
            challenger_range=Range(0.0, float((self.champion + self.rise).any())),
            n_different=int(self.n_differing.sum()),
            is_finite=True,
        )

    def moments(self, harm: Weighing) -> Moments:
        """Of the influence on the mean difference: pairs rise, fall, or stay."""
        n_differing, rise = float(self.n_differing.sum()), float(self.rise.sum())
        counts = np.array([n_differing + rise, n_differing - rise]) / 2
        counts = np.append(counts, self.clusters.n_pairs - n_differing)
        influence = harm.sign * np.array([1.0, -1.0, 0.0]) - harm.centre
        return Moments(float(counts @ influence**2), float(counts @ influence**3))


def judged_shares(question: Question, sums: ShareSums) -> Estimate | Unavailable:
    """The estimate of a difference of shares, from counts."""
    lack = shortage(sums.clusters) or impossible_margin(question.null)
    if lack is not None:
        return question.refuse(lack, sums)
    gain = -question.sign * sums.rise + 0.0  # never a negative zero
    return _estimate(question, sums, RaoScott.of_sums(gain, sums.n_differing, sums.clusters))


@dataclass(frozen=True, slots=True)
class RaoScott:
    """Discordant counts scaled to what they are worth as independent pairs.

    Attributes:
        moment: The mean gain with its CR2 variance.
        seen: The counts themselves.
        deff: What they are divided by, 1 or more.
        n_discordant_clusters: Clusters with at least one win or loss.
    """

    moment: Clustered
    seen: Discordance
    deff: float
    n_discordant_clusters: int

    @classmethod
    def of(cls, gain: Floats, clusters: Clusters) -> RaoScott:
        """From 1 for a win, -1 for a loss and 0 for a tie."""
        return cls.of_sums(clusters.totals(gain), clusters.totals(gain != 0), clusters)

    @classmethod
    def of_sums(cls, gain: Floats, n_differing: Floats, clusters: Grouped) -> RaoScott:
        """From the wins less the losses of each cluster, and the two together."""
        n_pairs, sizes = clusters.n_pairs, clusters.sizes
        n_differ, surplus = int(n_differing.sum()), int(gain.sum())
        seen = Discordance((n_differ + surplus) // 2, (n_differ - surplus) // 2, n_pairs)
        moment = cr2(seen.theta, gain - seen.theta * sizes, sizes)
        n_discordant = int(np.count_nonzero(n_differing))
        return cls(moment, seen, _deff(moment, seen, clusters, n_discordant), n_discordant)

    @property
    def scaled(self) -> Discordance:
        return self.seen.deflated(self.deff)

    def p_better(self, theta0: float) -> float:
        """One-sided p-value of "the gain is `theta0` or less"."""
        return (
            1.0
            if self._is_silent(theta0)
            else float(stats.t.sf(self.scaled.score(theta0), self.moment.df))
        )

    def p_worse(self, theta0: float) -> float:
        """One-sided p-value of "the gain is `theta0` or more"."""
        return (
            1.0
            if self._is_silent(theta0)
            else float(stats.t.cdf(self.scaled.score(theta0), self.moment.df))
        )

    def _is_silent(self, theta0: float) -> bool:
        """Whether nothing is asked of nothing: no pair differs, and no difference is the null."""
        return theta0 == 0 and self.seen.wins + self.seen.losses == 0


def require_binary(values: Floats) -> None:
    """Raise ValueError unless every value is 0 or 1."""
    odd = (values != 0) & (values != 1)
    if odd.any():
        raise ValueError(f"{values[odd][0]:g} among yes-or-no values, which are 1 or 0")


def _deff(
    moment: Clustered, seen: Discordance, clusters: Grouped, n_discordant_clusters: int
) -> float:
    if clusters.n_clusters == clusters.n_pairs:
        return 1.0
    pairs_per_cluster = clusters.n_pairs / clusters.n_clusters
    spread = (seen.wins + seen.losses) / seen.n - seen.theta**2
    if spread <= 0:  # no pair differs, or all differ the same way
        return pairs_per_cluster
    deff = max(1.0, moment.variance * seen.n / spread)
    if n_discordant_clusters < MIN_DISCORDANT_CLUSTERS:
        return max(deff, pairs_per_cluster)
    return deff


def impossible_margin(null: float) -> Shortage | None:
    if -1 < null < 1:
        return None
    return Shortage(f"two shares never differ by {abs(null):g} or more")


def _estimate(question: Question, pairs: ShareSums, scaled: RaoScott) -> Estimate:
    # The score speaks of gains, the estimate of harms: the signs turn and the ends swap.
    counts, theta0 = scaled.scaled, -question.null
    reach = float(stats.t.ppf(question.confidence, scaled.moment.df))
    effort = float(stats.norm.ppf(question.confidence) + stats.norm.ppf(POWER))
    return Estimate(
        metric=question.metric,
        unit=question.unit,
        champion=pairs.paired.champion_mean,
        challenger=pairs.paired.challenger_mean,
        harm=-scaled.seen.theta + 0.0,  # never a negative zero
        harm_low=-counts.upper(reach),
        harm_high=-counts.lower(reach),
        confidence=question.confidence,
        null=question.null,
        p_value=scaled.p_better(theta0),
        p_harm=scaled.p_worse(theta0),
        method="Tango score, Rao-Scott",
        n_pairs=pairs.clusters.n_pairs,
        n_clusters=pairs.clusters.n_clusters,
        n_left_out=pairs.n_left_out,
        df=scaled.moment.df,
        deff=scaled.deff,
        detectable=effort * counts.null_se(theta0),
        warnings=cautions(pairs.clusters) + _few_differences(scaled),
    )


def _few_differences(scaled: RaoScott) -> tuple[str, ...]:
    if scaled.n_discordant_clusters >= MIN_DISCORDANT_CLUSTERS or scaled.deff <= 1:
        return ()
    return (
        f"the sides differ in {scaled.n_discordant_clusters} clusters only, too few to learn how "
        f"alike pairs of a cluster are: each cluster counts as one pair",
    )

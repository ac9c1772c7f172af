"""When champion and challenger have the same value on every single pair, or all harm is zero.

There is no spread, so a t-test would claim certainty. What is known is how rare a difference must
be for none to show in so many clusters (the rule of three), and, where values have a largest one,
how much a differing pair can cost. With K clusters of effective number `K' = M^2 / sum(m^2)`, a
share `q` of differing pairs stays unseen with probability `(1 - q)^K'`, and then the mean harm is
at most `q` times the largest value.

The largest value is taken from the data, which is an assumption and is said: right for a fixed
price, wrong for a quantity that could suddenly be a hundred times as large. Where the largest value
is known by nature, nothing is assumed.

References:
    Hanley & Lippman-Hand (1983), JAMA 249:1743, for the rule of three.
"""

from __future__ import annotations

from dataclasses import replace

from harness.stats.clusters import Grouped
from harness.stats.paired_sums import PairedSums, SingleSums
from harness.stats.question import Question
from harness.stats.sufficiency import cautions
from harness.verdict import Estimate

METHOD = "no difference seen, rule of three"


def differs_nowhere(pairs: PairedSums) -> bool:
    """Whether every pair has one and the same value on both sides, above zero somewhere."""
    values = pairs.champion_range
    return pairs.is_finite and pairs.n_different == 0 and values.low >= 0 < values.high


def no_difference(question: Question, pairs: PairedSums) -> Estimate:
    """The harm that could still hide, in the unit of the harm; relative where that is asked.

    Args:
        pairs: Not empty, equal on both sides, never negative.
    """
    mean, most = pairs.champion_mean, pairs.champion_range.high
    reach = most / mean if question.relative else most
    assumed = (
        f"no pair differs; the bound takes {most:.6g}, the largest value seen, for the largest "
        f"there is"
    )
    found = _rule_of_three(question, pairs.clusters, reach, (assumed,))
    return replace(found, champion=mean, challenger=mean, n_left_out=pairs.n_left_out)


def nothing_seen(question: Question, pairs: SingleSums, *, reach: float) -> Estimate:
    """The mean harm that could still hide where it is zero on every pair.

    Args:
        reach: The largest harm of one pair that is possible, either way.
    """
    found = _rule_of_three(question, pairs.clusters, reach, ())
    return replace(found, challenger=0.0, n_left_out=pairs.n_left_out)


def _rule_of_three(
    question: Question, clusters: Grouped, reach: float, warnings: tuple[str, ...]
) -> Estimate:
    sizes = clusters.sizes
    n_effective = float(sizes.sum() ** 2 / (sizes @ sizes))
    hidden = reach * (1 - question.alpha ** (1 / n_effective))
    p_value, p_harm = (
        max(0.0, 1 - shift / reach) ** n_effective if shift > 0 else 1.0
        for shift in (question.null, -question.null)
    )
    return Estimate(
        metric=question.metric,
        unit=question.unit,
        champion=None,
        challenger=None,
        harm=0.0,
        harm_low=-hidden,
        harm_high=hidden,
        confidence=question.confidence,
        null=question.null,
        p_value=p_value,
        p_harm=p_harm,
        method=METHOD,
        n_pairs=clusters.n_pairs,
        n_clusters=clusters.n_clusters,
        relative=question.relative,
        deff=clusters.n_pairs / n_effective,
        warnings=(*warnings, *cautions(clusters)),
    )

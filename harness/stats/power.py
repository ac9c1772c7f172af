"""How many pairs a test needs before there is any data, and what so many pairs could show.

All numbers are of independent pairs: multiply by the design effect, or use `design_effect_of` with
what a champion-only log says about cluster sizes and how alike pairs of a cluster are. `distance`
is always how far the true value is assumed to lie from the null: the effect for superiority, effect
plus margin for non-inferiority.

References:
    Connor (1987), Biometrics 43:207 (McNemar). Donner & Klar (2000), Design and Analysis of Cluster
    Randomization Trials (design effect with unequal sizes).
"""

from __future__ import annotations

import math

from scipy import optimize, stats


def design_effect_of(*, mean_size: float, size_variation: float, icc: float) -> float:
    """Pairs in clusters needed for the evidence of one independent pair.

    Args:
        mean_size: Pairs per cluster.
        size_variation: Coefficient of variation of the sizes.
        icc: Correlation of the differences of two pairs of a cluster.

    Examples:
        >>> design_effect_of(mean_size=10, size_variation=0, icc=0.1)
        1.9
    """
    return 1 + ((1 + size_variation**2) * mean_size - 1) * icc


def pairs_needed(*, variance: float, distance: float, alpha: float, power: float) -> float:
    """Pairs for a one-sided normal test; not rounded.

    Args:
        variance: Of one pair's difference (or influence). For win and loss rates it is
            `wins + losses - (wins - losses)^2`.
        distance: From the null, not 0.
        alpha: One-sided error.

    Examples:
        Two percent of pairs differ, no true difference, a margin of one point:

        >>> round(pairs_needed(variance=0.02, distance=0.01, alpha=0.05, power=0.8))
        1237
    """
    return variance * (_effort(alpha, power) / distance) ** 2


def normal_power(
    *, variance: float, distance: float, n_pairs: float, alpha: float, sides: int = 1
) -> float:
    """Chance that a normal test of `n_pairs` pairs shows a difference.

    Args:
        alpha: Of the whole test; half of it on each side with two `sides`.
    """
    reached = abs(distance) * math.sqrt(n_pairs / variance)
    critical = float(stats.norm.isf(alpha / sides))
    power = float(stats.norm.cdf(reached - critical))
    return power + float(stats.norm.cdf(-reached - critical)) if sides == 2 else power


def mcnemar_pairs(*, wins: float, losses: float, alpha: float, power: float) -> float:
    """Pairs for McNemar's test to show that wins and losses differ; `alpha` one-sided.

    Examples:
        >>> round(mcnemar_pairs(wins=0.45, losses=0.05, alpha=0.05, power=0.9), 2)
        22.81
    """
    discordant, difference = wins + losses, wins - losses
    under_null = float(stats.norm.isf(alpha)) * math.sqrt(discordant)
    under_truth = float(stats.norm.ppf(power)) * math.sqrt(discordant - difference**2)
    return ((under_null + under_truth) / difference) ** 2


def silent_pairs(*, margin: float, alpha: float) -> float:
    """Pairs without a single event that bound its rate below `margin`: the rule of three.

    Examples:
        >>> round(silent_pairs(margin=0.01, alpha=0.05))
        298
    """
    return math.log(alpha) / math.log1p(-margin)


def t_power(*, distance: float, n_pairs: float, alpha: float, sides: int = 1) -> float:
    """Chance that a paired t-test shows a difference.

    Args:
        distance: In standard deviations of the differences.
        alpha: Of the whole test; half of it on each side with two `sides`.
    """
    df, shift = n_pairs - 1, distance * math.sqrt(n_pairs)
    critical = float(stats.t.isf(alpha / sides, df))
    power = float(stats.nct.sf(critical, df, shift))
    if sides == 1 or shift > 5:  # then the far tail is below 1e-10, and scipy returns NaN for it
        return power
    return power + float(stats.nct.cdf(-critical, df, shift))


def t_pairs(*, distance: float, alpha: float, power: float, sides: int = 1) -> float:
    """Pairs for a paired t-test; `distance` above 0, in standard deviations of the differences."""

    def gap(n_pairs: float) -> float:
        return t_power(distance=distance, n_pairs=n_pairs, alpha=alpha, sides=sides) - power

    guess = pairs_needed(variance=1, distance=distance, alpha=alpha / sides, power=power)
    return float(optimize.brentq(gap, 2.0, 2 * guess + 30, xtol=1e-9))


def t_detectable(*, n_pairs: float, alpha: float, power: float, sides: int = 1) -> float:
    """The distance, in standard deviations of the differences, that a paired t-test would show."""

    def gap(distance: float) -> float:
        return t_power(distance=distance, n_pairs=n_pairs, alpha=alpha, sides=sides) - power

    guess = _effort(alpha / sides, power) / math.sqrt(n_pairs)
    return float(optimize.brentq(gap, guess / 4, 4 * guess, xtol=1e-12))


def _effort(alpha: float, power: float) -> float:
    return float(stats.norm.isf(alpha) + stats.norm.ppf(power))

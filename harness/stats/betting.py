"""Bets against a harmful challenger: evidence for bounded values and rare events.

Someone who does not believe that the mean of `y` is 0 or less stakes a share of his capital on the
next value, again and again. If it is 0 or less he cannot expect to get rich, whenever he stops; so
his capital is an e-process. Nothing is approximated: with rare losses, where a normal bound passes
harm one time in five, this one keeps its word.

The *grid* mixture splits the capital over 24 constant stakes. It does not depend on the order of
the pairs, parts add up, and for wins and losses three counters are its whole state. The
*predictable* stakes learn from the values so far; somewhat faster, in order, not mergeable.

References:
    Waudby-Smith & Ramdas (2024), Journal of the Royal Statistical Society B 86:1.
"""

from __future__ import annotations

import math

import numpy as np

from harness.stats.clusters import Floats
from harness.stats.interval import Interval

# Constant stakes from cautious to nearly everything, as shares of the largest that is allowed.
STAKES = 0.95 * np.geomspace(0.002, 1.0, 24)


def grid_log_e_counts(wins: float, losses: float, n: float, *, margin: float) -> float:
    """Log e-value against "the challenger loses by `margin` or more".

    Args:
        wins: Pairs only the challenger gets right; divide all three by the design effect.
        losses: Pairs only the champion gets right.
        n: All pairs.
        margin: In [0, 1).

    Examples:
        About 600 pairs without any difference show a margin of one point:

        >>> round(math.exp(grid_log_e_counts(0, 0, 610, margin=0.01)))
        21
    """
    stakes = STAKES / (1 - margin)
    logs = (
        wins * np.log1p(stakes * (1 + margin))
        + losses * np.log1p(-stakes * (1 - margin))
        + (n - wins - losses) * np.log1p(stakes * margin)
    )
    return mixed(logs)


def grid_log_e(values: Floats, *, worst: float) -> float:
    """Log e-value against "the mean is 0 or less".

    Args:
        values: At least `-worst` each; a gain plus the margin.
        worst: Above 0.
    """
    stakes = STAKES / worst
    return mixed(np.array([np.log1p(stake * values).sum() for stake in stakes]))


def mixed(logs: Floats) -> float:
    """Log capital when it was split evenly over bets with these log gains."""
    best = float(logs.max())
    # scipy's logsumexp takes ten times as long for two dozen numbers, and bounds ask hundreds.
    return best + math.log(float(np.exp(logs - best).sum()) / logs.size)


def predictable_stakes(values: Floats, *, alpha: float) -> Floats:
    """The stake before each value in [0, 1], from those before it; not yet capped."""
    t = np.arange(1, values.size + 1)
    means = (0.5 + np.cumsum(values)) / (t + 1)
    variances = (0.25 + np.cumsum((values - means) ** 2)) / (t + 1)
    before = np.concatenate(([0.25], variances[:-1]))
    return np.asarray(np.sqrt(2 * math.log(1 / alpha) / (t * np.log1p(t) * before)))


def log_capital(values: Floats, mean: float, *, alpha: float) -> Floats:
    """Log capital after each value in [0, 1] of betting that their mean is above `mean`."""
    stakes = np.minimum(predictable_stakes(values, alpha=alpha), 0.5 / mean)
    return np.asarray(np.cumsum(np.log1p(stakes * (values - mean))))


def log_hedged_capital(values: Floats, mean: float, *, alpha: float) -> Floats:
    """Log capital after each value when half is bet on "above" and half on "below" `mean`."""
    up = log_capital(values, mean, alpha=alpha / 2)
    down = log_capital(1 - values, 1 - mean, alpha=alpha / 2)
    return np.maximum(up, down) - math.log(2)


def betting_interval(values: Floats, *, alpha: float, steps: int = 10_000) -> Interval:
    """Means in [0, 1] against which no fortune was made: an interval valid at every look.

    The ends lie on a grid of `1 / steps`.
    """
    inside = 1.0 / steps
    low = _last_refuted(values, alpha=alpha, steps=steps)
    high = 1 - _last_refuted(1 - values, alpha=alpha, steps=steps)
    return Interval(max(0.0, low - inside), min(1.0, high + inside))


def _last_refuted(values: Floats, *, alpha: float, steps: int) -> float:
    """The first mean, from below, at which betting "above" has not made `1 / alpha`."""
    goal = math.log(2 / alpha)
    low, high = 0, steps
    # Capital falls as the mean rises, so the border is found by halving.
    while high - low > 1:
        middle = (low + high) // 2
        grown = log_capital(values, middle / steps, alpha=alpha / 2)[-1]
        low, high = (middle, high) if grown >= goal else (low, middle)
    return high / steps

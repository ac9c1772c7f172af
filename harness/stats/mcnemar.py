"""Tests and intervals for two yes-or-no answers to the same requests, pairs taken as independent.

`wins` are pairs only the challenger gets right, `losses` those only the champion does. Wald's
interval and the continuity-corrected chi-square are left out on purpose: the first is too short
with few differences, the second too cautious always (Fagerland, Lydersen & Laake 2013, BMC Medical
Research Methodology 13:91). For pairs in clusters see `harness.stats.clustered_mcnemar` and, for
gates, `harness.stats.proportion`.
"""

from __future__ import annotations

import math

from scipy import stats

from harness.stats.interval import Interval


def exact_p_value(wins: int, losses: int) -> float:
    """Exact two-sided McNemar test: are wins as likely as losses?

    Examples:
        >>> round(exact_p_value(1, 7), 4)
        0.0703
    """
    if wins + losses == 0:
        return 1.0
    return float(stats.binomtest(min(wins, losses), wins + losses, 0.5).pvalue)


def mid_p_value(wins: int, losses: int) -> float:
    """Two-sided mid-p McNemar test, less cautious than the exact one.

    Examples:
        >>> round(mid_p_value(1, 7), 4), mid_p_value(0, 0)
        (0.0391, 1.0)
    """
    if wins + losses == 0:
        return 1.0
    point = float(stats.binom.pmf(wins, wins + losses, 0.5))
    if wins == losses:
        return 1 - point / 2
    return exact_p_value(wins, losses) - point


def chi_square(wins: float, losses: float) -> float:
    """McNemar's statistic, one degree of freedom, without continuity correction; 0 without any."""
    return (wins - losses) ** 2 / (wins + losses) if wins + losses else 0.0


def newcombe_interval(
    both: int, wins: int, losses: int, neither: int, *, confidence: float
) -> Interval:
    """Two-sided interval of challenger minus champion by square-and-add.

    References:
        Newcombe (1998), Statistics in Medicine 17:2635, method 10.
    """
    n = both + wins + losses + neither
    challenger, champion = (both + wins) / n, (both + losses) / n
    b, a = _wilson(both + wins, n, confidence), _wilson(both + losses, n, confidence)
    phi = _phi(both, wins, losses, neither)
    theta = challenger - champion
    down = _square_and_add(challenger - b.low, a.high - champion, phi)
    up = _square_and_add(b.high - challenger, champion - a.low, phi)
    return Interval(theta - down, theta + up)


def bonett_price_interval(wins: int, losses: int, n: int, *, confidence: float) -> Interval:
    """Two-sided interval of challenger minus champion after adding one win and one loss.

    References:
        Bonett & Price (2012), Journal of Educational and Behavioral Statistics 37:479.
    """
    z = _normal(confidence)
    win, loss = (wins + 1) / (n + 2), (losses + 1) / (n + 2)
    theta = win - loss
    reach = z * math.sqrt((win + loss - theta**2) / (n + 2))
    return Interval(max(-1.0, theta - reach), min(1.0, theta + reach))


def _square_and_add(left: float, right: float, phi: float) -> float:
    return math.sqrt(max(0.0, left**2 - 2 * phi * left * right + right**2))


def _wilson(count: int, n: int, confidence: float) -> Interval:
    found = stats.binomtest(count, n).proportion_ci(confidence, method="wilson")
    return Interval(float(found.low), float(found.high))


def _phi(both: int, wins: int, losses: int, neither: int) -> float:
    """Correlation of the two answers, shrunk towards 0 where it is positive (Newcombe 1998)."""
    margins = (both + wins) * (losses + neither) * (both + losses) * (wins + neither)
    if margins == 0:
        return 0.0
    cross = float(both * neither - wins * losses)
    if cross > 0:
        cross = max(cross - (both + wins + losses + neither) / 2, 0.0)
    return cross / math.sqrt(margins)


def _normal(confidence: float) -> float:
    return float(stats.norm.ppf(0.5 + confidence / 2))

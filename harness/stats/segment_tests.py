"""Do segments of the traffic respond alike, or does a gain in one hide a harm in another?

References:
    Cochran (1954), Biometrics 10:101. Gail & Simon (1985), Biometrics 41:361.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize, special, stats

from harness.stats.clusters import Floats


@dataclass(frozen=True, slots=True)
class Heterogeneity:
    """A statistic over segments, and its p-value: small means they do not respond alike."""

    statistic: float
    p_value: float


def cochran_q(harms: Floats, standard_errors: Floats) -> Heterogeneity:
    """Test whether all segments have the same harm; segments share no cluster."""
    weights = 1 / standard_errors**2
    centre = float(weights @ harms / weights.sum())
    statistic = float(weights @ (harms - centre) ** 2)
    return Heterogeneity(statistic, float(stats.chi2.sf(statistic, harms.size - 1)))


def wald(harms: Floats, covariance: Floats) -> Heterogeneity:
    """Test whether all segments have the same harm, where they vary together.

    Differences from the last segment against their own covariance; with a diagonal one this is
    Cochran's Q.

    Examples:
        >>> found = wald(np.array([0.0, 0.0, 3.0]), np.eye(3))
        >>> round(found.statistic, 6)
        6.0
    """
    apart = harms[:-1] - harms[-1]
    rest = covariance[:-1, -1]
    joint = covariance[:-1, :-1] - rest[:, None] - rest[None, :] + covariance[-1, -1]
    statistic = float(apart @ np.linalg.pinv(joint, hermitian=True) @ apart)
    return Heterogeneity(statistic, float(stats.chi2.sf(statistic, harms.size - 1)))


def both_directions(harms: Floats, standard_errors: Floats) -> float:
    """P-value of "no segment is harmed, or none gains", whatever they share.

    Each half by its most extreme segment after Bonferroni, both halves have to hold
    (intersection-union, Berger 1982). Less powerful than `gail_simon`, which needs independence.
    """
    scores = harms / standard_errors
    weaker = min(float(scores.max()), float(-scores.min()))
    return min(1.0, harms.size * float(stats.norm.sf(weaker)))


def gail_simon(harms: Floats, standard_errors: Floats) -> Heterogeneity:
    """Test whether some segments gain while others are harmed; segments share no cluster.

    Examples:
        >>> found = gail_simon(np.array([-0.04, -0.02, 0.03]), np.array([0.01, 0.01, 0.01]))
        >>> found.statistic, round(found.p_value, 4)
        (9.0, 0.0041)
    """
    squares = (harms / standard_errors) ** 2
    statistic = min(float(squares[harms > 0].sum()), float(squares[harms < 0].sum()))
    return Heterogeneity(statistic, _gail_simon_tail(statistic, harms.size))


def gail_simon_critical_value(n_segments: int, *, alpha: float) -> float:
    """The statistic from which Gail & Simon's p-value is `alpha` or less."""
    return float(
        optimize.brentq(lambda q: _gail_simon_tail(q, n_segments) - alpha, 1e-9, 1e3, xtol=1e-12)
    )


def _gail_simon_tail(statistic: float, n_segments: int) -> float:
    if statistic <= 0:
        return 1.0
    df = np.arange(1, n_segments)
    weights = special.binom(n_segments - 1, df) / 2.0 ** (n_segments - 1)
    return float(weights @ stats.chi2.sf(statistic, df))

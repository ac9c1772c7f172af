"""Time to an answer when some answers were never waited for.

A request that the harness itself gave up on (a shutdown, say) was censored: its answer would have
come later than we looked. Kaplan & Meier's curve uses what is known of it, and the mean time up to
a horizon, the area under the curve, needs no guess about what lies beyond.

References:
    Kaplan & Meier (1958), Journal of the American Statistical Association 53:457. Royston & Parmar
    (2013), BMC Medical Research Methodology 13:152, for the restricted mean.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from harness.stats.clusters import Booleans, Floats


@dataclass(frozen=True, slots=True, eq=False)
class Survival:
    """Kaplan & Meier's curve.

    Attributes:
        at_s: Times of answers, rising.
        share: Share still without an answer just after each.
        n_waiting: Requests still waiting just before each.
        n_answered: Answers at each.
    """

    at_s: Floats
    share: Floats
    n_waiting: Floats
    n_answered: Floats


@dataclass(frozen=True, slots=True)
class RestrictedMean:
    """Mean time up to a horizon, in seconds, with its standard error."""

    mean_s: float
    se_s: float


def survival(time_s: Floats, answered: Booleans) -> Survival:
    """Estimate how many are still without an answer at each time.

    Args:
        time_s: Until the answer, or until we stopped looking.
        answered: Which of the two it was.
    """
    at_s = np.unique(time_s[answered])
    ordered = np.sort(time_s)
    n_waiting = (time_s.size - np.searchsorted(ordered, at_s, side="left")).astype(np.float64)
    ends = np.sort(time_s[answered])
    n_answered = np.diff(np.searchsorted(ends, at_s, side="right"), prepend=0).astype(np.float64)
    share = np.asarray(np.cumprod(1 - n_answered / n_waiting), dtype=np.float64)
    return Survival(at_s, share, n_waiting, n_answered)


def restricted_mean(time_s: Floats, answered: Booleans, *, horizon_s: float) -> RestrictedMean:
    """Estimate the mean of the time to an answer, counted up to `horizon_s`.

    Pairs are taken as independent.

    Examples:
        >>> time_s = np.array([0.1, 0.2, 0.3, 0.4])
        >>> restricted_mean(time_s, np.array([True, True, True, False]), horizon_s=0.4).mean_s
        0.25
    """
    curve = survival(time_s, answered)
    inside = curve.at_s <= horizon_s
    edges = np.concatenate(([0.0], curve.at_s[inside], [horizon_s]))
    areas = np.diff(edges) * np.concatenate(([1.0], curve.share[inside]))
    # What remains under the curve after each answer carries its uncertainty (Greenwood).
    remaining = np.cumsum(areas[::-1])[::-1][1:]
    n, d = curve.n_waiting[inside], curve.n_answered[inside]
    terms = np.divide(remaining**2 * d, n * (n - d), out=np.zeros_like(n), where=n > d)
    return RestrictedMean(float(areas.sum()), math.sqrt(float(terms.sum())))

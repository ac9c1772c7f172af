"""Many questions asked of one run: what is still evidence after asking so often.

A policy's guardrails need nothing from here: all of them have to pass, and asking for more can only
make that harder (an intersection-union test). Holm is for "one of several will do": primaries, and
challengers of one run. Benjamini & Hochberg is for scans, where a share of false finds is accepted.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from harness.stats.clusters import Booleans, Floats


def holm(p_values: ArrayLike) -> Floats:
    """Adjusted p-values that keep the chance of any false find, under any dependence.

    References:
        Holm (1979), Scandinavian Journal of Statistics 6:65.

    Examples:
        >>> holm([0.01, 0.04, 0.03]).tolist()
        [0.03, 0.06, 0.06]
    """
    given = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(given, kind="stable")
    steps = given[order] * np.arange(given.size, 0, -1)
    adjusted = np.empty_like(given)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(steps))
    return adjusted


def benjamini_hochberg(p_values: ArrayLike) -> Floats:
    """Adjusted p-values that keep the share of false finds, where dependence is positive.

    References:
        Benjamini & Hochberg (1995), Journal of the Royal Statistical Society B 57:289.
    """
    given = np.asarray(p_values, dtype=np.float64)
    return np.asarray(stats.false_discovery_control(given, method="bh")) if given.size else given


def benjamini_yekutieli(p_values: ArrayLike) -> Floats:
    """Adjusted p-values that keep the share of false finds under any dependence.

    References:
        Benjamini & Yekutieli (2001), Annals of Statistics 29:1165.
    """
    given = np.asarray(p_values, dtype=np.float64)
    return np.asarray(stats.false_discovery_control(given, method="by")) if given.size else given


def e_bh(e_values: ArrayLike, *, rate: float) -> Booleans:
    """Which e-values are finds when at most a share `rate` of finds may be false, on average.

    Valid under any dependence, and at any time the e-values are looked at.

    References:
        Wang & Ramdas (2022), Journal of the Royal Statistical Society B 84:822.

    Examples:
        >>> e_bh([50, 30, 8, 2, 0.5], rate=0.1).tolist()
        [True, True, False, False, False]
    """
    given = np.asarray(e_values, dtype=np.float64)
    order = np.argsort(-given, kind="stable")
    ranks = np.arange(1, given.size + 1)
    enough = np.flatnonzero(ranks * given[order] / max(1, given.size) >= 1 / rate)
    found = np.zeros(given.size, dtype=np.bool_)
    if enough.size:
        found[order[: enough[-1] + 1]] = True
    return found

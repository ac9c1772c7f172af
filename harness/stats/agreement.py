"""Do two deployments give the same labels, and if not, do they lean to other ones?

References:
    Fleiss, Cohen & Everitt (1969), Psychological Bulletin 72:323 (standard error of kappa). Gwet
    (2008), British Journal of Mathematical and Statistical Psychology 61:29 (AC1). Stuart (1955),
    Maxwell (1970), Bhapkar (1966) for marginal shifts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import linalg, stats

from harness.stats.clusters import Clusters, Codes, Floats
from harness.stats.interval import Interval


@dataclass(frozen=True, slots=True)
class Kappa:
    """Cohen's kappa: agreement beyond what the two label distributions give by chance.

    Attributes:
        interval: Two-sided.
        null_se: Standard error if there were none, for a test of that.
    """

    value: float
    interval: Interval
    null_se: float


def kappa(table: Floats, *, confidence: float) -> Kappa:
    """Estimate kappa from a square table, champion's labels in rows; pairs independent.

    Examples:
        >>> round(kappa(np.array([[20.0, 5.0], [10.0, 15.0]]), confidence=0.95).value, 2)
        0.4
    """
    shares, n = table / table.sum(), float(table.sum())
    rows, columns = shares.sum(axis=1), shares.sum(axis=0)
    seen, chance = float(np.trace(shares)), float(rows @ columns)
    value = (seen - chance) / (1 - chance)
    both = rows[None, :] + columns[:, None]  # each cell's column share as a row plus row share
    diagonal = np.diag(shares) @ (1 - np.diag(both) * (1 - value)) ** 2
    off = (shares * both**2).sum() - np.diag(shares) @ np.diag(both) ** 2
    variance = diagonal + (1 - value) ** 2 * off - (value - chance * (1 - value)) ** 2
    se = math.sqrt(max(0.0, float(variance))) / ((1 - chance) * math.sqrt(n))
    null = chance + chance**2 - float((rows * columns) @ (rows + columns))
    reach = float(stats.norm.ppf(0.5 + confidence / 2)) * se
    null_se = math.sqrt(max(0.0, null)) / ((1 - chance) * math.sqrt(n))
    return Kappa(value, Interval(value - reach, value + reach), null_se)


def gwet_ac1(table: Floats) -> float:
    """Agreement beyond chance that keeps its sense when one label dominates.

    Examples:
        >>> lopsided = np.array([[95.0, 2.0], [3.0, 0.0]])
        >>> round(gwet_ac1(lopsided), 2), round(kappa(lopsided, confidence=0.95).value, 2)
        (0.95, -0.02)
    """
    shares = table / table.sum()
    middle = (shares.sum(axis=0) + shares.sum(axis=1)) / 2
    chance = float(middle @ (1 - middle)) / (middle.size - 1)
    return float((np.trace(shares) - chance) / (1 - chance))


@dataclass(frozen=True, slots=True)
class MarginalShift:
    """A test whether the two deployments use the labels equally often."""

    chi_square: float
    df: int
    p_value: float


def stuart_maxwell(table: Floats) -> MarginalShift:
    """Test a square table for equal label shares; pairs independent.

    A label neither side used is left out.
    """
    used = (table.sum(axis=0) + table.sum(axis=1)) > 0
    table = table[np.ix_(used, used)]
    gaps = table.sum(axis=1) - table.sum(axis=0)
    covariance = np.diag(table.sum(axis=1) + table.sum(axis=0)) - table - table.T
    return _shift(gaps, covariance)


def bhapkar(table: Floats) -> MarginalShift:
    """The same with the variance not taken under the null: a little larger."""
    plain = stuart_maxwell(table)
    chi_square = plain.chi_square / (1 - plain.chi_square / float(table.sum()))
    return MarginalShift(chi_square, plain.df, float(stats.chi2.sf(chi_square, plain.df)))


def clustered_shift(
    champion: Codes, challenger: Codes, clusters: Clusters, *, n_labels: int
) -> MarginalShift:
    """Stuart & Maxwell's test with clusters as units; labels as codes 0 to `n_labels - 1`."""
    gaps = np.column_stack(
        [clusters.totals((champion == c) * 1.0 - (challenger == c)) for c in range(n_labels)]
    )
    used = np.bincount(np.concatenate((champion, challenger)), minlength=n_labels) > 0
    gaps = gaps[:, used]
    return _shift(gaps.sum(axis=0), gaps.T @ gaps)


def _shift(gaps: Floats, covariance: Floats) -> MarginalShift:
    # Gaps sum to zero, so one label says nothing new.
    df = gaps.size - 1
    if df < 1 or not gaps.any():
        return MarginalShift(0.0, max(0, df), 1.0)
    inverse = linalg.pinvh(covariance[:-1, :-1])
    chi_square = float(gaps[:-1] @ inverse @ gaps[:-1])
    return MarginalShift(chi_square, df, float(stats.chi2.sf(chi_square, df)))

"""Did the sampling give the shares it was set to?

A mirror that loses requests of one kind measures another traffic than the users'. Count clusters,
not requests, where sampling is by cluster.

References:
    Lindon & Malek (2022), NeurIPS, for the sequential form.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import special, stats


def sampling_p_value(counts: ArrayLike, shares: ArrayLike) -> float:
    """Chi-square test of counts against configured shares, for one look.

    Examples:
        >>> round(sampling_p_value([530, 470], [0.5, 0.5]), 4)
        0.0578
    """
    observed = np.asarray(counts, dtype=np.float64)
    expected = np.asarray(shares, dtype=np.float64) * observed.sum()
    return float(stats.chisquare(observed, expected).pvalue)


def sampling_log_e(counts: ArrayLike, shares: ArrayLike, *, weight: float = 100.0) -> float:
    """Log e-value against configured shares, valid however often it is looked at.

    The alternative is a Dirichlet around the configured shares; 1000 or more (6.9 in logs) is an
    alarm at 0.001.

    Args:
        weight: How close to the configured shares the alternative keeps; 100 looks for a few
            percentage points.
    """
    observed = np.asarray(counts, dtype=np.float64)
    configured = np.asarray(shares, dtype=np.float64)
    prior = weight * configured
    return float(
        _log_beta(prior + observed) - _log_beta(prior) - special.xlogy(observed, configured).sum()
    )


def _log_beta(parameters: np.ndarray) -> float:
    return float(special.gammaln(parameters).sum() - special.gammaln(parameters.sum()))

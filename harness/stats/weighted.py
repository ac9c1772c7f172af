"""Means of pairs that were drawn with different chances.

Where the sampling rate was changed on the way, a request drawn at one in ten stands for ten and one
drawn at one in two for two. Weights of one over the chance put that right (Hájek's ratio). They
enter the clustered variance in place of the counts: `m_k` is a cluster's sum of weights, `D_k` that
of weighted values. CR2 is then approximate.

References:
    Hájek (1971), in Foundations of Statistical Inference. Särndal, Swensson & Wretman (1992),
    Model Assisted Survey Sampling, 5.7.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from harness.stats.clustered import Clustered, cr2
from harness.stats.clusters import Clusters, Floats
from harness.stats.sufficiency import Shortage


def weights_of(sampled_prob: ArrayLike) -> Floats | Shortage:
    """One over the chance with which each pair was drawn.

    Returns:
        A shortage where a chance is missing, zero, or above one: nobody can say then what such a
        pair stands for, and a run that has one is no evidence.

    Examples:
        >>> weights_of([1.0, 0.5, 0.1]).tolist()
        [1.0, 2.0, 10.0]
        >>> weights_of([1.0, 0.0]).reason
        'the chance with which 1 of 2 pairs was drawn is missing or not between 0 and 1'
    """
    chance = np.asarray(sampled_prob, dtype=np.float64)
    wrong = int(np.count_nonzero(~((chance > 0) & (chance <= 1))))
    if wrong:
        verb = "was" if wrong == 1 else "were"
        return Shortage(
            f"the chance with which {wrong} of {chance.size} pairs {verb} drawn is missing or not "
            f"between 0 and 1"
        )
    return np.asarray(1 / chance)


def weighted_mean(values: Floats, weights: Floats, clusters: Clusters) -> Clustered:
    """The weighted mean with its CR2 variance.

    Args:
        weights: Above 0, aligned with `values`. Only their ratios matter.
    """
    mean = float(weights @ values) / float(weights.sum())
    return cr2(mean, clusters.totals(weights * (values - mean)), clusters.totals(weights))

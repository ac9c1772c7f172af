"""The variance of an estimate whose pairs come in clusters.

Theory of operation
===================

Any estimate here is, to first order, a mean of one number per pair: its influence, which sums to
zero. All we need to know its variance are the influence totals `U_k` of the clusters and how many
pairs `m_k` each holds. A mean, a ratio, a quantile or a difference of differences differ only in
their influence values, so this page serves them all.

With `M` pairs in all and shares `h_k = m_k / M` the bias-reduced variance (CR2) and its degrees of
freedom (Satterthwaite) have a closed form for an intercept-only model:

    variance = sum(U_k^2 / (1 - h_k)) / M^2
    1 / df   = sum(h^2) + sum(h^2 / (1 - h))^2 - sum(h^4 / (1 - h)^2)

With equal sizes that is the t-test on cluster means with `K - 1` degrees of freedom. CR1, the
factor `K / (K - 1)` alone, is kept for Woodruff's quantile interval and for comparing with survey
software: with thirty clusters of very unequal size its 95 % interval covers 87 %, CR2's 94 %.

CR2 weighs a cluster by the square of its size, so with very unequal sizes it hangs on a few: where
those happen to have few events, a rate comes out small and certain at once. `size_design_effect`
asks all clusters how alike their pairs are, and the sizes alone what that costs. A rate believes
the larger of the two.

References:
    Bell & McCaffrey (2002), Survey Methodology 28:169. Pustejovsky & Tipton (2018), Journal of
    Business & Economic Statistics 36:672. Liang & Zeger (1986), Biometrika 73:13. Donner & Klar
    (2000), Design and Analysis of Cluster Randomization Trials, for the design effect of sizes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from harness.stats.clusters import Clusters, Floats, Grouped


@dataclass(frozen=True, slots=True)
class Clustered:
    """An estimate with its cluster-robust variance.

    Attributes:
        variance: Of the estimate, in its unit squared.
        df: Degrees of freedom of the t distribution to hold it against.
        largest_share: Share of the pairs in the largest cluster, 0 to 1.
    """

    estimate: float
    variance: float
    df: float
    n_clusters: int
    largest_share: float

    @property
    def se(self) -> float:
        return math.sqrt(self.variance)


def cr2(estimate: float, totals: Floats, sizes: Floats) -> Clustered:
    """Bias-reduced variance with Satterthwaite degrees of freedom.

    Args:
        totals: Influence total `U_k` of each cluster, summing to zero.
        sizes: Pairs `m_k` of each cluster.

    Raises:
        ValueError: With fewer than two clusters there is no variance between them.

    Examples:
        Equal sizes are the t-test on cluster means:

        >>> moment = cr2(2.0, np.array([-1.0, 0.0, 1.0]), np.ones(3))
        >>> round(moment.se, 6), round(moment.df, 6)
        (0.57735, 2.0)
    """
    shares = _shares(sizes)
    variance = float(np.sum(totals**2 / (1 - shares))) / float(sizes.sum()) ** 2
    df = satterthwaite_df(sizes)
    return Clustered(estimate, variance, df, sizes.size, float(shares.max()))


def cr1(estimate: float, totals: Floats, sizes: Floats) -> Clustered:
    """The textbook cluster variance with `K - 1` degrees of freedom; arguments as for `cr2`."""
    shares = _shares(sizes)
    n_clusters = sizes.size
    factor = n_clusters / (n_clusters - 1)
    variance = factor * float(np.sum(totals**2)) / float(sizes.sum()) ** 2
    return Clustered(estimate, variance, n_clusters - 1.0, n_clusters, float(shares.max()))


def satterthwaite_df(sizes: Floats) -> float:
    """Degrees of freedom of the CR2 variance; they depend on the sizes alone.

    One cluster with nearly all pairs leaves about one, whatever the number of clusters.
    """
    shares = _shares(sizes)
    if sizes.min() == sizes.max():
        return sizes.size - 1.0  # what the sum below comes to, without its rounding
    rest = 1 - shares
    inverse = (
        float(np.sum(shares**2))
        + float(np.sum(shares**2 / rest)) ** 2
        - float(np.sum(shares**4 / rest**2))
    )
    return 1 / inverse


def clustered_mean(values: Floats, clusters: Clusters) -> Clustered:
    """The mean over pairs with its CR2 variance."""
    mean = float(values.mean())
    return cr2(mean, clusters.totals(values - mean), clusters.sizes)


def design_effect(moment: Clustered, spread: float, n_pairs: int) -> float:
    """Variance of the estimate over what independent pairs would have given.

    Args:
        spread: Variance of the influence values among pairs (sum of squares over `n_pairs - 1`).

    Returns:
        1 for independent pairs; 1 where `spread` is 0 and nothing can be said.
    """
    if spread <= 0:
        return 1.0
    return moment.variance * n_pairs / spread


def size_design_effect(values: Floats, clusters: Clusters) -> float:
    """The design effect of a mean if pairs are as alike in every cluster as they are on average.

    With intraclass correlation `rho` and sizes `m_k` it is `1 + (sum(m^2) / M - 1) rho`.

    Returns:
        1 where every pair is its own cluster, or where pairs of a cluster are no more alike than
        any others.

    Examples:
        Two alike in each of three clusters are worth one:

        >>> size_design_effect(np.array([0.0, 0, 1, 1, 2, 2]), Clusters.of([0, 0, 1, 1, 2, 2]))
        2.0
    """
    centred = values - float(values.mean())
    return design_effect_of_sizes(clusters.totals(centred), float(centred @ centred), clusters)


def design_effect_of_sizes(totals: Floats, squares: float, clusters: Grouped) -> float:
    """`size_design_effect` from sums.

    Args:
        totals: Of each cluster, of values less their mean.
        squares: Sum of the squares of these values.
    """
    sizes = clusters.sizes
    size_of_a_pairs_cluster = float(sizes @ sizes) / clusters.n_pairs
    alike = _intraclass_correlation(totals, squares, clusters)
    return 1 + (size_of_a_pairs_cluster - 1) * alike


def _intraclass_correlation(totals: Floats, squares: float, clusters: Grouped) -> float:
    """How alike two values of a cluster are: the analysis of variance estimate, 0 to 1."""
    n_clusters, n_pairs, sizes = clusters.n_clusters, clusters.n_pairs, clusters.sizes
    if n_clusters in (1, n_pairs):
        return 0.0
    between = float(totals @ (totals / sizes))
    within = max(0.0, squares - between) / (n_pairs - n_clusters)
    between /= n_clusters - 1
    usual_size = (n_pairs - float(sizes @ sizes) / n_pairs) / (n_clusters - 1)
    whole = between + (usual_size - 1) * within
    return max(0.0, between - within) / whole if whole > 0 else 0.0


def _shares(sizes: Floats) -> Floats:
    if sizes.size < 2:
        raise ValueError(f"{sizes.size} clusters, a variance between them needs 2")
    return np.asarray(sizes / sizes.sum(), dtype=np.float64)

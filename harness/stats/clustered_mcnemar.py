"""The clustered McNemar family, for readers who know one of them.

Each asks whether wins and losses balance when pairs come in clusters, and each has one degree of
freedom. None has a margin, so none gates; `harness.stats.proportion` does.
"""

from __future__ import annotations

import numpy as np

from harness.stats.clusters import Floats
from harness.stats.mcnemar import chi_square


def obuchowski(wins: Floats, losses: Floats) -> float:
    """Chi-square with the variance of cluster differences under the null.

    Args:
        wins: Per cluster, pairs only the challenger gets right.
        losses: Per cluster, pairs only the champion does.

    References:
        Obuchowski (1998), Statistics in Medicine 17:1495.
    """
    gap = losses - wins
    return _ratio((1 - 1 / gap.size) * float(gap.sum()) ** 2, float(gap @ gap))


def durkalski(wins: Floats, losses: Floats, sizes: Floats) -> float:
    """Chi-square on the mean difference of each cluster, every cluster counting once.

    References:
        Durkalski et al. (2003), Statistics in Medicine 22:2417.
    """
    gap = (losses - wins) / sizes
    return _ratio(float(gap.sum()) ** 2, float(gap @ gap))


def yang(wins: Floats, losses: Floats, sizes: Floats) -> float:
    """Obuchowski's with the average of the null variance and the centred one.

    References:
        Yang, Sun & Hardin (2010), Biometrical Journal 52:638.
    """
    gap = losses - wins
    centred = gap - sizes * gap.sum() / sizes.sum()
    spread = (float(gap @ gap) + float(centred @ centred)) / 2
    return _ratio((1 - 1 / gap.size) * float(gap.sum()) ** 2, spread)


def eliasziw(both: Floats, wins: Floats, losses: Floats, neither: Floats) -> float:
    """McNemar's chi-square over an inflation from the correlation of answers within clusters.

    References:
        Eliasziw & Donner (1991), Statistics in Medicine 10:1981.
    """
    table = np.column_stack((both, losses, wins, neither))
    sizes = table.sum(axis=1)
    discordant = wins + losses
    if not discordant.any():
        return 0.0
    plain = chi_square(float(wins.sum()), float(losses.sum()))
    pooled = _multinomial_icc(table, sizes)
    icc = pooled / (pooled + (1 - pooled) * float(discordant.sum() / sizes.sum()))
    present = discordant[discordant > 0]
    # Eliasziw & Donner's n_c: the size that counts is that of the clusters that differ at all.
    per_cluster = float(present.mean())
    typical = per_cluster - _unevenness(present)
    return plain / (1 + (typical + present.size * (per_cluster - typical) - 1) * icc)


def _multinomial_icc(table: Floats, sizes: Floats) -> float:
    """Analysis-of-variance correlation of the four-way answers, pooled over the four."""
    n_clusters, mean_size = sizes.size, float(sizes.mean())
    expected = np.outer(sizes, table.sum(axis=0) / sizes.sum())
    between = float(((table - expected) ** 2 / sizes[:, None]).sum()) / n_clusters
    within = float((table * (sizes[:, None] - table) / sizes[:, None]).sum())
    within /= n_clusters * (mean_size - 1)
    typical = mean_size - _unevenness(sizes)
    return (between - within) / (between + (typical - 1) * within)


def _unevenness(sizes: Floats) -> float:
    if sizes.size < 2:
        return 0.0
    deviation = sizes - sizes.mean()
    return float(deviation @ deviation) / (sizes.size * (sizes.size - 1) * float(sizes.mean()))


def _ratio(square: float, spread: float) -> float:
    return square / spread if spread else 0.0

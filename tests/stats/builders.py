"""Short ways to ask an estimator; every argument has a dull default."""

import numpy as np

from harness.metric import Better
from harness.stats.clusters import Clusters
from harness.stats.mean import mean_harm
from harness.stats.proportion import proportion_harm
from harness.stats.quantile import quantile_harm

DULL = {"better": Better.LOWER, "null": 0.05, "confidence": 0.95, "metric": "m", "unit": "s"}


def ask_mean(champion, challenger, clusters=None, **overrides):
    return mean_harm(champion, challenger, _clusters(champion, clusters), **DULL | overrides)


def ask_proportion(champion, challenger, clusters=None, **overrides):
    return proportion_harm(champion, challenger, _clusters(champion, clusters), **DULL | overrides)


def ask_quantile(champion, challenger, clusters=None, **overrides):
    return quantile_harm(
        champion, challenger, _clusters(champion, clusters), **DULL | {"p": 0.5} | overrides
    )


def latencies(rng, n, *, n_clusters=None, slower=1.0):
    """Two sides' skewed latencies that share a cluster effect, and the cluster codes."""
    codes = rng.integers(0, n_clusters or n, n)
    habit = rng.lognormal(0, 0.3, n_clusters or n)[codes]
    champion = 0.1 * habit * rng.lognormal(0, 0.4, n)
    challenger = 0.1 * habit * rng.lognormal(0, 0.4, n) * slower
    return champion, challenger, codes


def answers(rng, n, *, n_clusters, loss, win, spread=1.0):
    """Right or wrong on both sides, the challenger worse by `loss - win`.

    A cluster's pairs lose and win together the more, the smaller `spread`.
    """
    codes = np.repeat(np.arange(n_clusters), n // n_clusters)
    lean = rng.beta(spread, spread, (2, n_clusters)) * 2
    draw = rng.random(codes.size)
    loses, wins = draw < loss * lean[0][codes], draw > 1 - win * lean[1][codes]
    right = (rng.random(codes.size) < 0.9) & ~wins | loses
    return right.astype(float), (right & ~loses | wins).astype(float), codes


def _clusters(values, codes):
    return Clusters.independent(len(values)) if codes is None else Clusters.of(codes)

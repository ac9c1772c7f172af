"""The variance of an estimate whose pairs are alike in two ways: by user, and by content.

When many users send the same request, a model's mistake on it is made for all of them, and users
are no longer independent. What pairs share by user and what they share by content is added, and
what they share by both, counted twice, is taken off:

    variance = by user + by content - by both

It may come out below one of the first two, which cannot be; the larger of these is then the answer.
Degrees of freedom are the fewer of the two. Worth asking where more than a twentieth of the pairs
have content that other users sent too (`shared_content`).

References:
    Cameron, Gelbach & Miller (2011), Journal of Business & Economic Statistics 29:238.
"""

from __future__ import annotations

import numpy as np

from harness.stats.clustered import Clustered, cr2
from harness.stats.clusters import Clusters, Floats

WORTH_ASKING = 0.05
"""With a smaller share of shared content the users are enough."""


def two_way(estimate: float, influence: Floats, users: Clusters, contents: Clusters) -> Clustered:
    """Variance by users and contents.

    Args:
        influence: One number per pair, summing to zero; of a mean, values less their mean.
        users: Aligned with it, as is `contents`.

    Returns:
        The estimate with its variance; `n_clusters` and `largest_share` are those of the way with
        fewer degrees of freedom.

    Raises:
        ValueError: With fewer than two clusters either way.
    """
    by_user, by_content, by_both = (
        cr2(estimate, clusters.totals(influence), clusters.sizes)
        for clusters in (users, contents, _both(users, contents))
    )
    least = max(by_user.variance, by_content.variance)
    fewer = min(by_user, by_content, key=lambda one: one.df)
    return Clustered(
        estimate,
        max(least, by_user.variance + by_content.variance - by_both.variance),
        fewer.df,
        fewer.n_clusters,
        fewer.largest_share,
    )


def shared_content(users: Clusters, contents: Clusters) -> float:
    """Share of the pairs whose content another user sent too, 0 to 1.

    Examples:
        >>> shared_content(Clusters.of([0, 0, 1, 2]), Clusters.of([5, 5, 6, 6]))
        0.5
    """
    if contents.n_pairs == 0:
        return 0.0
    low = np.full(contents.n_clusters, users.n_clusters)
    high = np.full(contents.n_clusters, -1)
    np.minimum.at(low, contents.codes, users.codes)
    np.maximum.at(high, contents.codes, users.codes)
    return float((low < high)[contents.codes].mean())


def _both(users: Clusters, contents: Clusters) -> Clusters:
    """Pairs of one user with one content."""
    return Clusters.of(users.codes.astype(np.int64) * contents.n_clusters + contents.codes)

"""In which order the deployments are called for one request.

Whoever is called first meets cold shared caches, whoever is called last a busier machine. The
order is shuffled for each request, from the run's seed and the entry's key alone, so that a resumed
or repeated replay calls in the same order.
"""

from __future__ import annotations

import hashlib


def call_order(n_deployments: int, *, seed: int, entry_key: str) -> tuple[int, ...]:
    """A permutation of `range(n_deployments)`, drawn from seed and entry (Fisher-Yates).

    Examples:
        >>> sorted(call_order(3, seed=1, entry_key="a"))
        [0, 1, 2]
        >>> call_order(3, seed=1, entry_key="a") == call_order(3, seed=1, entry_key="a")
        True
    """
    if n_deployments == 1:
        return (0,)
    digest = hashlib.blake2b(entry_key.encode(), key=seed.to_bytes(8, "big"), digest_size=16)
    draw = int.from_bytes(digest.digest(), "big")
    order = list(range(n_deployments))
    for last in range(n_deployments - 1, 0, -1):
        draw, chosen = divmod(draw, last + 1)
        order[last], order[chosen] = order[chosen], order[last]
    return tuple(order)

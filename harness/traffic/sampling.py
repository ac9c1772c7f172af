"""Which requests a share of them is: drawn for each from seed and key, before anything is asked.

Nothing that happens while requests are asked can change the draw, so that a resumed or repeated run
draws the same requests, and being drawn says nothing about an answer. What a smaller rate draws a
larger one draws too.
"""

from __future__ import annotations

import hashlib

_LARGEST = 2**64


def is_drawn(rate: float, *, seed: int, key: str) -> bool:
    """Whether this request is among the share `rate`, 0 to 1.

    Examples:
        >>> is_drawn(1.0, seed=1, key="a"), is_drawn(0.0, seed=1, key="a")
        (True, False)
        >>> sum(is_drawn(0.1, seed=1, key=f"entry-{i}") for i in range(1000))
        108
    """
    if not 0 < rate < 1:
        return rate >= 1
    digest = hashlib.blake2b(
        key.encode(), key=seed.to_bytes(8, "big"), person=b"sampling", digest_size=8
    )
    return int.from_bytes(digest.digest(), "big") < rate * _LARGEST

"""How an answer came that was streamed: when its first token was there, and how evenly the rest.

A token here is one event with content, and its time is when the piece of the body arrived that
completed it. Tokens that arrive together have no gap between them: that is what a user sees. Times
are those of the receiving process, so that a network that holds pieces back is part of them.

The rate counts the tokens that the answer's usage tells, where it does, because servers put several
into one event; from the first to the last, so that waiting for the first is no part of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

STALL_S = 1.0
"""A longer gap is a stall: readers notice that the text has stopped. Nielsen (1993), Usability
Engineering, ch. 5, has 1 s as the limit for a flow of thought that is not interrupted."""


@dataclass(frozen=True, slots=True)
class Flow:
    """How one answer came; seconds. None for what takes more tokens than there were.

    Attributes:
        first_token_s: From the first byte sent to the first token.
        token_gap_s: Median gap between a token and the next.
        token_gap_p95_s: Of the gaps in this answer, by `numpy.quantile`.
        token_gap_max_s: The longest gap.
        stalled_s: All gaps longer than `STALL_S`, together.
        tokens_per_s: After the first token.
    """

    first_token_s: float
    token_gap_s: float | None = None
    token_gap_p95_s: float | None = None
    token_gap_max_s: float | None = None
    stalled_s: float | None = None
    tokens_per_s: float | None = None


def flow(token_at_s: Sequence[float], output_tokens: int | None = None) -> Flow | None:
    """Measure one answer; None for one without a token.

    Args:
        token_at_s: When each token was there, from the first byte sent, never falling.
        output_tokens: How many the answer's usage tells.

    Examples:
        >>> flow([0.5, 0.6, 0.8]).token_gap_max_s
        0.2
        >>> flow([0.5, 0.6, 0.8], output_tokens=7).tokens_per_s
        20.0
    """
    if not token_at_s:
        return None
    first = token_at_s[0]
    if len(token_at_s) == 1:
        return Flow(first)
    gaps = [round(later - earlier, 9) for earlier, later in pairwise(token_at_s)]
    middle, high = np.quantile(gaps, (0.5, 0.95))
    n_tokens = max(output_tokens or 0, len(token_at_s))
    took_s = round(token_at_s[-1] - first, 9)
    return Flow(
        first,
        token_gap_s=float(middle),
        token_gap_p95_s=float(high),
        token_gap_max_s=max(gaps),
        stalled_s=sum(gap for gap in gaps if gap > STALL_S),
        tokens_per_s=(n_tokens - 1) / took_s if took_s > 0 else None,
    )

"""Does the challenger differ from the champion by more than the champion from itself?

A champion that answers at random disagrees with its own repeat. What counts is the excess over that
noise floor. Two designs, each giving one number per request to be averaged with clusters
(`harness.stats.mean.mean_bound`):

*Triple* (champion, its repeat, challenger): `D(champion, challenger) - D(champion, repeat)`. Cheap,
and blind to a challenger that always gives the champion's commonest answer: that one *agrees more*
than the champion does with itself.

*Quad* (both repeated): the mean of the four crossed distances minus both sides' own. For
disagreement its expectation is `sum((p - q)^2)` over answers, zero only where the two answer alike.

References:
    Székely & Rizzo (2013), Journal of Statistical Planning and Inference 143:1249.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from harness.stats.clusters import Booleans, Floats

LARGEST_EXCESS = 2.0
"""Of disagreement, either way: a quad's where every crossed pair disagrees; a triple's is 1."""


def triple_excess(crossed: Floats, own: Floats) -> Floats:
    """Excess distance per request.

    Args:
        crossed: Distance of champion and challenger.
        own: Distance of champion and repeat.
    """
    return crossed - own


@dataclass(frozen=True, slots=True, eq=False)
class Crossed:
    """The four distances of a request from either champion answer to either challenger answer."""

    first_first: Floats
    first_second: Floats
    second_first: Floats
    second_second: Floats


def quad_excess(crossed: Crossed, champion_own: Floats, challenger_own: Floats) -> Floats:
    """Excess distance per request when both sides were asked twice."""
    between = (
        crossed.first_first + crossed.first_second + crossed.second_first + crossed.second_second
    )
    return between / 2 - champion_own - challenger_own


def swap_p_value(disagrees: Booleans, repeat_disagrees: Booleans) -> float:
    """Exact one-sided test that the challenger is just another answer of the champion.

    Under that null challenger and repeat can be swapped within a request whatever the clusters, so
    requests on which only one of them disagrees are fair coin tosses.

    Examples:
        >>> swap_p_value(np.array([True, True, True]), np.array([False, False, False]))
        0.125
    """
    only_challenger = int(np.count_nonzero(disagrees & ~repeat_disagrees))
    only_repeat = int(np.count_nonzero(repeat_disagrees & ~disagrees))
    if only_challenger + only_repeat == 0:
        return 1.0
    test = stats.binomtest(only_challenger, only_challenger + only_repeat, alternative="greater")
    return float(test.pvalue)


def signal_share(disagreement_rate: float, noise_rate: float) -> float:
    """How much of what the champion agrees with itself on the challenger disagrees on."""
    return (disagreement_rate - noise_rate) / (1 - noise_rate) if noise_rate < 1 else 0.0

"""When a test that may be looked at any time is expected to stop.

An e-value grows with the data. Put what is expected of them into its formula and solve for the
number at which it reaches `1 / alpha`: the place where the mean path crosses. In simulations of
the normal mixture the mean stop was at 0.92 and the median at 0.76 of that; 53 % of runs had
stopped by the size a fixed test would have planned (with 80 % power), 86 % by twice, 96 % by three
times that. Of the grid of bets, at rates of 1 % each way and a margin of one point: 0.90, 0.78;
37, 77 and 93 %.

References:
    See `harness.stats.always_valid` and `harness.stats.betting`.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from scipy import optimize

from harness.stats.always_valid import tuning
from harness.stats.betting import grid_log_e_counts

PATIENCE = 3.0
"""How many times the planned size to be ready for: by then 93 to 96 % of runs had stopped."""

_MOST = 1e12


def mixture_stop(*, variance: float, distance: float, alpha: float, planned: float) -> float:
    """Units at which the normal mixture is expected to stop.

    Solves `M = s2/d2 (2 ln(1/2a) + ln(1 + s2 M/r)) (1 + r/(s2 M))`, `r` tuned to `planned` units.

    Args:
        variance: Of one unit: a pair, or a cluster.
        distance: From the null, above 0.
        planned: Units of the fixed-size test; the mixture is tightest there.

    Examples:
        Where 618 would have had 80 % power:

        >>> round(mixture_stop(variance=1.0, distance=0.1, alpha=0.05, planned=618))
        765
    """
    r = variance * planned / tuning(2 * alpha)

    def excess(n: float) -> float:
        v = variance * n
        return (n * distance) ** 2 / (v + r) - 2 * math.log(1 / (2 * alpha)) - math.log1p(v / r)

    return _crossing(excess)


def betting_stop(*, wins: float, losses: float, margin: float, alpha: float) -> float:
    """Independent pairs at which the grid of bets is expected to reach its goal; infinite if never.

    Args:
        wins: Share of pairs only the challenger gets right.
        losses: Share of pairs only the champion gets right.
        margin: In [0, 1).

    Examples:
        Without any difference a margin of one point takes about 600 pairs:

        >>> round(betting_stop(wins=0.0, losses=0.0, margin=0.01, alpha=0.05))
        615
    """
    goal = math.log(1 / alpha)

    def excess(n: float) -> float:
        return grid_log_e_counts(wins * n, losses * n, n, margin=margin) - goal

    return _crossing(excess)


def _crossing(excess: Callable[[float], float]) -> float:
    """Where a function that begins below 0 first reaches it; infinite where it does not."""
    end = 1.0
    while excess(end) < 0:
        end *= 2
        if end > _MOST:
            return math.inf
    return float(optimize.brentq(excess, 0.0, end, rtol=1e-9))

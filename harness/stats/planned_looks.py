"""A few looks fixed beforehand, for a pipeline that replays in two or three portions.

More powerful than looking at any time, and worthless as soon as someone looks in between.

References:
    Lan & DeMets (1983), Biometrika 70:659 (spending functions).
"""

from __future__ import annotations

import math

import numpy as np
from scipy import integrate, optimize, stats

from harness.stats.clusters import Floats

_GRID = 801
_FAR = 8.0  # standard deviations: beyond it lies less than 1e-15


def planned_bounds(information: Floats, *, alpha: float, exponent: float = 3.0) -> Floats:
    """One-sided z-values to exceed at each look.

    Args:
        information: Share of the planned pairs at each look, rising to 1.
        alpha: One-sided error over all looks; `alpha * share^exponent` may be spent up to a look.
        exponent: 3 keeps nearly all for the end, much as O'Brien & Fleming's bounds.

    Examples:
        >>> planned_bounds(np.array([0.5, 1.0]), alpha=0.025).round(2).tolist()
        [2.73, 1.98]
    """
    spent = alpha * information**exponent
    first = math.sqrt(information[0])
    bounds = [float(stats.norm.isf(spent[0]))]
    # Sub-density of the running sum for runs that have not crossed yet, on a grid below the bound.
    grid = np.linspace(-_FAR * first, bounds[0] * first, _GRID)
    density = stats.norm.pdf(grid, scale=first)
    for before, now, budget in zip(information[:-1], information[1:], np.diff(spent), strict=True):
        step = math.sqrt(now - before)
        bound = _bound(grid, density, step, float(budget), math.sqrt(now))
        ahead = np.linspace(-_FAR * math.sqrt(now), bound, _GRID)
        moved = stats.norm.pdf((ahead[:, None] - grid) / step) / step
        grid, density = ahead, integrate.simpson(moved * density, x=grid, axis=1)
        bounds.append(bound / math.sqrt(now))
    return np.array(bounds)


def _bound(grid: Floats, density: Floats, step: float, budget: float, scale: float) -> float:
    def excess(bound: float) -> float:
        crossing = stats.norm.sf((bound - grid) / step)
        return float(integrate.simpson(crossing * density, x=grid)) - budget

    return float(optimize.brentq(excess, -_FAR * scale, _FAR * scale))

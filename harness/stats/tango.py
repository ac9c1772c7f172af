"""Tango's score for the difference of two paired proportions.

Of `n` pairs `wins` are those only the challenger gets right and `losses` those only the champion
does. The difference `theta` (challenger minus champion, positive is better) is estimated by
`(wins - losses) / n`; the score holds it against `theta0` with the variance that would be likeliest
if `theta0` were true:

    a = 2 n;  b = (2n - wins + losses) theta0 - wins - losses;  c = -losses theta0 (1 - theta0)
    p = (sqrt(b^2 - 4 a c) - b) / (2 a)
    Z = (wins - losses - n theta0) / sqrt(n (2 p + theta0 (1 - theta0)))

Because the variance comes from the null and not from the data, it stays finite when no pair
differs: where a t-test would see certainty, the score knows how little was seen. Counts need not be
whole: clustered data are scored with counts divided by the design effect (Rao & Scott 1992).

References:
    Tango (1998), Statistics in Medicine 17:891.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import optimize

# How near to -1 and 1 the bounds are searched; at the ends the variance is 0.
_EDGE = 1 - 1e-12


@dataclass(frozen=True, slots=True)
class Discordance:
    """How often the sides differ.

    Attributes:
        wins: Pairs only the challenger gets right; need not be whole.
        losses: Pairs only the champion gets right.
        n: All pairs.

    Examples:
        With 100 pairs and no difference seen, 3.7 points either way remain possible:

        >>> seen = Discordance(wins=0, losses=0, n=100)
        >>> round(seen.upper(1.959964), 4)
        0.037
    """

    wins: float
    losses: float
    n: float

    @property
    def theta(self) -> float:
        return (self.wins - self.losses) / self.n

    def deflated(self, deff: float) -> Discordance:
        return Discordance(self.wins / deff, self.losses / deff, self.n / deff)

    def null_se(self, theta0: float) -> float:
        """Standard error of `theta` if `theta0`, in (-1, 1), were true."""
        a = 2 * self.n
        b = (2 * self.n - self.wins + self.losses) * theta0 - self.wins - self.losses
        c = -self.losses * theta0 * (1 - theta0)
        likeliest_loss = (math.sqrt(max(0.0, b * b - 4 * a * c)) - b) / (2 * a)
        return math.sqrt(max(0.0, 2 * likeliest_loss + theta0 * (1 - theta0)) / self.n)

    def score(self, theta0: float) -> float:
        """`Z`, positive when the challenger does better than `theta0`."""
        se = self.null_se(theta0)
        distance = self.theta - theta0
        if se == 0:
            return math.copysign(math.inf, distance) if distance else 0.0
        return distance / se

    def lower(self, quantile: float) -> float:
        """The `theta0` at which the score falls to `quantile`; -1 where it never reaches it."""
        return self._where(quantile, otherwise=-1.0)

    def upper(self, quantile: float) -> float:
        """The `theta0` at which the score falls to minus `quantile`; 1 where it never does."""
        return self._where(-quantile, otherwise=1.0)

    def _where(self, score: float, *, otherwise: float) -> float:
        # The score falls as theta0 rises, so its root is the only one.
        def excess(theta0: float) -> float:
            return self.score(theta0) - score

        if not excess(-_EDGE) > 0 > excess(_EDGE):
            return otherwise
        return float(optimize.brentq(excess, -_EDGE, _EDGE, xtol=1e-14, rtol=1e-14))

"""McNemar's test for any number of looks, exact for independent pairs.

Only pairs that differ speak, and under the null each is a fair coin. A beta mixture over the coin's
bias bets against that.

References:
    Howard, Ramdas, McAuliffe & Sekhon (2021), Annals of Statistics 49:1055 (beta-binomial mixture).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import special

from harness.stats.always_valid import tuning


@dataclass(frozen=True, slots=True)
class SequentialMcNemar:
    """A mixture over how often, of pairs that differ, the challenger wins.

    Attributes:
        concentration: Of the symmetric beta prior.
    """

    concentration: float

    @classmethod
    def tuned(cls, n_discordant: float = 100, *, alpha: float) -> SequentialMcNemar:
        """Tightest when `n_discordant` pairs differ; for a one-sided test pass twice its alpha."""
        r = n_discordant / 4 / tuning(alpha)
        return cls(2 * max(r - 0.25, 0.00025))

    def log_e_two_sided(self, wins: float, losses: float) -> float:
        """Log e-value against "wins are as likely as losses"."""
        a = self.concentration
        return float(
            special.betaln(a + wins, a + losses)
            - special.betaln(a, a)
            + (wins + losses) * math.log(2)
        )

    def log_e_greater(self, wins: float, losses: float) -> float:
        """Log e-value against "wins are no likelier than losses"."""
        a = self.concentration
        above_half = special.betainc(a + losses, a + wins, 0.5)
        if above_half == 0:
            return -math.inf
        return self.log_e_two_sided(wins, losses) + math.log(2 * above_half)

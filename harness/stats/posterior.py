"""Two success rates as beta posteriors, for a canary's report.

Easy to read, and no protection against looking often: what gates is in the other files.

References:
    Evan Miller (2014), Formulas for Bayesian A/B testing. Stucchio (2015), Bayesian A/B testing at
    VWO, for expected loss.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special, stats


@dataclass(frozen=True, slots=True)
class Posterior:
    """What is believed of one side's success rate: a beta distribution.

    Attributes:
        a: Successes plus the prior's.
        b: Failures plus the prior's.
    """

    a: float
    b: float

    @classmethod
    def of(cls, successes: int, failures: int) -> Posterior:
        """From counts and a prior that knows nothing."""
        return cls(1.0 + successes, 1.0 + failures)

    @classmethod
    def from_shadow(cls, successes: int, failures: int, *, most: float = 50.0) -> Posterior:
        """A prior from shadow traffic, worth at most so many observations of the canary's own.

        What users do when they see the answers may differ from what they did when they did not.

        Examples:
            >>> Posterior.from_shadow(900, 100)
            Posterior(a=46.0, b=6.0)
        """
        discount = min(1.0, most / max(1, successes + failures))
        return cls(1.0 + discount * successes, 1.0 + discount * failures)

    def updated(self, successes: int, failures: int) -> Posterior:
        """After further counts."""
        return Posterior(self.a + successes, self.b + failures)


def chance_better(champion: Posterior, challenger: Posterior) -> float:
    """Probability that the challenger's rate is the higher one.

    Examples:
        >>> chance_better(Posterior.of(10, 10), Posterior.of(10, 10))
        0.5
    """
    nodes, weights = quadrature(challenger)
    return float(weights @ stats.beta.cdf(nodes, champion.a, champion.b))


def expected_loss(champion: Posterior, challenger: Posterior) -> float:
    """How much success rate choosing the challenger is expected to cost: E[(champion - own)+]."""
    nodes, weights = quadrature(challenger)
    mean = champion.a / (champion.a + champion.b)
    # E[(X - c)+] of a beta X is its mean over what lies above c, less c times that share.
    above = mean * special.betaincc(champion.a + 1, champion.b, nodes)
    above -= nodes * special.betaincc(champion.a, champion.b, nodes)
    return float(weights @ above)


def quadrature(posterior: Posterior) -> tuple[np.ndarray, np.ndarray]:
    """Values and weights for an average over a posterior: Gauss-Legendre on its quantiles."""
    u, w = special.roots_legendre(_NODES)
    return stats.beta.ppf((u + 1) / 2, posterior.a, posterior.b), w / 2


_NODES = 400

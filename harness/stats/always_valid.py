"""Evidence that may be looked at as often as one likes.

Theory of operation
===================

An e-process starts at 1 and, under its null, exceeds `1 / alpha` at any time with probability at
most `alpha`. So a verdict may be asked every minute, and stopping when it suits costs nothing. The
price is a wider interval than that of one planned look.

The normal mixture turns any estimate with a cluster-robust variance into one. With `M` pairs, score
`S = M (estimate - null)`, its variance `V = M^2 variance` and a tuning number `r`:

    two-sided  log E = ln(r / (V + r)) / 2 + S^2 / (2 (V + r))
    one-sided  log E = ln(4 r / (V + r)) / 2 + S^2 / (2 (V + r)) + ln Phi(S / sqrt(V + r))

`r` says at which `V` the bound shall be tightest; it is set once, from the planned size, and then
frozen. `V` is recomputed from all clusters so far, open ones included: with positive correlation in
clusters that keeps the error below `alpha`, where taking pairs as independent lets it rise to 12 to
73 %.

Asymptotic: no verdict before 50 clusters, and for rare events not before 20 clusters with one; for
those `harness.stats.betting` is the better choice from the start.

References:
    Robbins (1970), Annals of Mathematical Statistics 41:1397. Howard, Ramdas, McAuliffe & Sekhon
    (2021), Annals of Statistics 49:1055. Waudby-Smith et al. (2024), Annals of Statistics 52:2613.
    Lindon, Ham, Tingley & Bojinov (2022), arXiv 2210.08589, for the t form.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import optimize, special

from harness.stats.clustered import Clustered

LARGEST_LOG_E = math.log(1e300)


@dataclass(frozen=True, slots=True)
class NormalMixture:
    """A tuned mixture, one-sided or two-sided by the method called.

    Attributes:
        r: The tuning number, in units of `V`; from `two_sided` or `one_sided`.
    """

    r: float

    @classmethod
    def two_sided(cls, v_opt: float, *, alpha: float) -> NormalMixture:
        """Tightest at `v_opt` for an interval at error `alpha` in all."""
        return cls(v_opt / tuning(alpha))

    @classmethod
    def one_sided(cls, v_opt: float, *, alpha: float) -> NormalMixture:
        """Tightest at `v_opt` for a bound at error `alpha`."""
        return cls(v_opt / tuning(2 * alpha))

    def log_e_two_sided(self, score: float, variance: float) -> float:
        """Log e-value against "the score's mean is 0"."""
        total = variance + self.r
        return math.log(self.r / total) / 2 + score**2 / (2 * total)

    def log_e_greater(self, score: float, variance: float) -> float:
        """Log e-value against "the score's mean is 0 or less"."""
        total = variance + self.r
        mixture = math.log(4 * self.r / total) / 2 + score**2 / (2 * total)
        return mixture + float(special.log_ndtr(score / math.sqrt(total)))

    def reach_two_sided(self, variance: float, *, alpha: float) -> float:
        """The score beyond which, either way, the two-sided e-value exceeds `1 / alpha`."""
        total = variance + self.r
        return math.sqrt(total * (math.log(total / self.r) + 2 * math.log(1 / alpha)))

    def reach_one_sided(self, variance: float, *, alpha: float) -> float:
        """The score above which the one-sided e-value exceeds `1 / alpha`."""
        goal, scale = math.log(1 / alpha), math.sqrt(variance + self.r)
        # In standard deviations, so that a cost in millionths of a cent is solved as finely.
        limit = self.reach_two_sided(variance, alpha=alpha) / scale

        def excess(z: float) -> float:
            return self.log_e_greater(z * scale, variance) - goal

        return scale * float(optimize.brentq(excess, 0.0, limit, xtol=1e-13))


def tuning(alpha: float) -> float:
    """How many times `r` the variance is at which a mixture is tightest."""
    surprise = 2 * math.log(1 / alpha)
    return surprise + math.log(1 + surprise)


@dataclass(frozen=True, slots=True)
class AlwaysValid:
    """Bounds of a harm that hold at every look, and the evidence they come from.

    Attributes:
        low: One-sided: at no look is the truth below it, at error `alpha`.
        high: One-sided the other way.
        log_e_below: Log e-value against "the null or more": large means surely below.
        log_e_above: Log e-value against "the null or less".
    """

    low: float
    high: float
    log_e_below: float
    log_e_above: float


def always_valid(
    moment: Clustered, n_pairs: int, mixture: NormalMixture, *, null: float, alpha: float
) -> AlwaysValid:
    """Bound an estimate at a look among any number of looks.

    Args:
        moment: The estimate with its CR2 variance, from all clusters so far.
        mixture: Tuned once, by `NormalMixture.one_sided`, and the same at every look.
    """
    variance = moment.variance * n_pairs**2
    reach = mixture.reach_one_sided(variance, alpha=alpha) / n_pairs
    score = n_pairs * (moment.estimate - null)
    return AlwaysValid(
        low=moment.estimate - reach,
        high=moment.estimate + reach,
        log_e_below=mixture.log_e_greater(-score, variance),
        log_e_above=mixture.log_e_greater(score, variance),
    )


def p_of_log_e(log_e: float) -> float:
    """The always-valid p-value of an e-value: its inverse, at most 1 and never 0."""
    return math.exp(-min(max(log_e, 0.0), LARGEST_LOG_E))


def e_of_log_e(log_e: float) -> float:
    """The e-value itself, at most 1e300: beyond that a float has no room, nor anyone a use."""
    return math.exp(min(log_e, LARGEST_LOG_E))


def t_log_e(statistic: float, *, n: int, df: float, weight: float) -> float:
    """Log e-value of a t statistic of `n` values, exact where they are normal.

    Args:
        weight: Prior precision of the standardised effect; `n_opt / tuning(alpha)` is tightest at
            `n_opt` values.
    """
    q = weight / (weight + n)
    square = statistic**2
    return math.log(q) / 2 + (df + 1) / 2 * (math.log1p(square / df) - math.log1p(q * square / df))

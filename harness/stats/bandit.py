"""Which share of the traffic each arm of a canary gets, and what arms are worth afterwards.

Shares follow the chance that an arm is the best one, under beta posteriors of success (Thompson
sampling without its dice). Two floors keep the comparison alive: the champion keeps a tenth at the
least, and every arm enough to be heard of. Shares are for batches: counts may come late, and an arm
is judged by the labels that have arrived. A user stays with an arm by a hash, as in any ramp.

Counts of an arm say little about its worth afterwards: an arm with bad luck at first is asked no
more, so that plain means are too low. Scores made with the logged shares are not (`aipw_scores`),
and as they come in the order of arrival they go through the estimators for any number of looks
(`harness.stats.sequential_mean.sequential_mean_bound`).

References:
    Thompson (1933), Biometrika 25:285. Auer, Cesa-Bianchi & Fischer (2002), Machine Learning
    47:235, for UCB1. Hadad, Hirshberg, Zhan, Wager & Athey (2021), PNAS 118:e2014602118, and
    Waudby-Smith, Wu, Ramdas, Karampatziakis & Mineiro (2022), arXiv 2210.10768, for inference on
    adaptively collected data.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from harness.stats.clusters import Booleans, Floats
from harness.stats.posterior import Posterior, quadrature


@dataclass(frozen=True, slots=True)
class Floors:
    """Shares that are never gone below.

    Attributes:
        champion: Of the first arm.
        each: Of every other arm.
    """

    champion: float = 0.10
    each: float = 0.02

    def of(self, n_arms: int) -> Floats:
        """The floor of each arm.

        Raises:
            ValueError: They leave nothing to decide.
        """
        floors = np.array([self.champion] + [self.each] * (n_arms - 1), dtype=np.float64)
        if floors.min() < 0 or floors.sum() > 1:
            raise ValueError(
                f"floors are {self.champion:g} and {self.each:g} for {n_arms} arms, "
                f"must be 0 or more and together at most 1"
            )
        return floors


def chances_best(arms: Sequence[Posterior]) -> Floats:
    """Probability of each arm to have the highest success rate; together 1.

    Examples:
        >>> chances_best([Posterior.of(5, 5)] * 4).round(6).tolist()
        [0.25, 0.25, 0.25, 0.25]
    """
    chances = []
    for i, arm in enumerate(arms):
        nodes, weights = quadrature(arm)
        below = [stats.beta.cdf(nodes, one.a, one.b) for j, one in enumerate(arms) if j != i]
        chances.append(float(weights @ np.prod(below, axis=0)))
    return np.asarray(chances) / math.fsum(chances)


def shares(arms: Sequence[Posterior], floors: Floors = Floors()) -> Floats:
    """What each arm gets of the next batch, the champion's posterior first; together 1."""
    least = floors.of(len(arms))
    return np.asarray(least + (1 - least.sum()) * chances_best(arms))


def is_stopped(e_harm: float, *, alpha: float) -> bool:
    """Whether a guardrail's evidence of harm takes an arm out for good, whatever it earns."""
    return e_harm >= 1 / alpha


def ucb1(successes: Sequence[int], trials: Sequence[int]) -> int:
    """The arm to ask next by the upper confidence bound; a baseline to hold others against.

    Returns:
        Its position; an arm that was never asked comes first.
    """
    total = sum(trials)
    bounds = [
        math.inf if n == 0 else won / n + math.sqrt(2 * math.log(total) / n)
        for won, n in zip(successes, trials, strict=True)
    ]
    return bounds.index(max(bounds))


def aipw_scores(
    outcomes: Floats,
    is_arm: Booleans,
    propensity: Floats,
    predicted: Floats,
    *,
    least: float = 0.01,
) -> Floats:
    """One number per request whose mean is the arm's worth, however shares were chosen.

    Args:
        outcomes: What the arm that was asked gave; of others it does not matter.
        is_arm: Whether the request went to this arm.
        propensity: The share this arm had when the request came.
        predicted: What the arm would give, guessed from earlier requests alone; 0 will do.
        least: Smaller shares are taken for this: a little bias for a bounded score.

    Raises:
        ValueError: A propensity is not a share.
    """
    if not ((propensity > 0) & (propensity <= 1)).all():
        raise ValueError("a propensity is not in (0, 1]: log the share each arm had")
    surprise = np.where(is_arm, outcomes - predicted, 0.0) / np.maximum(propensity, least)
    return np.asarray(predicted + surprise)

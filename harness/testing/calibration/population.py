"""Pairs in clusters, with the truth known.

Every latent value is standard normal with an intraclass correlation of our choice. Half of its
variance belongs to the request, which both sides meet; so the sides correlate by a half, and their
difference has the same intraclass correlation as each of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from harness.stats.clusters import Clusters, Floats


class Sizes(StrEnum):
    """How many pairs clusters have."""

    EQUAL = "equal"  # ten each
    GEOMETRIC = "geometric"  # ten on average
    PARETO = "Pareto"  # tail index 1.3, at most 401: a few users make most of the traffic


@dataclass(frozen=True, slots=True)
class Users:
    """Whose pairs they are.

    Attributes:
        icc: Correlation of two pairs of a cluster, 0 to 1.
    """

    n_clusters: int
    sizes: Sizes = Sizes.EQUAL
    icc: float = 0.3

    def __str__(self) -> str:
        return f"{self.n_clusters} clusters, {self.sizes} sizes, ICC {self.icc:g}"

    def draw(self, rng: np.random.Generator) -> Clusters:
        return Clusters.of(np.repeat(np.arange(self.n_clusters), self._drawn_sizes(rng)))

    def _drawn_sizes(self, rng: np.random.Generator) -> np.ndarray:
        match self.sizes:
            case Sizes.EQUAL:
                return np.full(self.n_clusters, 10)
            case Sizes.GEOMETRIC:
                return rng.geometric(0.1, self.n_clusters)
            case Sizes.PARETO:
                return 1 + np.minimum(400, 8 * rng.pareto(1.3, self.n_clusters)).astype(int)


@dataclass(frozen=True, slots=True, eq=False)
class Latents:
    """A standard normal value for each side of each pair."""

    champion: Floats
    challenger: Floats
    clusters: Clusters


def latents(users: Users, rng: np.random.Generator) -> Latents:
    """Draw both sides."""
    clusters = users.draw(rng)
    request, left, right = (_correlated(clusters, users.icc, rng) for _ in range(3))
    half = math.sqrt(0.5)
    return Latents(half * (request + left), half * (request + right), clusters)


def _correlated(clusters: Clusters, icc: float, rng: np.random.Generator) -> Floats:
    own = rng.standard_normal(clusters.n_pairs)
    if icc == 0:
        return own
    shared = rng.standard_normal(clusters.n_clusters)[clusters.codes]
    return np.asarray(math.sqrt(icc) * shared + math.sqrt(1 - icc) * own)


@dataclass(frozen=True, slots=True)
class RareEvents:
    """Wins and losses, few, and alike within clusters.

    Attributes:
        loss: Share of pairs only the champion gets right, at most a half.
        win: Share only the challenger does.
        evenness: Parameter of the beta that sets how prone each cluster is; 5 is nearly alike,
            0.05 puts all events into a few clusters.
    """

    n_clusters: int
    size: int
    loss: float
    win: float
    evenness: float

    def __str__(self) -> str:
        return (
            f"{self.n_clusters} clusters of {self.size}, losses {self.loss:.1%}, wins "
            f"{self.win:.1%}, evenness {self.evenness:g}"
        )

    def gains(self, rng: np.random.Generator) -> Floats:
        """1 for a win, -1 for a loss, 0 else, in the order of clusters."""
        proneness = 2 * rng.beta(self.evenness, self.evenness, (2, self.n_clusters))
        losing, winning = np.repeat(proneness, self.size, axis=1)
        draw = rng.random(losing.size)
        gains = (draw > 1 - self.win * winning) * 1.0 - (draw < self.loss * losing) * 1.0
        return np.asarray(gains, dtype=np.float64)

    @property
    def clusters(self) -> Clusters:
        return Clusters.of(np.repeat(np.arange(self.n_clusters), self.size))


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """Right (1) or wrong (0) on both sides."""

    champion: Floats
    challenger: Floats


def answers(gains: Floats) -> Answers:
    """Answers with these gains; where the sides agree both are right."""
    return Answers((gains <= 0).astype(np.float64), (gains >= 0).astype(np.float64))

"""Value tables with known truth: what `measure` would give for pairs of which we set the law.

For simulations of the gate (A/A, power, coverage) and for benchmarks of up to ten million rows;
everything is drawn column by column from one seed. A request has a hardness and a size that both
sides meet, a cluster has its own of each, and what is left is each side's own chance: that is what
makes pairing and clustering matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import ndtri

from harness.testing.clock import NOON_NS

_CLASSES = 10


@dataclass(frozen=True, slots=True)
class Side:
    """What one deployment really does.

    Attributes:
        latency_s: Median of a lognormal latency, given an ordinary request.
        accuracy: Share of requests it answers right, failures aside; a failed one is wrong.
        failure_rate: Share of requests it fails, as an `http_error`.
        cost_usd: Mean cost of a call.
    """

    latency_s: float = 0.05
    accuracy: float = 0.95
    failure_rate: float = 0.002
    cost_usd: float = 0.001


@dataclass(frozen=True, slots=True)
class Sharing:
    """How much of the chance is shared. The rest is each side's own.

    Attributes:
        request: Share of the variance (of log latency, and of what decides whether an answer is
            right) that belongs to the request, 0 to 1.
        cluster: Share that belongs to the cluster; `request + cluster` is at most 1.
        spread: Standard deviation of log latency.
    """

    request: float = 0.5
    cluster: float = 0.1
    spread: float = 0.4

    def __post_init__(self) -> None:
        if min(self.request, self.cluster) < 0 or self.request + self.cluster > 1:
            raise ValueError(
                f"request {self.request:g} and cluster {self.cluster:g} are shares of one variance"
            )


@dataclass(frozen=True, slots=True)
class Population:
    """Whose requests they are.

    Attributes:
        n_clusters: Users; None makes each request its own cluster.
        talkative_share: Share of all requests that the first user makes beyond their turn.
        segments: Name to shares of its values; a cluster keeps its values.
    """

    n_clusters: int | None = None
    talkative_share: float = 0.0
    segments: Mapping[str, Mapping[str, float]] = field(
        default_factory=lambda: MappingProxyType({"source": {"mobile": 0.6, "web": 0.4}})
    )


def value_table(
    n_pairs: int,
    *,
    seed: int,
    champion: Side = Side(),
    challenger: Side = Side(),
    sharing: Sharing = Sharing(),
    population: Population = Population(),
) -> pl.DataFrame:
    """Draw `n_pairs` rows of a value table, with one comparison named `label`."""
    dice = np.random.default_rng(seed)
    cluster = _clusters(n_pairs, population, dice)
    shared = {
        name: np.sqrt(sharing.request) * dice.standard_normal(n_pairs)
        + np.sqrt(sharing.cluster) * dice.standard_normal(cluster.max() + 1)[cluster]
        for name in ("size", "hardness")
    }
    truth = dice.integers(0, _CLASSES, n_pairs, dtype=np.int8)
    own = np.sqrt(1 - sharing.request - sharing.cluster)
    columns = _request_columns(n_pairs, cluster, population, dice)
    labels = {}
    for name, side in (("champion", champion), ("challenger", challenger)):
        drawn = _side_columns(side, shared, own, sharing.spread, truth, dice)
        labels[name] = drawn.pop("label")
        columns |= {f"{name}_{column}": values for column, values in drawn.items()}
    table = pl.DataFrame(columns)
    return table.with_columns(*_label_columns(labels), *_segment_column(cluster, population, dice))


def _clusters(n_pairs: int, population: Population, dice: np.random.Generator) -> NDArray[np.int64]:
    if population.n_clusters is None:
        return np.arange(n_pairs)
    cluster = dice.integers(0, population.n_clusters, n_pairs)
    cluster[dice.random(n_pairs) < population.talkative_share] = 0
    return cluster


def _request_columns(
    n_pairs: int, cluster: NDArray[np.int64], population: Population, dice: np.random.Generator
) -> dict[str, pl.Series]:
    number = pl.Series(np.arange(n_pairs))
    order = dice.integers(0, 2, n_pairs, dtype=np.int8)
    return {
        "request_id": "r" + number.cast(pl.String),
        "cluster_id": "u" + pl.Series(cluster).cast(pl.String),
        "received_at": pl.Series(NOON_NS + np.arange(n_pairs) * 10_000_000).cast(
            pl.Datetime("ns", "UTC")
        ),
        "content_hash": "c" + number.cast(pl.String),
        "champion_order": pl.Series(order),
        "challenger_order": pl.Series(1 - order),
    }


def _side_columns(
    side: Side,
    shared: Mapping[str, NDArray[np.float64]],
    own: float,
    spread: float,
    truth: NDArray[np.int8],
    dice: np.random.Generator,
) -> dict[str, pl.Series]:
    n_pairs = len(truth)
    size = shared["size"] + own * dice.standard_normal(n_pairs)
    hardness = shared["hardness"] + own * dice.standard_normal(n_pairs)
    failed = pl.Series(dice.random(n_pairs) < side.failure_rate)
    knows = hardness <= ndtri(side.accuracy)
    elsewhere = (truth + dice.integers(1, _CLASSES, n_pairs, dtype=np.int8)) % _CLASSES
    latency_s = pl.Series(side.latency_s * np.exp(spread * size))
    tokens = pl.Series(dice.poisson(200, n_pairs))
    empty = pl.Series([None], dtype=pl.String).new_from_index(0, n_pairs)
    kind = pl.Series(["http_error"]).new_from_index(0, n_pairs)
    return {
        "failed": failed,
        "failure": kind.zip_with(failed, empty),
        "latency_s": latency_s,
        "first_byte_s": latency_s / 2,
        "timeout_s": pl.Series([10.0]).new_from_index(0, n_pairs),
        "cost_usd": tokens * (side.cost_usd / 200),
        "input_tokens": tokens,
        "output_tokens": tokens // 4,
        "correct": pl.Series(knows) & ~failed,
        "sender_lag_s": pl.Series(dice.exponential(1e-4, n_pairs)),
        "label": pl.Series(np.where(knows, truth, elsewhere)).set(failed, None),
    }


def _label_columns(labels: Mapping[str, pl.Series]) -> list[pl.Series]:
    agree = labels["champion"] == labels["challenger"]  # null where a side failed
    return [
        *(labels[side].cast(pl.String).alias(f"{side}_label") for side in labels),
        agree.alias("label.agree"),
        (~agree).cast(pl.Float64).alias("label.distance"),
    ]


def _segment_column(
    cluster: NDArray[np.int64], population: Population, dice: np.random.Generator
) -> list[pl.Series]:
    """One struct column, or none without segments."""
    if not population.segments:
        return []
    names = {
        name: pl.Series(list(shares)).gather(
            dice.choice(len(shares), size=cluster.max() + 1, p=list(shares.values()))[cluster]
        )
        for name, shares in population.segments.items()
    }
    return [pl.DataFrame(names).to_struct("segments")]

"""Which always-valid estimator answers a rule, at a look among any number of looks.

As in `harness.evaluate`, that follows from what is compared:

    a share on both sides              bets, Rao-Scott; McNemar for a gain of any size
    a mean on both sides               normal mixture on CR2; relative: log ratio of means
    a quantile on both sides           normal mixture, linearised
    a share of one side or of pairs    bets, deflated           (at_most, at_least)
    a mean of one side or of pairs     normal mixture on CR2
    a quantile of one side             bets on the share beyond
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypedDict

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harness.gate.bound import bound_of
from harness.gate.policy import AtLeast, AtMost, Improves, NotWorse, Policy, Rule, Sequential
from harness.metric import Better, Exceedance, Mean, Metric, Quantile, Rate
from harness.stats.arrival import Arrival
from harness.stats.clusters import Clusters
from harness.stats.sequential import NOTHING_SEEN, Looking
from harness.stats.sequential_mean import sequential_mean_bound, sequential_mean_harm
from harness.stats.sequential_proportion import sequential_proportion_harm, sequential_rate_bound
from harness.stats.sequential_quantile import sequential_quantile_bound, sequential_quantile_harm
from harness.verdict import Estimate, Memory, Unavailable

Floats = NDArray[np.float64]


def looking_at(values: pl.LazyFrame, clusters: Clusters, policy: Policy) -> Looking:
    """The rows of a value table in the order they came, whatever order they are stored in."""
    keys = ("received_at", "cluster_id", "request_id")
    order = values.select(pl.arg_sort_by(keys)).collect().to_series().to_numpy()
    arrival = Arrival.of(order, clusters.codes)
    matured = None
    if policy.sequential is Sequential.STRICT:
        at = values.select(pl.col("received_at").dt.epoch("ns")).collect().to_series().to_numpy()
        matured = arrival.matured(at[order], policy.window_s)
    return Looking(arrival, planned_pairs=policy.planned_pairs, matured=matured)


def part_of(looking: Looking, rows: NDArray[np.bool_]) -> Looking:
    """The same for some of the rows, `rows` in the order of the table."""
    keep = rows[looking.arrival.order]
    matured = None if looking.matured is None else looking.matured[keep]
    return Looking(looking.arrival.where(keep), matured=matured)


class _Asked(TypedDict):
    better: Better
    null: float
    confidence: float
    metric: str
    unit: str


@dataclass(frozen=True, slots=True)
class SequentialQuestion:
    """One rule about one metric, put to whichever always-valid estimator answers it."""

    rule: Rule
    metric: Metric
    better: Better
    confidence: float

    def about(
        self, arrays: Sequence[Floats], looking: Looking, memory: Memory = NOTHING_SEEN
    ) -> Estimate | Unavailable:
        """Two arrays are the two sides, one is the pairs' or the challenger's own.

        Args:
            arrays: In the order of the table.
        """
        look = replace(looking, memory=memory, expected=_expected(self.rule))
        match [array.take(looking.arrival.order) for array in arrays]:
            case [champion, challenger]:
                return self._of_both(champion, challenger, look)
            case [values]:
                return self._of_one(values, look)
            case _:
                raise AssertionError(f"{len(arrays)} arrays")

    @property
    def _asked(self) -> _Asked:
        return _Asked(
            better=self.better,
            null=bound_of(self.rule).value,
            confidence=self.confidence,
            metric=self.metric.name,
            unit=self.metric.unit,
        )

    def _of_both(
        self, champion: Floats, challenger: Floats, looking: Looking
    ) -> Estimate | Unavailable:
        asked, relative = self._asked, bound_of(self.rule).relative
        match self.metric.statistic:
            case Rate() | Exceedance():
                return sequential_proportion_harm(champion, challenger, looking, **asked)
            case Mean():
                return sequential_mean_harm(
                    champion, challenger, looking, **asked, relative=relative
                )
            case Quantile(p):
                return sequential_quantile_harm(
                    champion, challenger, looking, **asked, relative=relative, p=p
                )

    def _of_one(self, values: Floats, looking: Looking) -> Estimate | Unavailable:
        match self.metric.statistic:
            case Rate() | Exceedance():
                return sequential_rate_bound(values, looking, **self._asked)
            case Mean():
                return sequential_mean_bound(values, looking, **self._asked)
            case Quantile(p):
                return sequential_quantile_bound(values, looking, **self._asked, p=p)


def _expected(rule: Rule) -> float | None:
    """The harm that is planned for: as good as the champion, or a gain worth shipping."""
    match rule:
        case NotWorse(margin=margin) if margin.value > 0:
            return 0.0
        case Improves(by=by, worth=worth) if worth > by.value:
            return -worth
        case NotWorse() | Improves() | AtMost() | AtLeast():
            return None

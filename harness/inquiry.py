"""All rules of a policy asked of a value table that was added up (`harness.sums`).

Means take two steps: sums say where they lie, and only then is each pair's influence known. So all
that is asked is gathered first, over all parts of the traffic; the influence of all of it is added
up in one pass; and then it is answered.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import polars as pl

from harness.cells import PartCells
from harness.gate.policy import AtLeast, AtMost, Rule
from harness.measure.sides import value_exprs
from harness.metric import BOUNDED, Exceedance, Mean, Metric, Quantile, Rate, Sides, Unit
from harness.stats.linearised import Summed
from harness.stats.mean import (
    Moments,
    Weighing,
    harm_of_sums,
    judged_harm,
    judged_level,
    level_of_sums,
    summed_harm,
)
from harness.stats.noise_floor import LARGEST_EXCESS
from harness.stats.paired_sums import PairedSums, SingleSums
from harness.stats.proportion import ShareSums, judged_shares
from harness.stats.quantile import QuantileSums, judged_quantiles, summed_quantiles
from harness.stats.quantile_bound import LimitCounts, judged_quantile
from harness.stats.question import Question
from harness.stats.rate import EventSums, judged_rate
from harness.sums import Average, Need, Order, Share, Sums, Weighed, place_of
from harness.verdict import Estimate, Unavailable

Answer = Callable[[], Estimate | Unavailable]
"""What is said once the influence of all that was asked is added up."""


@dataclass(frozen=True, slots=True)
class Topic:
    """What a rule is about: rules on the same topic share their sums.

    Attributes:
        one_sided: Whether only the challenger's side is asked about.
        limit: Of a quantile that is held against a number.
        answered: Whether pairs with a failed side are left out.
    """

    metric: Metric
    one_sided: bool = False
    limit: float | None = None
    answered: bool = False

    @property
    def need(self) -> Need:
        """What its estimates are made of."""
        values = value_exprs(self.metric)
        if self.one_sided:
            values = values[-1:]
        if self.answered:
            failed = pl.col("champion_failed") | pl.col("challenger_failed")
            values = [pl.when(~failed).then(value) for value in values]
        match self.metric.statistic:
            case Rate() | Exceedance():
                return Need(tuple(values), Share())
            case Mean():
                return Need(tuple(values), Average())
            case Quantile(p):
                worst = self.metric.better.value * float("inf")
                limit = float("nan") if self.limit is None else self.limit
                return Need(tuple(values), Order(p, worst, limit))


def topic_of(rule: Rule, metric: Metric, question: Question) -> Topic:
    """What a rule is about, its limit included where it is held against one."""
    one_sided = isinstance(rule, AtMost | AtLeast)
    if one_sided and isinstance(metric.statistic, Quantile):
        return Topic(metric, one_sided, question.sign * question.null)
    return Topic(metric, one_sided)


@dataclass(slots=True, eq=False)
class Inquiry:
    """Questions to sums, and the influence that their answers wait for."""

    sums: Sums
    topics: list[Topic]
    _weighings: dict[Weighed, Weighing | float] = field(default_factory=dict, init=False)
    _moments: dict[Weighed, Moments] = field(default_factory=dict, init=False)

    def add_up(self) -> None:
        """Make all that was asked answerable."""
        self._moments = self.sums.moments(self._weighings)

    def weigh(self, key: Weighed, weighing: Weighing | float) -> None:
        """Want the influence that a weighing gives the pairs of a part."""
        self._weighings[key] = weighing

    def moments(self, key: Weighed) -> Moments:
        """What was wanted."""
        return self._moments[key]

    def ask(self, topic: Topic, question: Question, part: PartCells) -> Answer:
        """Put a question about a part of the traffic."""
        key = self.key(topic, question, part)
        if topic.one_sided or topic.metric.sides is Sides.PAIR:
            return self._of_one(topic.metric, question, key, part)
        return self._of_both(topic.metric, question, key, part)

    def key(self, topic: Topic, question: Question, part: PartCells, use: str = "") -> Weighed:
        """What the influence on a mean is known by; a ratio's is another than a difference's."""
        scale = "ratio" if question.relative else "difference"
        return Weighed(self.topics.index(topic), place_of(part), f"{scale} {use}")

    def contribution(
        self, topic: Topic, question: Question, part: PartCells
    ) -> Callable[[], Summed | None]:
        """The harm of a part with its influence by cluster; None where too little is known."""
        key = self.key(topic, question, part)
        found = self.sums.of_both(key.need, part)
        if isinstance(found, QuantileSums):
            quantiles = summed_quantiles(question, found)
            return lambda: quantiles if isinstance(quantiles, Summed) else None
        paired = found.paired if isinstance(found, ShareSums) else found
        harm = harm_of_sums(question, paired)
        if not isinstance(harm, Weighing):
            return lambda: None
        if isinstance(found, ShareSums):
            known = summed_harm(paired, harm, found.moments(harm))
            return lambda: known
        self.weigh(key, harm)
        return lambda: summed_harm(paired, harm, self.moments(key))

    def _of_both(self, metric: Metric, question: Question, key: Weighed, part: PartCells) -> Answer:
        match self.sums.of_both(key.need, part):
            case ShareSums() as shares:
                return _said(judged_shares(question, shares))
            case QuantileSums() as quantiles:
                return _said(judged_quantiles(question, quantiles))
            case PairedSums() as paired:
                harm = harm_of_sums(question, paired)
                if not isinstance(harm, Weighing):
                    return _said(harm)
                weighing = harm
                self.weigh(key, weighing)
                return lambda: judged_harm(
                    question,
                    paired,
                    weighing,
                    self.moments(key),
                    bounded=metric.unit in BOUNDED,
                )

    def _of_one(self, metric: Metric, question: Question, key: Weighed, part: PartCells) -> Answer:
        match self.sums.of_one(key.need, part):
            case EventSums() as events:
                return _said(judged_rate(question, events))
            case LimitCounts() as counts:
                return _said(judged_quantile(question, counts))
            case SingleSums() as single:
                # The mean of a share that a pair has is that of an excess over the noise floor.
                reach = LARGEST_EXCESS if metric.unit is Unit.FRACTION else None
                level = level_of_sums(question, single, reach=reach)
                if not isinstance(level, float):
                    return _said(level)
                mean = level
                self.weigh(key, mean)
                return lambda: judged_level(
                    question,
                    single,
                    mean,
                    _turned(self.moments(key), question.sign),
                    bounded=metric.unit in BOUNDED,
                )


def _said(answer: Estimate | Unavailable) -> Answer:
    return lambda: answer


def _turned(moments: Moments, sign: int) -> Moments:
    return Moments(moments.squares, sign * moments.cubes)

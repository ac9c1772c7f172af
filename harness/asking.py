"""Which estimator answers a rule: that follows from what is compared, never from a metric's name.

    compared                           one look at a planned size      any number of looks
    a share on both sides              Tango score, Rao-Scott          bets, Rao-Scott; McNemar for
                                                                       a gain of any size
    a mean on both sides               paired t, CR2                   normal mixture on CR2
    a quantile on both sides           linearised                      normal mixture, linearised
    a share of one side or of pairs    Clopper-Pearson, deflated       bets, deflated
    a mean of one side or of pairs     t, CR2                          normal mixture on CR2
    a quantile of one side             Woodruff                        bets on the share beyond

Relative harms of means and quantiles are differences of logarithms. One side alone, or the pairs,
are asked about by `at_most` and `at_least`; both by `not_worse` and `improves`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypedDict

from harness.gate.bound import bound_of
from harness.gate.judge import judge
from harness.gate.policy import AtLeast, AtMost, Improves, NotWorse, Rule
from harness.metric import BOUNDED, Better, Exceedance, Mean, Metric, Quantile, Rate, Unit
from harness.part import Part
from harness.stats.clusters import Clusters, Floats
from harness.stats.mean import mean_bound, mean_harm
from harness.stats.multiplicity import holm
from harness.stats.noise_floor import LARGEST_EXCESS
from harness.stats.planning import clusters_needed
from harness.stats.proportion import proportion_harm
from harness.stats.quantile import quantile_harm
from harness.stats.quantile_bound import quantile_bound
from harness.stats.question import Question
from harness.stats.rate import rate_bound
from harness.stats.sequential import Looking
from harness.stats.sequential_mean import sequential_mean_bound, sequential_mean_harm
from harness.stats.sequential_proportion import sequential_proportion_harm, sequential_rate_bound
from harness.stats.sequential_quantile import sequential_quantile_bound, sequential_quantile_harm
from harness.verdict import Estimate, Finding, Memory, Status, Unavailable


class Asked(TypedDict):
    """What every estimator is told of a question."""

    better: Better
    null: float
    confidence: float
    metric: str
    unit: str


def asked(question: Question) -> Asked:
    """A question as the keyword arguments of an estimator."""
    return Asked(
        better=question.better,
        null=question.null,
        confidence=question.confidence,
        metric=question.metric,
        unit=question.unit,
    )


def question_of(rule: Rule, metric: Metric, confidence: float) -> Question:
    """What a rule asks of its metric.

    What a rule wants to be at most it wants low, whatever the metric's own direction.
    """
    match rule:
        case AtMost():
            better = Better.LOWER
        case AtLeast():
            better = Better.HIGHER
        case _:
            better = metric.better
    bound = bound_of(rule)
    return Question(metric.name, metric.unit, better, bound.value, confidence, bound.relative)


def reach_of(metric: Metric) -> float | None:
    """The largest mean there can be of one value per pair, either way; None where there is none.

    The mean of a share that a pair has is that of an excess over the noise floor.
    """
    match metric.unit:
        case Unit.FRACTION:
            return LARGEST_EXCESS
        case Unit.PREFERENCE:
            return 1.0
        case _:
            return None


def judged(
    rules: Sequence[Rule], evidence: Sequence[Estimate | Unavailable], *, confidence: float
) -> tuple[Finding, ...]:
    """What the rules of one policy find by their estimates."""
    return judge(
        rules, evidence, confidence=confidence, holm=holm, clusters_needed=_clusters_needed
    )


@dataclass(frozen=True, slots=True)
class Asking:
    """One rule about one metric, put to whichever estimator answers it."""

    rule: Rule
    metric: Metric
    confidence: float

    def about(self, arrays: Sequence[Floats], part: Part, memory: Memory) -> Estimate | Unavailable:
        """Two arrays are the two sides, one is the pairs' or the challenger's own.

        Args:
            arrays: Of the whole table; `part` says which rows are asked about.
            memory: Of earlier looks; no matter where one look was planned.
        """
        seen: Clusters | Looking
        if part.looking is None:
            seen, rows = part.clusters, [part.of(array) for array in arrays]
        else:
            seen = replace(part.looking, memory=memory, expected=_expected(self.rule))
            rows = [array.take(part.looking.arrival.order) for array in arrays]
        match rows:
            case [champion, challenger]:
                return self._of_both(champion, challenger, seen)
            case [values]:
                return self._of_one(values, seen)
            case _:
                raise AssertionError(f"{len(arrays)} arrays")

    def status_of(self, estimate: Estimate) -> Status:
        """What the rule finds by an estimate alone, one of no family."""
        (finding,) = judged([self.rule], [estimate], confidence=self.confidence)
        return finding.status

    @property
    def question(self) -> Question:
        return question_of(self.rule, self.metric, self.confidence)

    def _of_both(
        self, champion: Floats, challenger: Floats, seen: Clusters | Looking
    ) -> Estimate | Unavailable:
        ask, relative = asked(self.question), self.question.relative
        match self.metric.statistic:
            case Rate() | Exceedance():
                if isinstance(seen, Looking):
                    return sequential_proportion_harm(champion, challenger, seen, **ask)
                return proportion_harm(champion, challenger, seen, **ask)
            case Mean():
                if isinstance(seen, Looking):
                    return sequential_mean_harm(
                        champion, challenger, seen, **ask, relative=relative
                    )
                bounded = self.metric.unit in BOUNDED
                return mean_harm(
                    champion, challenger, seen, **ask, relative=relative, bounded=bounded
                )
            case Quantile(p):
                if isinstance(seen, Looking):
                    return sequential_quantile_harm(
                        champion, challenger, seen, **ask, relative=relative, p=p
                    )
                return quantile_harm(champion, challenger, seen, **ask, relative=relative, p=p)

    def _of_one(self, values: Floats, seen: Clusters | Looking) -> Estimate | Unavailable:
        ask = asked(self.question)
        match self.metric.statistic:
            case Rate() | Exceedance():
                if isinstance(seen, Looking):
                    return sequential_rate_bound(values, seen, **ask)
                return rate_bound(values, seen, **ask)
            case Mean():
                reach = reach_of(self.metric)
                if isinstance(seen, Looking):
                    return sequential_mean_bound(values, seen, **ask, reach=reach)
                bounded = self.metric.unit in BOUNDED
                return mean_bound(values, seen, **ask, bounded=bounded, reach=reach)
            case Quantile(p):
                if isinstance(seen, Looking):
                    return sequential_quantile_bound(values, seen, **ask, p=p)
                return quantile_bound(values, seen, **ask, p=p)


def _expected(rule: Rule) -> float | None:
    """The harm that is planned for: as good as the champion, or a gain worth shipping."""
    match rule:
        case NotWorse(margin=margin) if margin.value > 0:
            return 0.0
        case Improves(by=by, worth=worth) if worth > by.value:
            return -worth
        case NotWorse() | Improves() | AtMost() | AtLeast():
            return None


def _clusters_needed(estimate: Estimate) -> int | None:
    return clusters_needed(estimate) if estimate.e_value is None else estimate.clusters_enough

"""What a rule's plan stands on: a pilot's values where there are any, assumptions where not.

The harm taken for true is never the one a pilot saw, which would make small pilots look conclusive:

    not_worse            0: the challenger is as good as the champion
    improves             `worth`, the smallest gain worth shipping
    at_most, at_least    the pilot's own value; without a pilot, half of what the limit allows
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from harness.asking import asked, question_of, reach_of
from harness.gate.policy import AtLeast, AtMost, Improves, Policy, Rule
from harness.measure.sides import needed_columns, pair_values, sides
from harness.metric import BOUNDED, Better, Exceedance, Mean, Metric, Quantile, Rate, Sides
from harness.quantity import say
from harness.stats.assumptions import Assumptions
from harness.stats.clusters import Clusters, Floats
from harness.stats.mean import mean_bound, mean_harm
from harness.stats.paired import Paired, Single
from harness.stats.pilot import estimated_prospect, paired_rates_prospect, rate_prospect
from harness.stats.prospects import (
    Clustering,
    MeanProspect,
    PairedRatesProspect,
    Prospect,
    RateProspect,
)
from harness.stats.quantile import quantile_harm
from harness.stats.question import Question
from harness.stats.sufficiency import MIN_CLUSTERS, shortage
from harness.verdict import Estimate, Unavailable

# A quantile is refused with fewer than ten independent values beyond it, and planned with twenty.
PLANNED_EXCEEDANCES = 20

NEEDS_PILOT = "how values spread is not known beforehand: name a pilot with --run"
NEEDS_PILOT_OR_PERCENT = f"{NEEDS_PILOT}, or give the margin in percent"


@dataclass(frozen=True, slots=True)
class Footing:
    """What a rule's plan stands on.

    Attributes:
        question: The rule's; turns harms to the tested scale and back.
        harm: What is taken for true, on the prospect's scale; None where nobody said.
        basis: Where the numbers come from, for a person.
        usable: Share of clusters that have a value, above 0.
        least: Never plan with fewer clusters.
        is_convertible: Whether the prospect's harms can be said in the metric's unit. Those of one
            side's quantile are shares beyond its limit.
    """

    question: Question
    prospect: Prospect
    harm: float | None
    basis: str
    usable: float = 1.0
    least: int = MIN_CLUSTERS
    is_convertible: bool = True

    def one_per_cluster(self) -> Footing:
        """The same where every cluster is one unit: rules on shares count it as one pair.

        The unit is a cluster's mean, which scatters less than a single pair does, so that this is
        the worst case.
        """
        match self.prospect:
            case PairedRatesProspect() | RateProspect() as rates:
                size = rates.clustering.pairs_per_cluster
                whole = Clustering(size, max(size, rates.clustering.deff))
                said = f"{self.basis}, users count once"
                return replace(self, prospect=replace(rates, clustering=whole), basis=said)
            case _:
                return self

    def as_harm(self, position: float | None) -> float | None:
        """A harm of the prospect, as the rule says harms."""
        if position is None or not self.is_convertible:
            return None
        is_tested = isinstance(self.prospect, MeanProspect)
        return self.question.as_harm(position) if is_tested else position


def footings_of_pilot(
    policy: Policy, metrics: Sequence[Metric], values: pl.LazyFrame, clusters: Clusters
) -> tuple[Footing | str, ...]:
    """What the value table of a pilot says about each rule.

    Args:
        clusters: Of its rows.
    """
    return tuple(
        _of_pilot(rule, metric, policy, values, clusters)
        for rule, metric in zip(policy.rules, metrics, strict=True)
    )


def part_shares(policy: Policy, values: pl.LazyFrame) -> dict[str, float]:
    """Of each protected part, the share of a pilot's clusters that have a pair in it."""
    protected = policy.segments.protected if policy.segments else ()
    struct = values.collect_schema().get("segments")
    known = {field.name for field in struct.fields} if isinstance(struct, pl.Struct) else set()
    cluster = pl.col("cluster_id")
    within = {
        part: cluster.filter(pl.col("segments").struct.field(name) == value)
        for part, (name, _, value) in ((part, part.partition("=")) for part in protected)
        if name in known
    }
    counted = values.select(
        cluster.n_unique().alias(""), *(one.n_unique().alias(part) for part, one in within.items())
    )
    n_clusters = counted.collect().row(0, named=True)
    return {part: n_clusters.get(part, 0) / max(1, n_clusters[""]) for part in protected}


def footings_assumed(
    policy: Policy,
    metrics: Sequence[Metric],
    assumptions: Assumptions,
    pairs_per_cluster: float,
) -> tuple[Footing | str, ...]:
    """What can be said about each rule before there are any data."""
    clustering = assumptions.clustering(pairs_per_cluster)
    return tuple(
        _assumed(rule, metric, policy, assumptions, clustering)
        for rule, metric in zip(policy.rules, metrics, strict=True)
    )


def _of_pilot(
    rule: Rule, metric: Metric, policy: Policy, values: pl.LazyFrame, clusters: Clusters
) -> Footing | str:
    columns = values.select(needed_columns(metric)).collect()
    question = question_of(rule, metric, policy.confidence)
    if metric.sides is Sides.PAIR:
        return _of_one(metric, question, pair_values(metric, columns), clusters)
    champion, challenger = sides(metric, columns)
    if isinstance(rule, AtMost | AtLeast):
        return _of_one(metric, question, challenger, clusters)
    footing = _of_both(metric, question, champion, challenger, clusters)
    if isinstance(footing, Footing):
        return replace(footing, harm=_hoped_for(rule, footing))
    return footing


def _of_both(
    metric: Metric, question: Question, champion: Floats, challenger: Floats, clusters: Clusters
) -> Footing | str:
    valued = Paired.complete(champion, challenger, clusters).clusters
    if lack := shortage(valued):
        return f"the pilot is too small: {lack.reason}"
    usable = valued.n_clusters / clusters.n_clusters
    ask = asked(question)
    match metric.statistic:
        case Rate() | Exceedance():
            rates = paired_rates_prospect(
                champion, challenger, clusters, better=question.better, null=question.null
            )
            said = f"{say(rates.disagreement, 'fraction')} of pairs differ"
            return Footing(question, rates, None, _with_deff(said, rates.clustering.deff), usable)
        case Mean():
            bounded = metric.unit in BOUNDED
            relative = question.relative
            found = mean_harm(
                champion, challenger, clusters, **ask, relative=relative, bounded=bounded
            )
            return _of_estimate(question, found, usable)
        case Quantile(p):
            found = quantile_harm(
                champion, challenger, clusters, **ask, relative=question.relative, p=p
            )
            footing = _of_estimate(question, found, usable)
            if isinstance(footing, Footing) and isinstance(found, Estimate):
                worth = Clustering(found.n_pairs / found.n_clusters, max(1.0, found.deff or 1.0))
                return replace(footing, least=_least_for(p, worth))
            return footing


def _of_estimate(question: Question, found: Estimate | Unavailable, usable: float) -> Footing | str:
    if isinstance(found, Unavailable):
        return f"the pilot has no estimate: {found.reason}"
    prospect = estimated_prospect(question, found)
    if prospect is None:
        return "every cluster of the pilot has the same harm, so nothing is known of its spread"
    if not isinstance(prospect, MeanProspect):
        said = "no pair differs" if found.champion is not None else "0 on every pair"
        return Footing(question, prospect, None, said, usable)
    sd = prospect.cluster_sd * math.sqrt(found.n_pairs / found.n_clusters / (found.deff or 1.0))
    said = f"sd {sd:.3g} of log ratio" if question.relative else f"sd {say(sd, question.unit)}"
    return Footing(question, prospect, None, _with_deff(said, found.deff or 1.0), usable)


def _of_one(
    metric: Metric, question: Question, values: Floats, clusters: Clusters
) -> Footing | str:
    """A value of its own against a limit: what the pilot saw is taken for true."""
    seen = Single.complete(values, clusters)
    if lack := shortage(seen.clusters):
        return f"the pilot is too small: {lack.reason}"
    usable = seen.clusters.n_clusters / clusters.n_clusters
    match metric.statistic:
        case Mean():
            bounded = metric.unit in BOUNDED
            found = mean_bound(
                values, clusters, **asked(question), bounded=bounded, reach=reach_of(metric)
            )
            footing = _of_estimate(question, found, usable)
            if isinstance(footing, Footing) and isinstance(found, Estimate):
                return replace(footing, harm=found.harm)
            return footing
        case Quantile(p):
            return _of_one_quantile(question, values, clusters, usable, p=p)
        case _:
            prospect = rate_prospect(values, clusters, better=question.better, null=question.null)
            rate = float(seen.values.mean())
            said = _with_deff(f"{say(rate, 'fraction')} seen", prospect.clustering.deff)
            return Footing(question, prospect, question.sign * rate, said, usable)


def _of_one_quantile(
    question: Question, values: Floats, clusters: Clusters, usable: float, *, p: float
) -> Footing:
    """A quantile below a limit is a small enough share of values beyond it."""
    limit, allowed = question.sign * question.null, 1 - p if question.sign > 0 else p
    beyond = values >= limit if question.sign > 0 else values <= limit
    missed = np.where(np.isnan(values), np.nan, beyond)
    prospect = rate_prospect(missed, clusters, better=Better.LOWER, null=allowed)
    rate = float(np.nanmean(missed))
    said = f"{say(rate, 'fraction')} beyond the limit, {say(allowed, 'fraction')} allowed"
    return Footing(
        question,
        prospect,
        rate,
        _with_deff(said, prospect.clustering.deff),
        usable,
        is_convertible=False,
    )


def _assumed(
    rule: Rule, metric: Metric, policy: Policy, assumptions: Assumptions, clustering: Clustering
) -> Footing | str:
    question = question_of(rule, metric, policy.confidence)
    if metric.sides is Sides.PAIR or isinstance(rule, AtMost | AtLeast):
        return _one_assumed(metric, question, clustering)
    match metric.statistic:
        case Rate() | Exceedance():
            said = f"{say(assumptions.disagreement, 'fraction')} of pairs differ"
            rates = PairedRatesProspect(question.null, assumptions.disagreement, clustering)
            footing = Footing(question, rates, None, _taken(said, clustering))
        case _ if not question.relative:
            return NEEDS_PILOT_OR_PERCENT if metric.positive else NEEDS_PILOT
        case Mean():
            footing = _ratio_assumed(question, assumptions.ratio_sd, assumptions, clustering)
        case Quantile(p):
            sd = assumptions.quantile_ratio_sd(p)
            footing = _ratio_assumed(question, sd, assumptions, clustering)
            footing = replace(footing, least=_least_for(p, clustering))
    return replace(footing, harm=_hoped_for(rule, footing))


def _one_assumed(metric: Metric, question: Question, clustering: Clustering) -> Footing | str:
    if not isinstance(metric.statistic, Rate | Exceedance):
        return NEEDS_PILOT
    offset = 0.0 if question.better is Better.LOWER else 1.0
    prospect = RateProspect(question.null, clustering, offset)
    harm = (question.null + offset) / 2 - offset
    said = f"{say(question.sign * harm, 'fraction')} in truth"
    return Footing(question, prospect, harm, _taken(said, clustering))


def _ratio_assumed(
    question: Question, sd: float, assumptions: Assumptions, clustering: Clustering
) -> Footing:
    cluster_sd = sd * math.sqrt(clustering.deff / clustering.pairs_per_cluster)
    prospect = MeanProspect(question.on_test_scale(question.null), cluster_sd)
    said = f"log-normal, spread {assumptions.spread:g}"
    return Footing(question, prospect, None, _taken(said, clustering))


def _hoped_for(rule: Rule, footing: Footing) -> float | None:
    """The harm taken for true, on the prospect's scale."""
    if not isinstance(rule, Improves):
        return 0.0
    if not rule.worth > rule.by.value:
        return None
    is_tested = isinstance(footing.prospect, MeanProspect)
    return footing.question.on_test_scale(-rule.worth) if is_tested else -rule.worth


def _least_for(p: float, clustering: Clustering) -> int:
    beyond = min(p, 1 - p) * clustering.pairs_per_cluster / clustering.deff
    return max(MIN_CLUSTERS, math.ceil(PLANNED_EXCEEDANCES / beyond - 1e-9))


def _with_deff(said: str, deff: float) -> str:
    return f"{said}, design effect {deff:.3g}" if deff > 1 else said


def _taken(said: str, clustering: Clustering) -> str:
    return f"{_with_deff(said, clustering.deff)} (assumed)"

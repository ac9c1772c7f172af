"""Value tables and a policy in, a verdict out: the whole method on one page.

For each challenger:

    values of both sides  -> per rule, one estimate of the harm (stats)
    estimates + rules     -> findings                           (gate)
    how it was collected  -> validity checks                    (gate)
    all of that           -> a decision with its reason         (gate)

and over the challengers of a run, Holm, because the best of five is promoted too easily.

Which estimator answers a rule follows from what is compared, never from a metric's name:

    a share on both sides              Tango score, Rao-Scott       (not_worse, improves)
    a mean on both sides               paired t, CR2; relative: log ratio of means
    a quantile on both sides           difference or log ratio of quantiles, linearised
    a share of one side or of pairs    Clopper-Pearson, deflated    (at_most, at_least)
    a mean of one side or of pairs     t, CR2
    a quantile of one side             Woodruff

These are for one look at a planned size. A policy that is to be looked at any time (`sequential`)
has the same rules answered by always-valid estimators (`harness.looking`); nothing is held for the
rest of the plan then, and what its looks have to remember goes in and out as values.

Within each segment of the traffic the same estimators describe, and where the policy says so the
guardrails are tested again (`harness.gate.segments`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypedDict

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harness.compare.frequency import path_differences
from harness.gate.bound import bound_of
from harness.gate.decide import Plan, across, decide, run_decision
from harness.gate.judge import Evidence, judge
from harness.gate.policy import AtLeast, AtMost, Policy, Rule, Segments
from harness.gate.segments import FALSE_SHARE, PartEvidence, Scanned, rule_in_part, scan
from harness.gate.validity import Observed, validate
from harness.looking import SequentialQuestion, looking_at, part_of
from harness.measure.arms import arm
from harness.measure.disagreements import disagreements
from harness.measure.integrity import integrity
from harness.measure.segments import Segment, segments
from harness.measure.sides import needed_columns, pair_values, sides
from harness.metric import (
    BOUNDED,
    Better,
    Exceedance,
    Mean,
    Metric,
    Quantile,
    Rate,
    Sides,
    Unit,
)
from harness.noise import noise_floors
from harness.pair import Conservation
from harness.segmentation import Contrasted, Value, contrast
from harness.stats.clusters import Clusters
from harness.stats.mean import mean_bound, mean_harm
from harness.stats.multiplicity import benjamini_hochberg, e_bh, holm
from harness.stats.noise_floor import LARGEST_EXCESS
from harness.stats.planning import clusters_needed
from harness.stats.proportion import proportion_harm
from harness.stats.quantile import quantile_harm
from harness.stats.quantile_bound import quantile_bound
from harness.stats.rate import rate_bound
from harness.stats.sequential import NOTHING_SEEN, Looking
from harness.verdict import (
    ChallengerVerdict,
    Estimate,
    Memory,
    PathDifference,
    SegmentContrast,
    SegmentEstimate,
    SegmentScan,
    Status,
    Unavailable,
    Verdict,
)

Floats = NDArray[np.float64]

INDEPENDENCE_ASSUMED = (
    "No `cluster:` is configured, so requests were taken to be independent of each other. "
    "Where users send several, intervals are too narrow."
)

NOTHING_TO_COME = Plan()

FEWEST_TO_BE_RIGHT = 20
"""With this many known labels a champion that serves users has been right at least once."""


@dataclass(frozen=True, slots=True)
class Collected:
    """What was collected about one challenger.

    Attributes:
        values: Its value table (see `harness.measure.values`), of one run or of several pooled.
        metrics: The metric of each rule of `policy`, in the same order.
        comparisons: Names of the comparisons in the table.
        barred: Rules that must have no evidence, and why: the champion's recorded latency was
            measured elsewhere, say.
        plan: What is still to come of what was planned; pairs are no matter to a sequential policy.
        memories: Of a sequential policy: what the findings of earlier looks at the same rules held.
        baseline: `champion`, or `recorded` where its answers came from the log.
        open_loop: Whether requests were sent by a clock, so that being late is a fault.
        clustered: Whether the config names what belongs together.
    """

    challenger: str
    champion: str
    values: pl.LazyFrame
    conservation: Conservation
    policy: Policy
    metrics: tuple[Metric, ...]
    comparisons: tuple[str, ...] = ()
    barred: Mapping[Rule, str] = field(default_factory=dict)
    plan: Plan = NOTHING_TO_COME
    memories: Mapping[Rule, Memory] = field(default_factory=dict)
    baseline: str = "champion"
    open_loop: bool = True
    clustered: bool = True


def evaluate(
    collected: Sequence[Collected],
    *,
    run_ids: Sequence[str],
    policy_digest: str,
    confidence: float,
    versions: Mapping[str, str],
) -> Verdict:
    """Judge every challenger, then correct for there being several."""
    each = [_verdict_on(one) for one in collected]
    challengers = across(each, confidence=confidence, holm=_holm)
    return Verdict(
        run_ids=tuple(run_ids),
        policy_digest=policy_digest,
        decision=run_decision([verdict.decision for verdict in challengers]),
        challengers=challengers,
        versions=dict(versions),
        notes=() if all(one.clustered for one in collected) else (INDEPENDENCE_ASSUMED,),
    )


def _verdict_on(one: Collected) -> ChallengerVerdict:
    clusters = clusters_of(one.values)
    looking = looking_at(one.values, clusters, one.policy) if one.policy.sequential else None
    whole = _Part("", np.arange(clusters.n_pairs), clusters, looking)
    named = one.policy.segments.named if one.policy.segments else ()
    parts = [whole.where(segment) for segment in segments(one.values, always=named)]
    measured = [
        _measured(rule, metric, one, whole, parts)
        for rule, metric in zip(one.policy.rules, one.metrics, strict=True)
    ]
    findings = judge(
        one.policy.rules,
        [each.evidence for each in measured],
        confidence=one.policy.confidence,
        holm=_holm,
        clusters_needed=_clusters_needed,
    )
    scanned = _scanned(one, measured)
    if scanned is not None:
        findings += scanned.findings
    observed = _observed(one, clusters)
    verdict = decide(
        one.challenger,
        findings,
        validate(observed, one.policy),
        observed,
        plan=replace(one.plan, pairs_to_come=0) if one.policy.sequential else one.plan,
        baseline=one.baseline,
    )
    return replace(
        verdict,
        segments=tuple(
            _described(part.part, part.seen) for each in measured for part in each.parts
        ),
        segment_scan=_report(scanned, measured),
        next_steps=verdict.next_steps + (scanned.warnings if scanned is not None else ()),
        noise_floor=noise_floors(
            one.values,
            one.comparisons,
            clusters,
            confidence=None if one.policy.sequential else one.policy.confidence,
        ),
        disagreements=disagreements(one.values, one.comparisons),
        paths=_paths(one),
        arms=(
            arm(one.values, "champion", one.champion),
            arm(one.values, "challenger", one.challenger),
        ),
    )


def clusters_of(values: pl.LazyFrame) -> Clusters:
    """The cluster of each row of a value table, whatever text names it.

    In the order of their first rows: polars' own codes hang on what else the process has seen, and
    sums taken in another order differ in their last digits.
    """
    names = values.select(pl.col("cluster_id").cast(pl.Categorical)).collect().to_series()
    codes = names.to_physical().to_numpy()
    first_row = np.empty(int(codes.max(initial=0)) + 1, dtype=np.intp)
    first_row[codes[::-1]] = np.arange(codes.size - 1, -1, -1)  # of equal codes the last one stays
    return Clusters.of(first_row[codes])


def _observed(one: Collected, clusters: Clusters) -> Observed:
    """How the pairs were collected, for the checks of validity."""
    seen = integrity(one.values)
    return Observed(
        conservation=one.conservation,
        n_pairs=seen.n_rows,
        n_clusters=clusters.n_clusters,
        n_champion_failed=seen.n_failed["champion"],
        n_challenger_failed=seen.n_failed["challenger"],
        n_duplicate_ids=seen.n_repeated_ids,
        n_negative_latencies=seen.n_negative_latencies,
        lag_p99_s=seen.lag_p99_s if one.open_loop and _judges_time(one) else None,
        n_champion_first=seen.n_champion_first if one.baseline == "champion" else None,
    )


def _judges_time(one: Collected) -> bool:
    """Whether being late ourselves could spoil a rule's evidence."""
    return any(metric.unit is Unit.SECONDS for metric in one.metrics)


def _paths(one: Collected) -> tuple[PathDifference, ...]:
    columns = one.values.collect_schema().names()
    found: list[PathDifference] = []
    for name in one.comparisons:
        if f"{name}.paths" in columns:
            paths = one.values.select(f"{name}.paths").collect().to_series()
            found += path_differences(name, paths)
    return tuple(found)


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """The rows of one segment, as indices, and their clusters: found once for all rules.

    Attributes:
        looking: The same rows in the order they came; None where one look was planned.
    """

    name: str
    rows: NDArray[np.intp]
    clusters: Clusters
    looking: Looking | None

    def of(self, values: Floats) -> Floats:
        """Its values. Rows are distinct, so that as many as there are values are all of them."""
        return values if self.rows.size == values.size else values.take(self.rows)

    def where(self, segment: Segment) -> _Part:
        """One segment of the whole table."""
        rows = np.flatnonzero(segment.rows)
        looking = None if self.looking is None else part_of(self.looking, segment.rows)
        return _Part(segment.name, rows, self.clusters.where(segment.rows), looking)


@dataclass(frozen=True, slots=True)
class _Measured:
    """One rule's evidence, within each part of the traffic too, and how the parts differ."""

    evidence: Evidence
    parts: tuple[PartEvidence, ...] = ()
    contrasts: tuple[SegmentContrast, ...] = ()


def _measured(
    rule: Rule,
    metric: Metric,
    one: Collected,
    whole: _Part,
    parts: Sequence[_Part],
) -> _Measured:
    """How much worse the challenger is on one metric."""
    if rule in one.barred:
        return _Measured(Unavailable(metric.name, metric.unit, one.barred[rule]))
    columns = one.values.select(needed_columns(metric)).collect()
    if (why := _never_right(metric, columns)) is not None:
        return _Measured(Unavailable(metric.name, metric.unit, why))
    ask = _Question(rule, metric, one.policy.confidence)
    memory = one.memories.get(rule, NOTHING_SEEN)
    arrays: tuple[Floats, ...]
    if metric.sides is Sides.PAIR:
        arrays = (pair_values(metric, columns),)
    else:
        arrays = sides(metric, columns)
        arrays = arrays[1:] if isinstance(rule, AtMost | AtLeast) else arrays
    found = ask.about(arrays, whole, memory)
    within, searched = ask, one.policy.segments
    if searched is not None:
        within = replace(ask, rule=rule_in_part(rule, searched))
    return _Measured(
        found,
        tuple(
            PartEvidence(part.name, rule, within.about(arrays, part, NOTHING_SEEN))
            for part in parts
        ),
        () if searched is None else _contrasts(ask, arrays, whole, parts, searched, found),
    )


def _never_right(metric: Metric, columns: pl.DataFrame) -> str | None:
    """Why labels and truth cannot be the same thing; None when they may be.

    A champion that is right on none of many pairs is not that bad: the config compares what can
    never be equal, and two sides that are both always wrong would pass as equally good.
    """
    if "champion_correct" not in columns.columns:
        return None
    known = columns["champion_correct"].drop_nulls()
    if len(known) < FEWEST_TO_BE_RIGHT or known.any():
        return None
    return (
        f"the champion's label equals the truth on none of {len(known):,} pairs: check "
        f"`output.label` and `truth`"
    )


def _contrasts(
    ask: _Question,
    arrays: Sequence[Floats],
    whole: _Part,
    parts: Sequence[_Part],
    searched: Segments,
    found: Estimate | Unavailable,
) -> tuple[SegmentContrast, ...]:
    """How the values of each segment differ, where a rule compares two sides."""
    if len(arrays) < 2:
        return ()
    champion, challenger = arrays
    by_segment: dict[str, list[Value]] = {}
    for part in parts:
        segment, _, value = part.name.partition("=")
        by_segment.setdefault(segment, []).append(Value(value, part.rows))
    return tuple(
        contrast(
            Contrasted(
                segment=segment,
                rule=ask.rule,
                metric=ask.metric,
                confidence=ask.confidence,
                sides=(champion, challenger),
                clusters=whole.clusters,
                values=values,
                status_of=ask.status_of,
            ),
            found,
            searched.production.get(segment),
        )
        for segment, values in by_segment.items()
    )


def _scanned(one: Collected, measured: Sequence[_Measured]) -> Scanned | None:
    if one.policy.segments is None:
        return None
    return scan(
        [part for each in measured for part in each.parts],
        one.policy.segments,
        adjust=_benjamini_hochberg,
        select=_e_bh if one.policy.sequential else None,
    )


def _report(scanned: Scanned | None, measured: Sequence[_Measured]) -> SegmentScan | None:
    if scanned is None:
        return None
    return replace(scanned.scan, contrasts=tuple(c for each in measured for c in each.contrasts))


def _described(segment: str, found: Estimate | Unavailable) -> SegmentEstimate:
    harm, low, high = None, None, None
    if isinstance(found, Estimate):
        harm, low, high = found.harm, found.harm_low, found.harm_high
    return SegmentEstimate(
        segment=segment,
        metric=found.metric,
        unit=found.unit,
        champion=found.champion,
        challenger=found.challenger,
        harm=harm,
        harm_low=low,
        harm_high=high,
        n_pairs=found.n_pairs,
        n_clusters=found.n_clusters,
        relative=isinstance(found, Estimate) and found.relative,
    )


class _Asked(TypedDict):
    better: Better
    null: float
    confidence: float
    metric: str
    unit: str


@dataclass(frozen=True, slots=True)
class _Question:
    """One rule about one metric, put to whichever estimator answers it."""

    rule: Rule
    metric: Metric
    confidence: float

    def about(
        self, arrays: Sequence[Floats], part: _Part, memory: Memory
    ) -> Estimate | Unavailable:
        """Two arrays are the two sides, one is the pairs' or the challenger's own.

        Args:
            arrays: Of the whole table; `part` says which rows are asked about.
        """
        if part.looking is not None:
            ask = SequentialQuestion(self.rule, self.metric, self._better, self.confidence)
            return ask.about(arrays, part.looking, memory)
        match [part.of(array) for array in arrays]:
            case [champion, challenger]:
                return self._of_both(champion, challenger, part.clusters)
            case [values]:
                return self._of_one(values, part.clusters)
            case _:
                raise AssertionError(f"{len(arrays)} arrays")

    def status_of(self, estimate: Estimate) -> Status:
        """What the rule finds by an estimate alone, one of no family."""
        (finding,) = judge(
            [self.rule],
            [estimate],
            confidence=self.confidence,
            holm=_holm,
            clusters_needed=_clusters_needed,
        )
        return finding.status

    @property
    def _asked(self) -> _Asked:
        return _Asked(
            better=self._better,
            null=bound_of(self.rule).value,
            confidence=self.confidence,
            metric=self.metric.name,
            unit=self.metric.unit,
        )

    @property
    def _better(self) -> Better:
        """What a rule wants to be at most it wants low, whatever the metric's own direction."""
        match self.rule:
            case AtMost():
                return Better.LOWER
            case AtLeast():
                return Better.HIGHER
            case _:
                return self.metric.better

    def _of_both(
        self, champion: Floats, challenger: Floats, clusters: Clusters
    ) -> Estimate | Unavailable:
        relative = bound_of(self.rule).relative
        match self.metric.statistic:
            case Rate() | Exceedance():
                return proportion_harm(champion, challenger, clusters, **self._asked)
            case Mean():
                return mean_harm(
                    champion,
                    challenger,
                    clusters,
                    **self._asked,
                    relative=relative,
                    bounded=self.metric.unit in BOUNDED,
                )
            case Quantile(p):
                return quantile_harm(
                    champion, challenger, clusters, **self._asked, relative=relative, p=p
                )

    def _of_one(self, values: Floats, clusters: Clusters) -> Estimate | Unavailable:
        match self.metric.statistic:
            case Rate() | Exceedance():
                return rate_bound(values, clusters, **self._asked)
            case Mean():
                bounded = self.metric.unit in BOUNDED
                # The mean of a share that a pair has is that of an excess over the noise floor.
                reach = LARGEST_EXCESS if self.metric.unit is Unit.FRACTION else None
                return mean_bound(values, clusters, **self._asked, bounded=bounded, reach=reach)
            case Quantile(p):
                return quantile_bound(values, clusters, **self._asked, p=p)


def _clusters_needed(estimate: Estimate) -> int | None:
    return clusters_needed(estimate) if estimate.e_value is None else estimate.clusters_enough


def _holm(p_values: Sequence[float]) -> list[float]:
    return [float(p) for p in holm(p_values)] if p_values else []


def _benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    return [float(p) for p in benjamini_hochberg(p_values)]


def _e_bh(e_values: Sequence[float]) -> list[bool]:
    return [bool(find) for find in e_bh(e_values, rate=FALSE_SHARE)]

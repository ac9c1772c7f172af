"""Value tables and a policy in, a verdict out: the whole method on one page.

For each challenger:

    values of both sides  -> per rule, one estimate of the harm (stats)
    estimates + rules     -> findings                           (gate)
    how it was collected  -> validity checks                    (gate)
    all of that           -> a decision with its reason         (gate)

and over the challengers of a run, Holm, because the best of five is promoted too easily.

Which estimator answers a rule, at one look or at any number of looks, is said in `harness.asking`.
Where a policy is `sequential` nothing is held for the rest of the plan, and what its looks have to
remember goes in and out as values.

Within each segment of the traffic the same estimators describe, and where the policy says so the
guardrails are tested again (`harness.gate.segments`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from harness.asking import judged
from harness.circumstances import circumstances, sampled
from harness.collected import Collected
from harness.compare.frequency import path_differences
from harness.evidence import Measured, evidence_of
from harness.factors import Grid, factor_effects
from harness.gate.decide import across, decide, run_decision
from harness.gate.routing import routes
from harness.gate.segments import FALSE_SHARE, Scanned, scan
from harness.gate.validity import Observed, validate
from harness.glimpse import glimpse
from harness.measure.arms import arm
from harness.measure.disagreements import disagreements
from harness.measure.integrity import integrity
from harness.measure.segments import partitions
from harness.metric import Unit
from harness.missing import Missing, missing
from harness.noise import noise_floors
from harness.preference import judge_reports
from harness.stats.clusters import Booleans, ClusterSizes
from harness.stats.multiplicity import benjamini_hochberg, e_bh, holm
from harness.tipping import with_missing
from harness.vantage import held_against_repeats
from harness.verdict import (
    ChallengerVerdict,
    Estimate,
    Finding,
    PartMemory,
    PathDifference,
    SegmentEstimate,
    SegmentScan,
    Unavailable,
    Verdict,
)
from harness.waiting import with_waiting

INDEPENDENCE_ASSUMED = (
    "No `cluster:` is configured, so requests were taken to be independent of each other. "
    "Where users send several, intervals are too narrow."
)


def evaluate(
    collected: Sequence[Collected],
    *,
    run_ids: Sequence[str],
    policy_digest: str,
    confidence: float,
    versions: Mapping[str, str],
    grid: Grid | None = None,
) -> Verdict:
    """Judge every challenger, then correct for there being several."""
    each = [_verdict_on(one) for one in collected]
    challengers = across(each, confidence=confidence, holm=holm)
    return Verdict(
        run_ids=tuple(run_ids),
        policy_digest=policy_digest,
        decision=run_decision([verdict.decision for verdict in challengers]),
        challengers=challengers,
        versions=dict(versions),
        effects=factor_effects(grid, collected) if grid is not None else (),
        notes=() if all(one.clustered for one in collected) else (INDEPENDENCE_ASSUMED,),
    )


def _verdict_on(one: Collected) -> ChallengerVerdict:
    named = one.policy.segments.named if one.policy.segments else ()
    looked_at = glimpse(one)
    evidence = evidence_of(one, partitions(one.values, always=named), looked_at=looked_at)
    found = held_against_repeats(one, evidence.measured)
    lacking = missing(looked_at, [each.gap for each in found if each.gap is not None])
    findings = _findings(one, found, lacking)
    scanned = _scanned(one, found)
    if scanned is not None:
        findings += scanned.findings
    observed = _observed(one, evidence.clusters, lacking)
    verdict = decide(
        one.challenger,
        findings,
        validate(observed, one.policy),
        observed,
        plan=one.plan.with_free_looks() if one.policy.sequential else one.plan,
        baseline=one.baseline,
    )
    return replace(
        verdict,
        segments=tuple(_described(part.part, part.seen) for each in found for part in each.parts),
        segment_scan=_report(scanned, found),
        next_steps=verdict.next_steps + (scanned.warnings if scanned is not None else ()),
        noise_floor=noise_floors(
            one.values,
            one.comparisons,
            confidence=None if one.policy.sequential else one.policy.confidence,
        ),
        disagreements=disagreements(one.values, one.comparisons),
        paths=_paths(one),
        arms=(
            with_waiting(arm(one.values, "champion", one.champion), one, "champion"),
            with_waiting(arm(one.values, "challenger", one.challenger), one, "challenger"),
        ),
        circumstances=circumstances(one, looked_at),
        judges=judge_reports(one.values, one.judges, confidence=one.policy.confidence),
        routes=routes([part for each in found for part in each.parts]),
    )


def _findings(one: Collected, found: Sequence[Measured], lacking: Missing) -> tuple[Finding, ...]:
    """What each rule finds, and what the values it lacks could do to that."""
    evidence = [each.evidence for each in found]
    judgements = judged(one.policy.rules, evidence, confidence=one.policy.confidence)
    findings = []
    for finding, rule, metric, each in zip(
        judgements, one.policy.rules, one.metrics, found, strict=True
    ):
        warned = (lacking.warnings[rule],) if rule in lacking.warnings else ()
        findings.append(
            replace(
                with_missing(finding, rule, metric),
                warnings=finding.warnings + warned,
                harm_both_answered=each.harm_both_answered,
            )
        )
    return tuple(findings)


def _observed(one: Collected, clusters: ClusterSizes, lacking: Missing) -> Observed:
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
        n_champion_first=seen.n_champion_first if one.order_is_ours else None,
        missingness=lacking.missingness,
        one_sided=lacking.one_sided,
        unlabelled=lacking.unlabelled,
        sampled=sampled(one, clusters),
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


def _scanned(one: Collected, found: Sequence[Measured]) -> Scanned | None:
    if one.policy.segments is None:
        return None
    return scan(
        [part for each in found for part in each.parts],
        one.policy.segments,
        adjust=benjamini_hochberg,
        select=_e_bh if one.policy.sequential else None,
    )


def _e_bh(e_values: Sequence[float]) -> Booleans:
    return e_bh(e_values, rate=FALSE_SHARE)


def _report(scanned: Scanned | None, found: Sequence[Measured]) -> SegmentScan | None:
    if scanned is None:
        return None
    return replace(
        scanned.scan,
        contrasts=tuple(c for each in found for c in each.contrasts),
        memories=tuple(
            PartMemory(part.part, part.rule.title, part.seen.memory)
            for each in found
            for part in each.parts
            if part.seen.memory is not None
        ),
    )


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

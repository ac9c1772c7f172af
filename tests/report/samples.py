"""Verdicts to render, made by the gate from numbers written out here: they hang together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness.gate.bound import bound_of
from harness.gate.decide import Plan, across, decide, run_decision
from harness.gate.judge import judge
from harness.gate.policy import AtMost, Improves, Margin, NotWorse, Policy, Rule, Segments
from harness.gate.segments import PartEvidence, Scanned, rule_in_part, scan
from harness.gate.validity import Observed, validate
from harness.measure.catalog import resolve
from harness.pair import Conservation, LossReason
from harness.stats.multiplicity import benjamini_hochberg
from harness.stats.planning import clusters_needed
from harness.tipping import with_missing
from harness.verdict import (
    Arm,
    ChallengerVerdict,
    Disagreement,
    Estimate,
    Finding,
    NoiseFloor,
    PathDifference,
    Reweighted,
    SegmentContrast,
    SegmentEstimate,
    Status,
    Unavailable,
    Verdict,
)
from tests.gate.evidence import holm

RULES: tuple[Rule, ...] = (
    NotWorse("failure_rate", Margin(0.02)),
    NotWorse("latency_s.p95", Margin(0.10, relative=True)),
    AtMost("label.disagreement_rate", 0.05),
    Improves("accuracy"),
)
POLICY = Policy(RULES)
VERSIONS = {"harness": "0.1.0", "python": "3.11", "scipy": "1.14"}


def seen(
    rule: Rule,
    unit: str,
    levels: tuple[float | None, float | None],
    harm: tuple[float, float, float],
    p_value: float,
    method: str,
    *,
    n_left_out: int = 0,
    warnings: tuple[str, ...] = (),
) -> Estimate:
    bound = bound_of(rule)
    return Estimate(
        metric=rule.metric,
        unit=unit,
        champion=levels[0],
        challenger=levels[1],
        harm=harm[0],
        harm_low=harm[1],
        harm_high=harm[2],
        confidence=0.95,
        null=bound.value,
        p_value=p_value,
        p_harm=1 - p_value,
        method=method,
        n_pairs=899,
        n_clusters=612,
        n_left_out=n_left_out,
        relative=bound.relative,
        deff=1.0625,
        warnings=warnings,
    )


FAILURES = seen(
    RULES[0],
    "fraction",
    (0.0033, 0.0044),
    (0.0011, -0.0024, 0.0047),
    2.5e-7,
    "Tango score, Rao-Scott",
)
QUICK = seen(
    RULES[1], "s", (0.0123, 0.0126), (0.021, -0.018, 0.061), 0.00390625, "Woodruff, log ratio"
)
SLOW = seen(
    RULES[1], "s", (0.0123, 0.0189), (0.537, 0.448, 0.631), 1 - 2.0**-40, "Woodruff, log ratio"
)
UNSURE = seen(
    RULES[1], "s", (0.0123, 0.0131), (0.066, 0.013, 0.121), 0.140625, "Woodruff, log ratio"
)
AGREES = seen(
    RULES[2], "fraction", (None, 0.0312), (0.0312, 0.0223, 0.0419), 0.001953125, "Wilson, Rao-Scott"
)
BETTER = seen(
    RULES[3],
    "fraction",
    (0.963, 0.987),
    (-0.0234, -0.034, -0.013),
    0.0001220703125,
    "Tango score, Rao-Scott",
    n_left_out=12,
)
NO_BETTER = seen(
    RULES[3],
    "fraction",
    (0.963, 0.966),
    (-0.003, -0.0116, 0.0056),
    0.28125,
    "Tango score, Rao-Scott",
)

NO_LABELS = Unavailable(
    RULES[2].metric, "fraction", "no pair has a label on both sides", n_left_out=899
)

DISAGREEMENTS = (
    Disagreement("r-000417", 1.0, ("$.label", "$.scores[3]"), '{"label": 3}', '{"label": 8}'),
    Disagreement("r-000102", 1.0, ("$.label",), '{"label": 9}', '{"label": 4}'),
    Disagreement("r-000771", 0.44, ("$.scores[1]",), '{"label": 1}', '{"label": 1}'),
    Disagreement("r-000030", 0.31, ("$.scores[8]", "$.scores[3]"), '{"label": 8}', '{"label": 8}'),
    Disagreement("r-000655", 0.22, ("$.scores[5]",), '{"label": 5}', '{"label": 5}'),
    Disagreement("r-000012", 0.21, ("$.scores[5]",), '{"label": 5}', '{"label": 5}'),
)
PATHS = (
    PathDifference("scores", "$.scores[8]", 61, 0.0679),
    PathDifference("scores", "$.scores[3]", 40, 0.0445),
)
CONSERVATION = Conservation(
    1000, 899, {LossReason.SAMPLED_OUT: 92, LossReason.TOO_LARGE: 5, LossReason.SHED_LINK: 4}
)
OBSERVED = Observed(CONSERVATION, 899, 612, 3, 4, lag_p99_s=0.0042, n_champion_first=451)


def judged(
    name: str,
    evidence: Sequence[Estimate | Unavailable | None],
    *,
    observed: Observed = OBSERVED,
    to_come: int = 0,
    within: tuple[Finding, ...] = (),
) -> ChallengerVerdict:
    judged = judge(RULES, evidence, confidence=0.95, holm=holm, clusters_needed=clusters_needed)
    metrics = [resolve(rule.metric, outputs=(), comparisons=("label",)) for rule in RULES]
    findings = (
        tuple(with_missing(*one) for one in zip(judged, RULES, metrics, strict=True)) + within
    )
    verdict = decide(
        name,
        findings,
        validate(observed, POLICY),
        observed,
        plan=Plan(pairs_to_come=to_come),
    )
    return replace(
        verdict,
        disagreements=DISAGREEMENTS,
        paths=PATHS,
        noise_floor=(
            NoiseFloor(
                "label", 0.0214, 0.0112, None, 0.0102, -0.0031, 0.0235, 0.12, 0.0103, 890, 610
            ),
        ),
        segments=(
            SegmentEstimate(
                "source=mobile", "accuracy", "fraction", 0.95, 0.98, -0.03, -0.05, -0.01, 301, 200
            ),
        ),
        arms=(
            Arm(
                "champion", {"ok": 896, "timeout": 3}, {"p50": 0.0081, "p95": 0.0123, "p99": 0.021}
            ),
            Arm(name, {"ok": 895, "timeout": 4}, {"p50": 0.0079, "p95": 0.0126, "p99": None}),
        ),
    )


def run(*challengers: ChallengerVerdict, notes: tuple[str, ...] = ()) -> Verdict:
    corrected = across(challengers, confidence=0.95, holm=holm)
    return Verdict(
        run_ids=("20250601T120000Z-7f3a",),
        policy_digest="sha256:5f0c",
        decision=run_decision([verdict.decision for verdict in corrected]),
        challengers=corrected,
        versions=VERSIONS,
        notes=notes,
    )


SEARCHED = Segments(protected=("source=mobile",), production={"source": {"mobile": 0.3}})


def within_a_part() -> Scanned:
    """A protected part whose p95 is surely beyond twice the margin, and one too small to test."""
    rule = rule_in_part(RULES[1], SEARCHED)
    slow = replace(
        seen(
            rule, "s", (0.0131, 0.0181), (0.382, 0.291, 0.48), 1 - 2.0**-40, "Woodruff, log ratio"
        ),
        p_harm=2.0**-30,
        n_pairs=301,
        n_clusters=200,
    )
    few = Unavailable(rule.metric, "s", "7 clusters are too few, 8 are needed", n_clusters=7)
    return scan(
        [PartEvidence("source=mobile", RULES[1], slow), PartEvidence("source=tv", RULES[1], few)],
        SEARCHED,
        adjust=benjamini_hochberg,
        select=None,
    )


CONTRAST = SegmentContrast(
    "source",
    "not_worse latency_s.p95",
    "latency_s.p95",
    n_parts=2,
    adds_up="a quantile is no average of those of its parts",
    reversal="the whole is better, and parts with 67 % of its pairs are worse",
    method="Cochran's Q",
    statistic=6.25,
    df=1,
    p_heterogeneity=0.0124,
    p_interaction=0.0625,
    reweighted=Reweighted(0.034, -0.008, 0.076, Status.PASS, "post-stratified", ()),
)


def searched() -> ChallengerVerdict:
    """All is well on the whole, and one protected part of the traffic suffers."""
    found = within_a_part()
    return replace(
        judged("digits-knn", [FAILURES, QUICK, AGREES, BETTER], within=found.findings),
        segment_scan=replace(found.scan, contrasts=(CONTRAST,)),
    )


LATE = replace(OBSERVED, lag_p99_s=0.187)

SAMPLES = {
    "promote": run(judged("digits-knn", [FAILURES, QUICK, AGREES, BETTER])),
    "hold": run(
        judged("digits-knn", [FAILURES, UNSURE, NO_LABELS, BETTER]),
        notes=("Independence of requests was assumed: the config names no `cluster`.",),
    ),
    "reject": run(judged("digits-knn", [FAILURES, SLOW, AGREES, NO_BETTER])),
    "segment": run(searched()),
    "invalid": run(judged("digits-knn", [FAILURES, QUICK, AGREES, BETTER], observed=LATE)),
    "several": run(
        judged("digits-knn", [FAILURES, QUICK, AGREES, BETTER]),
        judged("digits-svm", [FAILURES, UNSURE, AGREES, NO_BETTER]),
        judged("digits-forest", [FAILURES, SLOW, AGREES, BETTER]),
        judged("digits-mlp", [FAILURES, QUICK, AGREES, BETTER], observed=LATE),
    ),
}

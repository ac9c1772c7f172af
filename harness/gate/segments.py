"""Search the parts of the traffic for harm that the whole hides.

A challenger that gains overall can lose where it matters: among mobile users, say. Every guardrail
is therefore asked again within every part, the other way round. The whole has to be *surely below*
its margin; of a part it is asked whether it is *surely above* a multiple of it (`margin_factor`),
since a part has little data and to prove each of them harmless would hold nearly every run.

    fewer than 30 clusters in a part        not tested; holds where the part is protected
    flagged, in a protected part            fails, which rejects
    flagged elsewhere                       a diagnostic finding, which warns
    otherwise                               passes: not surely harmed

What is flagged is decided for all of them together, so that at most a share `FALSE_SHARE` of the
finds is false on average: by Benjamini & Hochberg on the p-values, or by e-BH on the e-values where
the run may be looked at any time. The values of one segment are different requests and the metrics
of one request mostly suffer together (a failure is also wrong, and slow), so dependence is taken to
be positive. Where metrics trade against each other the bound is at worst `FALSE_SHARE` times
`1 + 1/2 + ... + 1/n`. Where the run may be looked at any time an alarm once raised stays, in a part
as in the whole: the e-value is the largest that any look has seen, its inverse is a p-value at any
time, and e-BH on these e-values is Benjamini & Hochberg on those p-values.

A rule about a level (`at_most`, `at_least`) has no margin to multiply: in a part it is held against
the level itself.

References:
    Benjamini & Hochberg (1995), Journal of the Royal Statistical Society B 57:289. Wang & Ramdas
    (2022), same journal, 84:822.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from harness.gate.bound import bound_of
from harness.gate.method_link import link_of
from harness.gate.policy import AtLeast, AtMost, Improves, Margin, NotWorse, Rule, Segments
from harness.gate.sentence import measured
from harness.quantity import say_bound, say_margin
from harness.verdict import Estimate, Finding, FindingRole, SegmentScan, Status, Unavailable

MIN_CLUSTERS = 30
"""With fewer a test within a part is a hope."""

MOST_HYPOTHESES = 50
FALSE_SHARE = 0.10

Adjust = Callable[[Sequence[float]], Iterable[float]]
"""Adjusts p-values for the share of false finds; the same length and order."""

Select = Callable[[Sequence[float]], Iterable[bool]]
"""Which e-values are finds, at `FALSE_SHARE`."""


@dataclass(frozen=True, slots=True)
class PartEvidence:
    """What was seen of one rule within one part.

    Attributes:
        part: `source=mobile`.
        rule: As the policy says it; `seen` is about `rule_in_part` of it.
    """

    part: str
    rule: Rule
    seen: Estimate | Unavailable

    @property
    def title(self) -> str:
        return f"{self.rule.title} in {self.part}"

    @property
    def is_testable(self) -> bool:
        return self.seen.n_clusters >= MIN_CLUSTERS and (
            isinstance(self.seen, Estimate) or self.seen.certain_harm
        )

    @property
    def p_harm(self) -> float:
        """Of "the harm is the multiplied margin or less"."""
        if isinstance(self.seen, Unavailable):
            return 0.0 if self.seen.certain_harm else 1.0
        return 1.0 if math.isnan(self.seen.p_harm) else self.seen.p_harm

    @property
    def e_harm(self) -> float:
        """Evidence against the same: the largest of all looks so far, 1 or more."""
        return 1.0 if self.seen.memory is None else self.seen.memory.e_harm


@dataclass(frozen=True, slots=True)
class Scanned:
    """A search, and what the verdict has to say of it.

    Attributes:
        findings: Of all guardrails in protected parts, and of finds elsewhere.
    """

    scan: SegmentScan
    findings: tuple[Finding, ...]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What to look at, though it does not reject; one sentence each."""
        return tuple(
            f"{one.rule} in {one.segment}: {one.sentence}; look at it before rolling out, or "
            f"protect {one.segment} (`policy.segments.protect`)."
            for one in self.findings
            if one.role is FindingRole.DIAGNOSTIC
        )


def rule_in_part(rule: Rule, segments: Segments) -> Rule:
    """What a part is held against: the rule, its margin multiplied where it has one."""
    match rule:
        case NotWorse(margin=margin):
            wider = Margin(margin.value * segments.margin_factor, margin.relative)
            return replace(rule, margin=wider)
        case Improves() | AtMost() | AtLeast():
            return rule


def scan(
    evidence: Sequence[PartEvidence], segments: Segments, *, adjust: Adjust, select: Select | None
) -> Scanned:
    """Test the guardrails within the parts.

    Args:
        evidence: Of every rule and part that was measured; goals are no matter here.
        adjust: `harness.stats.multiplicity.benjamini_hochberg` or what stands in for it.
        select: `e_bh`, where the run may be looked at any time; None where one look was planned.
    """
    asked = [one for one in evidence if _is_asked(one, segments)]
    testable = sorted(
        (one for one in asked if one.is_testable),
        key=lambda one: (one.part not in segments.protected, -one.seen.n_clusters),
    )
    n_protected = sum(one.part in segments.protected for one in testable)
    tested = [_Test(one) for one in testable[: max(MOST_HYPOTHESES, n_protected)]]
    tested = _by_p(tested, adjust) if select is None else _by_e(tested, select)
    return Scanned(
        SegmentScan(
            n_tested=len(tested),
            n_too_small=len(asked) - len(testable),
            n_left_out=len(testable) - len(tested),
            false_share=FALSE_SHARE,
            method="Benjamini-Hochberg" if select is None else "e-BH",
            margin_factor=segments.margin_factor,
            protected=segments.protected,
            flagged=tuple(test.of.title for test in tested if test.is_find),
        ),
        (
            *(
                _tested(test, segments)
                for test in tested
                if test.is_find or test.of.part in segments.protected
            ),
            *(
                _untested(one, segments)
                for one in asked
                if one.part in segments.protected and not one.is_testable
            ),
        ),
    )


@dataclass(frozen=True, slots=True)
class _Test:
    of: PartEvidence
    is_find: bool = False
    p_adjusted: float | None = None


def _by_p(tests: Sequence[_Test], adjust: Adjust) -> list[_Test]:
    adjusted = adjust([test.of.p_harm for test in tests])
    return [
        _Test(test.of, float(p_value) <= FALSE_SHARE, float(p_value))
        for test, p_value in zip(tests, adjusted, strict=True)
    ]


def _by_e(tests: Sequence[_Test], select: Select) -> list[_Test]:
    found = select([test.of.e_harm for test in tests])
    return [_Test(test.of, bool(is_find)) for test, is_find in zip(tests, found, strict=True)]


def _is_asked(one: PartEvidence, segments: Segments) -> bool:
    if isinstance(one.rule, Improves):
        return False
    return segments.scan or one.part in segments.protected


def _tested(test: _Test, segments: Segments) -> Finding:
    one = test.of
    status = Status.FAIL if test.is_find else Status.PASS
    match one.seen:
        case Unavailable(reason=reason):
            return replace(_said(one, segments, status, reason), p_adjusted=test.p_adjusted)
        case Estimate() as seen:
            rule, verb = rule_in_part(one.rule, segments), "" if test.is_find else "not "
            sentence = f"{measured(rule, seen)}, {verb}surely {_beyond(rule, seen, segments)}"
            return replace(
                _said(one, segments, status, sentence),
                method=seen.method,
                method_link=link_of(seen.method),
                estimand=seen.estimand,
                harm=seen.harm,
                harm_low=seen.harm_low,
                harm_high=seen.harm_high,
                confidence=seen.confidence,
                p_value=seen.p_value,
                p_harm=seen.p_harm,
                p_adjusted=test.p_adjusted,
                df=seen.df,
                deff=seen.deff,
                warnings=seen.warnings,
            )


def _untested(one: PartEvidence, segments: Segments) -> Finding:
    """A protected part that cannot be tested: nobody knows whether it is harmed."""
    missing = MIN_CLUSTERS - one.seen.n_clusters
    if missing > 0:
        sentence = (
            f"{one.seen.n_clusters} clusters are too few to protect {one.part}, "
            f"{MIN_CLUSTERS} are needed"
        )
        return replace(
            _said(one, segments, Status.INCONCLUSIVE, sentence), clusters_missing=missing
        )
    assert isinstance(one.seen, Unavailable), "what has an estimate and clusters is tested"
    return replace(
        _said(one, segments, Status.INCONCLUSIVE, one.seen.reason),
        clusters_missing=one.seen.clusters_missing,
    )


def _said(one: PartEvidence, segments: Segments, status: Status, sentence: str) -> Finding:
    """A finding about a part, its interval left out."""
    bound, is_protected = bound_of(rule_in_part(one.rule, segments)), one.part in segments.protected
    return Finding(
        rule=one.rule.title,
        role=FindingRole.GUARDRAIL if is_protected else FindingRole.DIAGNOSTIC,
        metric=one.rule.metric,
        unit=one.seen.unit,
        status=status,
        sentence=sentence,
        segment=one.part,
        champion=one.seen.champion,
        challenger=one.seen.challenger,
        margin=bound.value,
        relative=bound.relative,
        n_pairs=one.seen.n_pairs,
        n_clusters=one.seen.n_clusters,
        n_left_out=one.seen.n_left_out,
    )


def _beyond(rule: Rule, seen: Estimate, segments: Segments) -> str:
    match rule:
        case AtMost(value=value):
            return f"above the {say_bound(value, seen.unit)} allowed"
        case AtLeast(value=value):
            return f"below the {say_bound(value, seen.unit)} demanded"
        case _:
            bound = bound_of(rule)
            margin = say_margin(bound.value, seen.unit, bound.relative)
            return f"above {margin}, {segments.margin_factor:g} times the margin"

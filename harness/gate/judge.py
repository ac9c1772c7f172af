"""Hold every rule of a policy against its estimate.

Theory of operation
===================

A rule has a bound on the axis of its harm (`harness.gate.bound`), an estimate has the one-sided
interval of that harm. The interval decides:

    harm_high < bound                          pass
    harm_low  > bound, and sure after Holm     fail (guardrails)
    harm_low  > -worth                         fail (a goal that has become futile)
    otherwise                                  inconclusive
    nothing measured                           no_data

An estimate that may be looked at any time (one with an `e_value`) fails by its alarm alone, the
largest e-value any look has seen: it stays raised where the interval of today has come back.

Guardrails pass without a correction: promotion needs all of them, and the chance to promote past a
violated one is the largest of their errors, not the sum (intersection-union test, Berger 1982).
They *fail* after Holm, since one failure is enough to reject. A policy's goals are "at least one
improves", so they pass after Holm.

Whatever is not a number (an open bound, an undefined p-value) can neither pass nor fail: every
comparison with it is false, and what is left is inconclusive.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from harness.gate.bound import bound_of
from harness.gate.method_link import link_of
from harness.gate.policy import Improves, Rule
from harness.gate.sentence import NOTHING_MEASURED, sentence
from harness.verdict import Estimate, Finding, FindingRole, Memory, Status, Unavailable

Holm = Callable[[Sequence[float]], Iterable[float]]
"""Adjusts p-values for being one of several; the same length and order."""

ClustersNeeded = Callable[[Estimate], int | None]
"""How many clusters in all would likely settle a rule; None where no realistic number would."""

Evidence = Estimate | Unavailable | None
"""What there is about a rule: an estimate, a reason why there is none, or nobody measured it."""


def judge(
    rules: Sequence[Rule],
    evidence: Sequence[Evidence],
    *,
    confidence: float,
    holm: Holm,
    clusters_needed: ClustersNeeded,
) -> tuple[Finding, ...]:
    """Judge every rule, in the order of the policy.

    Args:
        rules: The policy's rules.
        evidence: Aligned with `rules`. The estimate of an `at_most` has the value itself as harm,
            that of an `at_least` minus the value; both test against the rule's value as `null`.
        confidence: Of each rule, one-sided.
        holm: `harness.stats.multiplicity.holm` or what stands in for it.
        clusters_needed: `harness.stats.planning.clusters_needed`, likewise.

    Raises:
        ValueError: An estimate was made for another rule, margin or confidence: our bug.
    """
    adjusted = _adjusted(rules, evidence, holm)
    n_goals = sum(isinstance(rule, Improves) for rule in rules)
    findings = []
    for rule, seen, p_adjusted in zip(rules, evidence, adjusted, strict=True):
        match seen:
            case Estimate():
                _require_fit(rule, seen, confidence)
                n_family = n_goals if isinstance(rule, Improves) else len(rules) - n_goals
                finding = _judged(rule, seen, p_adjusted, n_family=n_family)
                findings.append(_with_missing(finding, seen, clusters_needed))
            case Unavailable():
                is_alarmed = p_adjusted < 1 - confidence and not isinstance(rule, Improves)
                findings.append(_unjudged(rule, seen, is_alarmed=is_alarmed))
            case None:
                findings.append(_unmeasured(rule))
    return tuple(findings)


def _adjusted(rules: Sequence[Rule], evidence: Sequence[Evidence], holm: Holm) -> list[float]:
    """Holm within the guardrails (for failing) and within the goals (for passing).

    A rule without an estimate stays in its family with p = 1: leaving it out would make the others
    easier to settle because something is missing.
    """
    adjusted = [1.0] * len(rules)
    goals = [i for i, rule in enumerate(rules) if isinstance(rule, Improves)]
    guardrails = [i for i, rule in enumerate(rules) if not isinstance(rule, Improves)]
    for family in (guardrails, goals):
        tested = [_tested(rules[i], evidence[i]) for i in family]
        for i, p_value in zip(family, holm(tested), strict=True):
            adjusted[i] = float(p_value)
    return adjusted


def _tested(rule: Rule, seen: Evidence) -> float:
    match seen:
        case Estimate(p_value=p_value, p_harm=p_harm):
            tested = p_value if isinstance(rule, Improves) else p_harm
            return 1.0 if math.isnan(tested) else tested
        case Unavailable(memory=Memory(e_harm=e_harm)) if not isinstance(rule, Improves):
            return 1 / e_harm
        case _:
            return 1.0


def _require_fit(rule: Rule, estimate: Estimate, confidence: float) -> None:
    bound = bound_of(rule)
    fits = (
        estimate.relative == bound.relative
        and math.isclose(estimate.null, bound.value, rel_tol=1e-9, abs_tol=1e-12)
        and math.isclose(estimate.confidence, confidence)
    )
    if not fits:
        raise ValueError(
            f"{rule.title}: estimate tests against {estimate.null:g} (relative: "
            f"{estimate.relative}) at {estimate.confidence:g}, the rule says {bound.value:g} "
            f"(relative: {bound.relative}) at {confidence:g}"
        )


def _status(rule: Rule, estimate: Estimate, p_adjusted: float) -> Status:
    error = 1 - estimate.confidence
    bound = bound_of(rule).value
    match rule:
        case Improves(worth=worth):
            if estimate.harm_high < bound and p_adjusted < error:
                return Status.PASS
            if worth > 0 and estimate.harm_low > -worth:
                return Status.FAIL
        case _:
            if _is_above(estimate, bound) and p_adjusted < error:
                return Status.FAIL
            if estimate.harm_high < bound:
                return Status.PASS
    return Status.INCONCLUSIVE


def _is_above(estimate: Estimate, bound: float) -> bool:
    """By the interval; where there was an alarm at some look, that is in the p-value."""
    return estimate.harm_low > bound or estimate.e_value is not None


def _judged(rule: Rule, estimate: Estimate, p_adjusted: float, *, n_family: int) -> Finding:
    bound = bound_of(rule).value
    status = _status(rule, estimate, p_adjusted)
    return Finding(
        rule=rule.title,
        role=_role(rule),
        metric=rule.metric,
        unit=estimate.unit,
        status=status,
        sentence=sentence(rule, estimate, status, n_family=n_family),
        method=estimate.method,
        method_link=link_of(estimate.method),
        estimand=estimate.estimand,
        champion=estimate.champion,
        challenger=estimate.challenger,
        harm=estimate.harm,
        harm_low=estimate.harm_low,
        harm_high=estimate.harm_high,
        confidence=estimate.confidence,
        margin=bound,
        relative=estimate.relative,
        p_value=estimate.p_value,
        p_harm=estimate.p_harm,
        p_adjusted=p_adjusted,
        df=estimate.df,
        deff=estimate.deff,
        n_pairs=estimate.n_pairs,
        n_clusters=estimate.n_clusters,
        n_left_out=estimate.n_left_out,
        detectable=estimate.detectable,
        warnings=estimate.warnings,
        e_value=estimate.e_value,
        memory=estimate.memory,
    )


def _with_missing(finding: Finding, estimate: Estimate, clusters_needed: ClustersNeeded) -> Finding:
    """How many more clusters an open rule needs."""
    if finding.status is not Status.INCONCLUSIVE:
        return finding
    needed = clusters_needed(estimate)
    if needed is None:
        return finding
    return replace(finding, clusters_missing=max(1, needed - estimate.n_clusters))


def _unjudged(rule: Rule, seen: Unavailable, *, is_alarmed: bool) -> Finding:
    """No interval: a harm that is certain all the same, or that an earlier look was sure of, fails;
    too little data leaves it open."""
    if seen.certain_harm or is_alarmed:
        status = Status.FAIL
    elif seen.n_pairs == 0:
        status = Status.NO_DATA
    else:
        status = Status.INCONCLUSIVE
    bound = bound_of(rule)
    return Finding(
        rule=rule.title,
        role=_role(rule),
        metric=rule.metric,
        unit=seen.unit,
        status=status,
        sentence=seen.reason,
        champion=seen.champion,
        challenger=seen.challenger,
        margin=bound.value,
        relative=bound.relative,
        n_pairs=seen.n_pairs,
        n_clusters=seen.n_clusters,
        n_left_out=seen.n_left_out,
        clusters_missing=seen.clusters_missing,
        memory=seen.memory,
    )


def _unmeasured(rule: Rule) -> Finding:
    bound = bound_of(rule)
    return Finding(
        rule=rule.title,
        role=_role(rule),
        metric=rule.metric,
        unit="",
        status=Status.NO_DATA,
        sentence=NOTHING_MEASURED,
        margin=bound.value,
        relative=bound.relative,
    )


def _role(rule: Rule) -> FindingRole:
    return FindingRole.PRIMARY if isinstance(rule, Improves) else FindingRole.GUARDRAIL

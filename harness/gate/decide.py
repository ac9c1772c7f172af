"""Findings and checks in, a decision with its reason out.

Per challenger, the first that applies:

    a check failed                                   invalid
    planned pairs or hours are still to come         hold
    a guardrail failed, or every goal is futile      reject      (of a protected segment too)
    the challenger failed on every request           reject
    all guardrails pass, and one goal if any is set  promote
    otherwise                                        hold

A look before the plan is carried out is not in the error rate, so it says nothing, not even
`reject`. Where looks are free, harm rejects at any of them, and hours to come hold a promotion
alone. Promotion of one challenger hangs on its largest p-value (`promotion_p`). With several
challengers in a run, `across` holds those that do not survive Holm over these.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.gate.judge import Holm
from harness.gate.next_steps import for_invalid, for_open, for_rejected, title_of
from harness.gate.validity import Observed, unchecked
from harness.verdict import (
    ChallengerVerdict,
    Decision,
    Finding,
    FindingRole,
    Status,
    ValidityCheck,
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is left of what was planned before the first look; nothing by default.

    Attributes:
        pairs_to_come: Planned pairs not seen yet; for a whole log, entries not yet asked.
        seconds_to_come: Of the shortest duration asked for.
        looks_are_free: Whether harm may reject before that.
    """

    pairs_to_come: int = 0
    seconds_to_come: float = 0.0
    looks_are_free: bool = False

    def with_free_looks(self) -> Plan:
        """The same where any number of looks is in the error rate: pairs need not be waited for."""
        return replace(self, pairs_to_come=0, looks_are_free=True)


@dataclass(frozen=True, slots=True)
class _Conclusion:
    decision: Decision
    reason: str
    next_steps: tuple[str, ...] = ()


def decide(
    challenger: str,
    findings: Sequence[Finding],
    validity: Sequence[ValidityCheck],
    observed: Observed,
    *,
    plan: Plan = Plan(),
    baseline: str = "champion",
) -> ChallengerVerdict:
    """Decide on one challenger by itself.

    Args:
        findings: What `judge` found, one per rule.
        validity: What `validate` found about `observed`.
        plan: What is still to come. A fixed-n test that has not reached its n says nothing yet.
        baseline: `champion`, or `recorded` where its answers came from the log.
    """
    conclusion = _conclude(findings, validity, observed, plan)
    conservation = observed.conservation
    return ChallengerVerdict(
        challenger=challenger,
        decision=conclusion.decision,
        reason=conclusion.reason,
        n_pairs=observed.n_pairs,
        n_clusters=observed.n_clusters,
        baseline=baseline,
        p_value=promotion_p(findings),
        findings=tuple(findings),
        validity=tuple(validity),
        losses={str(reason): n for reason, n in conservation.losses.items()},
        next_steps=conclusion.next_steps,
        received=conservation.received,
        pending=conservation.pending,
        unchecked=unchecked(observed),
    )


def promotion_p(findings: Sequence[Finding]) -> float | None:
    """The p-value promotion hangs on: `max(max guardrail p, min adjusted goal p)`.

    None when a guardrail has none, when no goal has one although there are goals, or without rules.
    """
    guardrails = [finding.p_value for finding in _of_the_whole(findings)]
    goals = _of(findings, FindingRole.PRIMARY)
    adjusted = [goal.p_adjusted for goal in goals if goal.p_adjusted is not None]
    known = [p_value for p_value in guardrails if p_value is not None]
    if len(known) < len(guardrails) or (goals and not adjusted) or not findings:
        return None
    return max(known + ([min(adjusted)] if adjusted else []), default=None)


def across(
    verdicts: Sequence[ChallengerVerdict], *, confidence: float, holm: Holm
) -> tuple[ChallengerVerdict, ...]:
    """Correct for having tested several challengers: hold those that only pass alone.

    Holm over `p_value`, at `1 - confidence`; a challenger without one counts as p = 1, and so does
    one whose run is invalid. With one challenger this changes no decision.
    """
    p_values = [1.0 if v.p_value is None or _is_invalid(v) else v.p_value for v in verdicts]
    return tuple(
        _corrected(verdict, float(p_adjusted), n_tested=len(verdicts), error=1 - confidence)
        for verdict, p_adjusted in zip(verdicts, holm(p_values), strict=True)
    )


def run_decision(decisions: Sequence[Decision]) -> Decision:
    """What the run as a whole says: promote, else hold, else invalid, else reject.

    No challenger at all is no evidence.
    """
    for decision in (Decision.PROMOTE, Decision.HOLD, Decision.INVALID, Decision.REJECT):
        if decision in decisions:
            return decision
    return Decision.INVALID


def _conclude(
    findings: Sequence[Finding],
    validity: Sequence[ValidityCheck],
    observed: Observed,
    plan: Plan,
) -> _Conclusion:
    broken = [check for check in validity if check.status is not Status.PASS]
    if broken or not validity:
        steps = for_invalid(validity, observed.conservation)
        return _Conclusion(Decision.INVALID, _no_evidence(broken), steps)
    if not findings:
        step = "Write rules under `policy.rules`, one of them on `failure_rate`."
        return _Conclusion(Decision.HOLD, "The policy has no rules, so nothing was asked.", (step,))
    if plan.pairs_to_come > 0 or (plan.seconds_to_come > 0 and not plan.looks_are_free):
        return _Conclusion(Decision.HOLD, *_too_early(plan))
    failed = _rejecting(findings)
    if failed:
        return _Conclusion(Decision.REJECT, _naming("fails", failed), for_rejected())
    if observed.challenger_always_failed:
        reason = f"The challenger failed on every one of {observed.n_pairs:,} requests."
        return _Conclusion(Decision.REJECT, reason, for_rejected())
    open_findings = _open(findings)
    if open_findings:
        return _Conclusion(
            Decision.HOLD, _naming("is open", open_findings), for_open(open_findings)
        )
    if plan.seconds_to_come > 0:
        return _Conclusion(Decision.HOLD, *_too_early(plan))
    return _Conclusion(Decision.PROMOTE, _satisfied(findings))


def _rejecting(findings: Sequence[Finding]) -> list[Finding]:
    """Failed guardrails; and the goals, once none of them can be met any more."""
    failed = [f for f in _of(findings, FindingRole.GUARDRAIL) if f.status is Status.FAIL]
    goals = _of(findings, FindingRole.PRIMARY)
    futile = [goal for goal in goals if goal.status is Status.FAIL]
    return failed + (futile if len(futile) == len(goals) else [])


def _open(findings: Sequence[Finding]) -> list[Finding]:
    """What stands between a challenger without failures and its promotion."""
    waiting = [f for f in _of(findings, FindingRole.GUARDRAIL) if f.status is not Status.PASS]
    goals = _of(findings, FindingRole.PRIMARY)
    if any(goal.status is Status.PASS for goal in goals):
        return waiting
    return waiting + [goal for goal in goals if goal.status is not Status.FAIL]


def _corrected(
    verdict: ChallengerVerdict, p_adjusted: float, *, n_tested: int, error: float
) -> ChallengerVerdict:
    stored = p_adjusted if verdict.p_value is not None else None
    verdict = replace(verdict, p_adjusted=stored)
    if verdict.decision is not Decision.PROMOTE or p_adjusted < error:
        return verdict
    if verdict.p_value is not None and verdict.p_value < error:
        reason = (
            f"Would pass alone (p = {verdict.p_value:.2g}); with {n_tested} challengers tested "
            f"its adjusted p = {p_adjusted:.2g} is not below {error:.2g}."
        )
        step = "Test fewer challengers against one log, or use a longer log (`--log FILE`)."
    else:
        shown = "is unknown" if verdict.p_value is None else f"= {verdict.p_value:.2g}"
        reason = (
            f"Every interval passes, but the largest p-value ({shown}) is not below {error:.2g}."
        )
        step = "Use a longer log (`--log FILE`)."
    return replace(verdict, decision=Decision.HOLD, reason=reason, next_steps=(step,))


def _no_evidence(broken: Sequence[ValidityCheck]) -> str:
    if not broken:
        return "The run was not checked, so it is no evidence."
    more = f" ({len(broken) - 1} more checks failed)" if len(broken) > 1 else ""
    return f"The run is no evidence: {broken[0].sentence}{more}."


def _too_early(plan: Plan) -> tuple[str, tuple[str, ...]]:
    if plan.pairs_to_come > 0:
        return (
            f"Not finished: {plan.pairs_to_come:,} planned pairs are still to come, and a look "
            "before the end is not in the error rate.",
            ("Finish the run (`harness replay CONFIG --resume`), or plan fewer pairs beforehand.",),
        )
    return (
        f"Not finished: {_duration(plan.seconds_to_come)} of `policy.min_duration` are still to "
        "come, and traffic that was not seen may differ.",
        ("Keep the shadow running; or set `policy.min_duration` to what covers your traffic.",),
    )


def _duration(seconds: float) -> str:
    return f"{seconds / 3600:.1f} hours" if seconds >= 3600 else f"{seconds / 60:.1f} minutes"


def _naming(what: str, findings: Sequence[Finding]) -> str:
    first = findings[0]
    others = len(findings) - 1
    more = f" ({others} more)" if others else ""
    return f"{title_of(first)} {what}: {first.sentence}{more}."


def _satisfied(findings: Sequence[Finding]) -> str:
    n = len(_of_the_whole(findings))
    guarded = f"all {n} guardrails pass" if n > 1 else "the guardrail passes" if n else ""
    met = [g.rule for g in _of(findings, FindingRole.PRIMARY) if g.status is Status.PASS]
    protected = any(finding.segment for finding in _of(findings, FindingRole.GUARDRAIL))
    spared = "no protected part of the traffic is surely harmed" if protected else ""
    reached = f"{' and '.join(met)} is met" if met else ""
    parts = [part for part in (guarded, spared, reached) if part]
    text = ", and ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def _of_the_whole(findings: Sequence[Finding]) -> list[Finding]:
    """The guardrails of the policy: those asked again within a part have to be surely below
    nothing, so that a promotion hangs on none of their p-values."""
    return [one for one in _of(findings, FindingRole.GUARDRAIL) if one.segment is None]


def _of(findings: Sequence[Finding], role: FindingRole) -> list[Finding]:
    return [finding for finding in findings if finding.role is role]


def _is_invalid(verdict: ChallengerVerdict) -> bool:
    return verdict.decision is Decision.INVALID

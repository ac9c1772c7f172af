from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.gate.decide import Plan, across, decide, promotion_p, run_decision
from harness.gate.policy import Improves, Margin, NotWorse
from harness.pair import Conservation, LossReason
from harness.verdict import Decision, Unavailable
from tests.gate.evidence import (
    ACCURACY,
    FAILURES,
    LATENCY,
    checked,
    estimate,
    holm,
    judged,
    observed,
)

FINE = estimate(FAILURES, 0.001, 0.002)
QUICK = estimate(LATENCY, 0.0004, 0.0004)
SLOW = estimate(LATENCY, 0.021, 0.002)
UNSURE = estimate(LATENCY, 0.0028, 0.001)
BETTER = estimate(ACCURACY, -0.0234, 0.006)
NO_BETTER = estimate(ACCURACY, -0.005, 0.006)


NOTHING_TO_COME = Plan()


def decided(rules, evidence, *, seen=None, plan=NOTHING_TO_COME):
    seen = seen or observed()
    return decide("knn", judged(rules, evidence), checked(seen), seen, plan=plan)


@pytest.mark.parametrize(
    ("rules", "evidence", "decision", "reason"),
    [
        (
            [FAILURES, LATENCY, ACCURACY],
            [FINE, QUICK, BETTER],
            "promote",
            "All 2 guardrails pass, and improves accuracy is met.",
        ),
        ([FAILURES, LATENCY], [FINE, QUICK], "promote", "All 2 guardrails pass."),
        (
            [FAILURES, LATENCY, ACCURACY],
            [FINE, SLOW, BETTER],
            "reject",
            "not_worse latency_s.mean fails: harm +21.0 ms [+17.7, +24.3], "
            "above the margin of 3 ms.",
        ),
        (
            [FAILURES, LATENCY, ACCURACY],
            [FINE, UNSURE, NO_BETTER],
            "hold",
            "not_worse latency_s.mean is open: harm +2.8 ms [+1.2, +4.4], "
            "not surely below the margin of 3 ms (1 more).",
        ),
        (
            [FAILURES, ACCURACY],
            [FINE, NO_BETTER],
            "hold",
            "improves accuracy is open: harm −0.5 pp [−1.5, +0.5], not surely better.",
        ),
        (
            [FAILURES, LATENCY],
            [FINE, None],
            "hold",
            "not_worse latency_s.mean is open: no data: nothing was measured for this rule.",
        ),
        ([], [], "hold", "The policy has no rules, so nothing was asked."),
    ],
)
def test_the_first_that_applies_decides(rules, evidence, decision, reason):
    """Findings to decision, with the whole reason that people read."""
    verdict = decided(rules, evidence)

    assert verdict.decision == decision
    assert verdict.reason == reason


def test_an_invalid_run_is_invalid_whatever_the_rules_say():
    """Invalid comes before reject: a broken run cannot even condemn."""
    late = observed(lag_p99_s=0.2)

    verdict = decided([LATENCY], [SLOW], seen=late)

    assert verdict.decision is Decision.INVALID
    assert verdict.reason == (
        "The run is no evidence: our own lateness has a p99 of 200 ms, 50 ms allowed."
    )
    assert verdict.next_steps == ("Replay slower (`pacing`) or on a less busy machine.",)


def test_without_a_single_check_nothing_is_evidence():
    """Forgetting to check a run must not look like a sound one."""
    seen = observed()

    verdict = decide("knn", judged([LATENCY], [QUICK]), (), seen)

    assert verdict.decision is Decision.INVALID


@pytest.mark.parametrize("evidence", [[FINE, QUICK], [FINE, SLOW]], ids=["passing", "failing"])
def test_before_the_planned_n_there_is_only_hold(evidence):
    """An early look is in no error rate, for promoting and for rejecting alike."""
    verdict = decided([FAILURES, LATENCY], evidence, plan=Plan(pairs_to_come=1100))

    assert verdict.decision is Decision.HOLD
    assert verdict.reason.startswith("Not finished: 1,100 planned pairs are still to come")


def test_before_the_shortest_duration_there_is_only_hold():
    """Live traffic has days and nights; a verdict waits for `min_duration`."""
    verdict = decided([FAILURES], [FINE], plan=Plan(seconds_to_come=5400))

    assert verdict.decision is Decision.HOLD
    assert verdict.reason == (
        "Not finished: 1.5 hours of `policy.min_duration` are still to come, and traffic that was "
        "not seen may differ."
    )


@pytest.mark.parametrize(
    ("evidence", "decision"),
    [(QUICK, Decision.HOLD), (SLOW, Decision.REJECT)],
    ids=["fine", "slow"],
)
def test_where_looks_are_free_harm_need_not_wait_for_the_night(evidence, decision):
    """Hours to come hold a promotion; an alarm that may be raised at any time rejects."""
    plan = Plan(pairs_to_come=1100, seconds_to_come=5400).with_free_looks()

    verdict = decided([FAILURES, LATENCY], [FINE, evidence], plan=plan)

    assert verdict.decision is decision


def test_a_challenger_that_always_fails_is_never_promoted():
    """Even where the policy allows any number of failures."""
    anything_goes = NotWorse("failure_rate", Margin(2.0))
    seen = observed(n_challenger_failed=900)

    verdict = decided([anything_goes], [estimate(anything_goes, 0.99, 0.01)], seen=seen)

    assert verdict.decision is Decision.REJECT
    assert verdict.reason == "The challenger failed on every one of 900 requests."


def test_one_goal_of_several_is_enough():
    """`At least one improves`: an open and a futile goal do not stand in the way of a met one."""
    goals = [ACCURACY, Improves("output.a"), Improves("output.b", worth=1.0)]
    evidence = [BETTER, estimate(goals[1], 0.0, 1.0), estimate(goals[2], 0.0, 0.01)]

    verdict = decided([FAILURES, *goals], [FINE, *evidence])

    assert [finding.status for finding in verdict.findings[1:]] == ["pass", "inconclusive", "fail"]
    assert verdict.decision is Decision.PROMOTE


def test_futile_goals_reject_only_when_none_is_left():
    """A policy that wants an improvement rejects once every improvement worth it is excluded."""
    goals = [Improves("output.a", worth=1.0), Improves("output.b", worth=1.0)]
    futile = [estimate(goal, 0.0, 0.01) for goal in goals]
    still_open = estimate(goals[1], -0.9, 1.0)

    one_left = decided([FAILURES, *goals], [FINE, futile[0], still_open])
    none_left = decided([FAILURES, *goals], [FINE, *futile])

    assert one_left.decision is Decision.HOLD
    assert none_left.decision is Decision.REJECT


def test_a_held_challenger_says_what_each_open_rule_needs():
    """Next steps: clusters and pairs where more data help, config where nothing was measured."""
    cost = NotWorse("cost_usd.mean", Margin(0.05, relative=True))
    unsure = estimate(LATENCY, 0.002, 0.001)

    verdict = decided([FAILURES, LATENCY, cost], [FINE, unsure, None])

    assert verdict.next_steps == (
        "not_worse latency_s.mean: about 3,110 more clusters (4,665 pairs) would settle it; "
        "use a longer log (`--log FILE`).",
        "not_worse cost_usd.mean: give champion and challenger a `price`.",
    )


@pytest.mark.parametrize(
    ("seen", "step"),
    [
        (
            estimate(LATENCY, 0.004, 0.001),
            "about 3,110 more clusters (4,665 pairs) would settle it, as a fail by the looks "
            "of it; use a longer log (`--log FILE`).",
        ),
        (
            Unavailable(LATENCY.metric, "s", "7 clusters are too few", None, None, 9, 7, 0, 1),
            "1 more cluster (2 pairs) needed before it can be judged; "
            "use a longer log (`--log FILE`).",
        ),
        (
            Unavailable(LATENCY.metric, "s", "every latency is the same", n_pairs=9),
            "every latency is the same.",
        ),
    ],
    ids=["above the margin", "too few", "not to be had"],
)
def test_a_step_promises_no_more_than_data_can_do(seen, step):
    """More data may settle a rule as a fail, or only make it possible to judge, or not help."""
    verdict = decided([LATENCY], [seen])

    assert verdict.next_steps == (f"not_worse latency_s.mean: {step}",)


def test_an_estimate_at_its_margin_is_not_promised_to_resolve():
    """Close to the margin the honest advice is no number."""
    verdict = decided([LATENCY], [estimate(LATENCY, 0.00299, 0.001)])

    assert "no realistic amount of data" in verdict.next_steps[0]


def test_the_verdict_keeps_where_requests_went():
    """Received, losses and pending are carried, so that a report can show the sum."""
    seen = observed(conservation=Conservation(1000, 900, {LossReason.SAMPLED_OUT: 93}, pending=7))

    verdict = decided([FAILURES], [FINE], seen=seen)

    assert (verdict.received, verdict.losses, verdict.pending) == (1000, {"sampled_out": 93}, 7)


def test_promotion_hangs_on_the_largest_p_value():
    """max(max guardrail p, min adjusted goal p)."""
    findings = judged([FAILURES, LATENCY, ACCURACY], [FINE, QUICK, BETTER])

    assert promotion_p(findings) == max(FINE.p_value, QUICK.p_value, BETTER.p_value)


def test_a_rule_without_p_value_leaves_promotion_without_one():
    """None, not the largest of the others."""
    assert promotion_p(judged([FAILURES, LATENCY], [FINE, None])) is None
    assert promotion_p(judged([FAILURES, ACCURACY], [FINE, None])) is None
    assert promotion_p(()) is None


def test_among_several_challengers_one_that_barely_passes_is_held():
    """Four challengers tested: p = 0.03 is 0.12 after Holm, and the reason says so."""
    barely = replace(decided([FAILURES], [FINE]), challenger="a", p_value=0.03)
    others = [
        replace(decided([FAILURES, LATENCY], [FINE, SLOW]), challenger=name) for name in "bcd"
    ]

    alone = across([barely], confidence=0.95, holm=holm)
    among = across([barely, *others], confidence=0.95, holm=holm)

    assert alone[0].decision is Decision.PROMOTE
    assert alone[0].p_adjusted == 0.03
    assert among[0].decision is Decision.HOLD
    assert among[0].p_adjusted == pytest.approx(0.12)
    assert among[0].reason == (
        "Would pass alone (p = 0.03); with 4 challengers tested its adjusted p = 0.12 "
        "is not below 0.05."
    )
    assert [verdict.decision for verdict in among[1:]] == [Decision.REJECT] * 3


def test_a_promotion_without_a_small_p_value_is_held():
    """Fail closed: one nobody computed is not small; a test may be stricter than an interval."""
    passing = decided([FAILURES], [FINE])
    unknown, large = replace(passing, p_value=None), replace(passing, p_value=0.06)

    (without,) = across([unknown], confidence=0.95, holm=holm)
    (above,) = across([large], confidence=0.95, holm=holm)

    assert without.decision is Decision.HOLD
    assert without.p_adjusted is None
    assert above.decision is Decision.HOLD
    assert above.reason == (
        "Every interval passes, but the largest p-value (= 0.06) is not below 0.05."
    )


@pytest.mark.parametrize(
    ("decisions", "run"),
    [
        (["reject", "promote", "invalid"], "promote"),
        (["reject", "hold", "invalid"], "hold"),
        (["reject", "invalid"], "invalid"),
        (["reject", "reject"], "reject"),
        ([], "invalid"),
    ],
)
def test_the_run_says_promote_then_hold_then_invalid_then_reject(decisions, run):
    """The order of the contract; a run without challengers is no evidence."""
    assert run_decision([Decision(decision) for decision in decisions]) == run


GUARDRAILS = [NotWorse(f"output.m{i}", Margin(1.0)) for i in range(3)]
SEEN = st.tuples(st.floats(-3, 3), st.floats(0.05, 1.5))


@given(
    st.lists(SEEN, min_size=3, max_size=3),
    SEEN,
    st.integers(0, 3),
    st.floats(0, 3),
    st.floats(0, 2),
)
def test_worse_evidence_never_promotes_what_was_not_promoted(harms, goal, which, shift, widening):
    """Shifting one interval up, or widening it upward, is never rewarded."""
    rules = [*GUARDRAILS, Improves("output.goal")]
    before = [estimate(rule, *seen) for rule, seen in zip(rules, [*harms, goal], strict=True)]
    worse = before[which]
    after = list(before)
    after[which] = estimate(
        rules[which], worse.harm + shift, (worse.harm_high - worse.harm) / 1.645
    )
    after[which] = replace(after[which], harm_high=after[which].harm_high + widening)

    then, now = decided(rules, before), decided(rules, after)

    if then.decision is not Decision.PROMOTE:
        assert now.decision is not Decision.PROMOTE


@given(st.lists(st.none() | SEEN, min_size=3, max_size=3))
def test_promotion_needs_every_guardrail_to_pass(harms):
    """No combination with a missing or spanning guardrail is promoted."""
    evidence = [
        seen and estimate(rule, *seen) for rule, seen in zip(GUARDRAILS, harms, strict=True)
    ]

    verdict = decided(GUARDRAILS, evidence)

    passing = all(seen is not None and seen.harm_high < 1.0 for seen in evidence)
    assert (verdict.decision is Decision.PROMOTE) == passing


@given(st.permutations(range(4)), st.lists(SEEN, min_size=4, max_size=4))
def test_the_order_of_rules_does_not_change_the_decision(order, harms):
    """The same policy written in another order decides the same, with the same p-value."""
    rules = [*GUARDRAILS, Improves("output.goal")]
    evidence = [estimate(rule, *seen) for rule, seen in zip(rules, harms, strict=True)]

    straight = decided(rules, evidence)
    mixed = decided([rules[i] for i in order], [evidence[i] for i in order])

    assert mixed.decision == straight.decision
    assert mixed.p_value == straight.p_value


@pytest.mark.parametrize(
    ("losses", "step"),
    [
        ({LossReason.MIRROR_DOWN: 80, LossReason.SHED_LINK: 20}, "why the mirror was down"),
        ({LossReason.SHED_LINK: 100}, "Give the mirror more CPU"),
    ],
)
def test_what_was_mostly_lost_says_what_to_do(losses, step):
    """A mirror that was down is not helped by a lower sampling rate."""
    lost = Conservation(received=1000, paired=900, losses=losses)

    verdict = decided([FAILURES], [FINE], seen=replace(observed(), conservation=lost))

    assert verdict.decision is Decision.INVALID
    assert step in verdict.next_steps[0]

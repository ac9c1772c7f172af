from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.gate.policy import AtLeast, AtMost, Improves, Margin, NotWorse
from harness.verdict import FindingRole, Status, Unavailable
from tests.gate.evidence import ACCURACY, FAILURES, LATENCY, estimate, judged


@pytest.mark.parametrize(
    ("rule", "harm", "error", "status", "sentence"),
    [
        (LATENCY, 0.0004, 0.0004, "pass", "harm +0.4 ms [−0.3, +1.1], below the margin of 3 ms"),
        (LATENCY, 0.021, 0.002, "fail", "harm +21.0 ms [+17.7, +24.3], above the margin of 3 ms"),
        (
            LATENCY,
            0.0028,
            0.001,
            "inconclusive",
            "harm +2.8 ms [+1.2, +4.4], not surely below the margin of 3 ms",
        ),
        (
            NotWorse("latency_s.p95", Margin(0.1, relative=True)),
            0.032,
            0.02,
            "pass",
            "harm +3.2 % [−0.1, +6.5], below the margin of 10 %",
        ),
        (FAILURES, 0.0, 0.002, "pass", "harm 0.00 pp [−0.33, +0.33], below the margin of 2 pp"),
        (ACCURACY, -0.0234, 0.006, "pass", "harm −2.3 pp [−3.3, −1.4], surely better"),
        (ACCURACY, -0.005, 0.006, "inconclusive", "harm −0.5 pp [−1.5, +0.5], not surely better"),
        (ACCURACY, 0.02, 0.006, "inconclusive", "harm +2.0 pp [+1.0, +3.0], surely not better"),
        (
            Improves("accuracy", by=Margin(0.01), worth=0.01),
            -0.03,
            0.006,
            "pass",
            "harm −3.0 pp [−4.0, −2.0], surely better by more than 1 pp",
        ),
        (
            Improves("accuracy", worth=0.005),
            0.0,
            0.001,
            "fail",
            "harm 0.00 pp [−0.16, +0.16], a gain of 0.5 pp is ruled out",
        ),
        (
            AtMost("label.disagreement_rate", 0.05),
            0.032,
            0.006,
            "pass",
            "3.2 % [2.2, 4.2], below the 5 % allowed",
        ),
        (
            AtLeast("accuracy", 0.95),
            -0.96,
            0.004,
            "pass",
            "96.0 % [95.3, 96.7], above the 95 % demanded",
        ),
        (
            AtLeast("accuracy", 0.95),
            -0.90,
            0.004,
            "fail",
            "90.0 % [89.3, 90.7], below the 95 % demanded",
        ),
    ],
)
def test_the_interval_decides_and_the_sentence_says_so(rule, harm, error, status, sentence):
    """Each kind of rule, where its interval may lie, and the whole sentence people read."""
    (finding,) = judged([rule], [estimate(rule, harm, error)])

    assert finding.status == status
    assert finding.sentence == sentence


def test_a_bound_on_the_margin_is_no_pass():
    """A pass needs `harm_high` below the margin, not at it."""
    at_margin = replace(estimate(LATENCY, 0.001, 0.0001), harm_high=0.003)

    (finding,) = judged([LATENCY], [at_margin])

    assert finding.status is Status.INCONCLUSIVE


def test_a_bound_is_never_rounded_onto_the_margin_it_is_held_against():
    """+2.996 beside a margin of 3 is said with the digits that keep it below."""
    close = replace(estimate(LATENCY, 0.001, 0.001), harm_low=-0.001, harm_high=0.002996)

    (finding,) = judged([LATENCY], [close])

    assert finding.sentence == "harm +1.000 ms [−1.000, +2.996], below the margin of 3 ms"


def test_nobody_measured_it_is_no_data():
    """Silence is a finding of its own, and keeps its margin for the reader."""
    (finding,) = judged([LATENCY], [None])

    assert finding.status is Status.NO_DATA
    assert finding.margin == 0.003
    assert finding.sentence == "no data: nothing was measured for this rule"


@pytest.mark.parametrize(
    ("seen", "status"),
    [
        (Unavailable("m", "s", "7 clusters are too few, 8 are needed", n_pairs=9), "inconclusive"),
        (Unavailable("m", "s", "no pair has a latency on both sides", n_left_out=9), "no_data"),
        (Unavailable("m", "s", "p95 is beyond the timeout", n_pairs=9, certain_harm=True), "fail"),
    ],
)
def test_what_must_not_be_judged_says_why(seen, status):
    """Too little data is open, none is no data, a certain harm fails without an interval."""
    (finding,) = judged([LATENCY], [seen])

    assert finding.status == status
    assert finding.sentence == seen.reason


def test_failing_is_corrected_for_the_number_of_guardrails_and_passing_is_not():
    """Five guardrails: one barely above its margin stays open, one barely below still passes."""
    rules = [NotWorse(f"output.m{i}", Margin(1.0)) for i in range(5)]
    barely_above = estimate(rules[0], 1.2, 0.1)
    barely_below = [estimate(rule, 0.82, 0.1) for rule in rules[1:]]

    alone = judged(rules[:1], [barely_above])
    among_five = judged(rules, [barely_above, *barely_below])

    assert alone[0].status is Status.FAIL
    assert [finding.status for finding in among_five] == ["inconclusive"] + ["pass"] * 4
    assert among_five[0].sentence == (
        "harm +1.20 [+1.04, +1.36], above the margin of 1, but not surely so as one of 5 guardrails"
    )
    assert among_five[0].p_adjusted == pytest.approx(5 * barely_above.p_harm)


def test_a_guardrail_without_estimate_stays_in_the_family():
    """Losing a measurement must not make it easier to reject on another."""
    rules = [NotWorse(f"output.m{i}", Margin(1.0)) for i in range(5)]
    barely_above = estimate(rules[0], 1.2, 0.1)

    findings = judged(rules, [barely_above, None, None, None, None])

    assert findings[0].status is Status.INCONCLUSIVE


def test_goals_share_their_error():
    """`At least one improves` of two: p = 0.04 alone is met, as one of two it is not."""
    goals = [Improves("accuracy"), Improves("output.score")]
    close = estimate(goals[0], -0.0175, 0.01)
    nothing = estimate(goals[1], 0.0, 0.01)

    alone = judged(goals[:1], [close])
    both = judged(goals, [close, nothing])

    assert alone[0].status is Status.PASS
    assert both[0].status is Status.INCONCLUSIVE
    assert both[0].sentence.endswith("better, but not surely so as one of 2 goals")


def test_roles_follow_the_kind_of_rule():
    """`improves` is what one ships for; everything else guards."""
    rules = [LATENCY, ACCURACY, AtMost("a", 1), AtLeast("b", 1)]

    findings = judged(rules, [None] * 4)

    guardrail, primary = FindingRole.GUARDRAIL, FindingRole.PRIMARY
    assert [finding.role for finding in findings] == [guardrail, primary, guardrail, guardrail]


def test_an_open_rule_says_how_many_clusters_it_lacks():
    """Harm 2.0 of a margin of 3.0 with se 1.0 on 600 clusters: (1.645 + 0.842)^2 * 600 - 600."""
    (finding,) = judged([LATENCY], [estimate(LATENCY, 0.002, 0.001)])

    assert finding.status is Status.INCONCLUSIVE
    assert finding.clusters_missing == pytest.approx(600 * (1.6449 + 0.8416) ** 2 - 600, abs=2)


@pytest.mark.parametrize("field", ["harm_low", "harm_high", "p_value", "p_harm"])
@pytest.mark.parametrize("rule", [LATENCY, ACCURACY], ids=["guardrail", "goal"])
def test_what_is_not_a_number_neither_passes_nor_fails_by_itself(rule, field):
    """NaN anywhere leaves a spanning interval open and crashes nothing."""
    broken = replace(estimate(rule, 0.0028, 0.002), **{field: math.nan})

    (finding,) = judged([rule], [broken])

    assert finding.status is Status.INCONCLUSIVE


def test_an_estimate_for_another_margin_is_our_bug():
    """A p-value that tests something else than the rule must not be stored beside it."""
    other = estimate(NotWorse("latency_s.mean", Margin(0.004)), 0.0, 0.001)

    with pytest.raises(ValueError, match=r"tests against 0\.004"):
        judged([LATENCY], [other])


RULES = st.sampled_from(
    [
        NotWorse("output.a", Margin(1.0)),
        Improves("output.b", by=Margin(0.5), worth=1.0),
        Improves("output.c"),
        AtMost("output.d", 1.0),
    ]
)
CASES = st.lists(
    st.tuples(RULES, st.none() | st.tuples(st.floats(-5, 5), st.floats(0.01, 3))), max_size=6
)


@given(CASES, st.randoms(use_true_random=False))
def test_the_order_of_rules_does_not_matter(cases, shuffling):
    """A policy is a set: shuffling its rules shuffles the findings and changes none."""
    evidence = [(rule, seen and estimate(rule, *seen)) for rule, seen in cases]
    shuffled = shuffling.sample(evidence, len(evidence))

    straight = judged([rule for rule, _ in evidence], [seen for _, seen in evidence])
    mixed = judged([rule for rule, _ in shuffled], [seen for _, seen in shuffled])

    assert sorted(map(repr, straight)) == sorted(map(repr, mixed))


@given(CASES)
def test_silence_never_passes(cases):
    """A rule passes only on an estimate whose whole interval is below its bound."""
    evidence = [seen and estimate(rule, *seen) for rule, seen in cases]

    findings = judged([rule for rule, _ in cases], evidence)

    for finding, seen in zip(findings, evidence, strict=True):
        if finding.status is Status.PASS:
            assert seen is not None
            assert seen.harm_high < seen.null

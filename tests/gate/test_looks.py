"""Judging what may be looked at any time: passing by the evidence at hand, failing by alarms."""

from dataclasses import replace

import pytest

from harness.gate.next_steps import for_open
from harness.gate.policy import Margin, NotWorse
from harness.verdict import Memory, Status, Unavailable
from tests.gate.evidence import ACCURACY, FAILURES, LATENCY, estimate, judged


def looked_at(rule, harm, error, *, e_value=1.0, e_harm=1.0):
    """An estimate with evidence of its own; the interval is that of `estimate`."""
    return replace(
        estimate(rule, harm, error),
        e_value=e_value,
        p_value=min(1.0, 1 / e_value),
        memory=Memory(e_harm),
        p_harm=min(1.0, 1 / e_harm),
    )


def test_the_evidence_is_in_the_finding_and_its_sentence():
    """E-value, memory and what is needed; the p-value is the inverse."""
    (finding,) = judged([LATENCY], [looked_at(LATENCY, 0.0004, 0.0004, e_value=123.4)])

    assert finding.status is Status.PASS
    assert (finding.e_value, finding.memory) == (123.4, Memory(1.0))
    assert finding.sentence.endswith("below the margin of 3 ms; e-value 123, 20 needed")


def test_an_alarm_fails_although_the_interval_has_come_back():
    """The largest e-value of any look decides, over a pass of today."""
    seen = looked_at(LATENCY, 0.0004, 0.0004, e_value=50.0, e_harm=41.0)

    (finding,) = judged([LATENCY], [seen])

    assert finding.status is Status.FAIL
    assert finding.sentence.endswith("e-value of harm 41 at an earlier look, 20 is an alarm")


def test_alarms_are_corrected_for_there_being_several_guardrails():
    """One of two guardrails at 30: enough alone, not as the better of two."""
    alarm = looked_at(LATENCY, 0.004, 0.0001, e_harm=30.0)

    assert judged([LATENCY], [alarm])[0].status is Status.FAIL
    both = judged([LATENCY, FAILURES], [alarm, looked_at(FAILURES, 0.0, 0.002, e_value=99.0)])
    assert both[0].status is Status.INCONCLUSIVE


@pytest.mark.parametrize(("e_harm", "status"), [(500.0, "fail"), (3.0, "inconclusive")])
def test_an_alarm_counts_where_today_says_nothing(e_harm, status):
    """A rule that cannot be estimated now keeps what earlier looks saw."""
    nothing = Unavailable("latency_s.mean", "s", "too few", n_pairs=9, memory=Memory(e_harm))

    (finding,) = judged([LATENCY], [nothing])

    assert finding.status == status
    assert finding.memory == Memory(e_harm)


def test_an_alarm_is_no_reason_to_pass_a_goal():
    """Evidence of harm is never evidence of a gain."""
    (finding,) = judged([ACCURACY], [looked_at(ACCURACY, 0.01, 0.02, e_harm=500.0)])

    assert finding.status is Status.INCONCLUSIVE


def test_an_open_rule_may_wait_for_the_run_to_go_on():
    """A longer log is not the only way when the run may be judged again."""
    rule = NotWorse("latency_s.mean", Margin(0.003))
    (finding,) = judged([rule], [looked_at(rule, 0.002, 0.001)])

    (step,) = for_open([replace(finding, clusters_missing=300)])

    assert "let the run go on" in step

"""Earlier looks of rules that may be looked at any time."""

from dataclasses import replace

import pytest

from harness.evaluate import evaluate
from harness.history import histories
from tests.report import dossiers


def judged():
    found = dossiers.verdict().challengers[0].findings
    return {one.rule: one for one in found if one.segment is None}


def of_rule(rule, **changes):
    one = replace(dossiers.collected(), **changes)
    found = histories(one, tuple(judged().values()))
    return next(history for history in found if history.rule == rule)


@pytest.mark.parametrize("rule", judged())
def test_looks_rise_to_that_of_the_verdict(rule):
    """The last one is what the rule was judged by."""
    history = of_rule(rule)

    sizes = [look.n_pairs for look in history.looks[:-1]]
    assert sizes == sorted(set(sizes))
    assert sizes[-1] < dossiers.values().height
    assert history.looks[-1].harm_high == judged()[rule].harm_high
    assert history.margin == judged()[rule].margin


@pytest.mark.parametrize("rule", ["not_worse latency_s.p95", "not_worse accuracy"])
def test_an_earlier_look_is_what_a_gate_would_have_said_then(rule):
    """The first pairs judged by themselves, with the same numbers."""
    look = next(one for one in of_rule(rule).looks if one.n_pairs > 2000)

    then = replace(dossiers.collected(), values=dossiers.values().head(look.n_pairs).lazy())
    verdict = evaluate([then], run_ids=["r"], policy_digest="d", confidence=0.95, versions={})

    finding = next(one for one in verdict.challengers[0].findings if one.rule == rule)
    assert look.harm == pytest.approx(finding.harm)
    assert look.harm_low == pytest.approx(finding.harm_low)
    assert look.harm_high == pytest.approx(finding.harm_high)
    assert look.e_value == pytest.approx(finding.e_value)


def test_one_planned_look_has_no_history():
    """There was no other look."""
    one = replace(dossiers.collected(), policy=replace(dossiers.POLICY, sequential=None))

    assert histories(one, tuple(judged().values())) == ()

"""A policy that may be looked at any time, from value tables to verdicts."""

import json
import math
from dataclasses import replace

import polars as pl
import pytest

from harness.collected import Collected
from harness.evaluate import evaluate
from harness.gate.decide import Plan
from harness.gate.policy import (
    AtLeast,
    AtMost,
    Improves,
    Margin,
    NotWorse,
    Policy,
    Segments,
    Sequential,
)
from harness.measure import catalog
from harness.pair import Conservation
from harness.report import json_form
from harness.testing.pairs import Population, Side, value_table
from harness.verdict import Decision, Memory, Status, Verdict

RULES = (
    NotWorse("failure_rate", Margin(0.02)),
    NotWorse("accuracy", Margin(0.03)),
    NotWorse("latency_s.p90", Margin(0.1, relative=True)),
    NotWorse("cost_usd.mean", Margin(0.05, relative=True)),
)
ANYTIME = Policy(RULES, sequential=Sequential.DEFLATED)


def table(n, *, seed=1, n_clusters=400, **sides):
    return value_table(n, seed=seed, population=Population(n_clusters=n_clusters), **sides)


def look(values, policy=ANYTIME, *, memories=None, **more):
    """The verdict on one challenger after these pairs."""
    metrics = tuple(
        catalog.resolve(rule.metric, limit=rule.limit, outputs={}, comparisons=("label",))
        for rule in policy.rules
    )
    one = Collected(
        challenger="new",
        champion="old",
        values=values.lazy(),
        conservation=Conservation(values.height, values.height),
        policy=policy,
        metrics=metrics,
        comparisons=("label",),
        memories=memories or {},
        **more,
    )
    verdict = evaluate([one], run_ids=["r"], policy_digest="d", confidence=0.95, versions={})
    return verdict.challengers[0]


def remembered(judged, policy=ANYTIME):
    return {
        rule: finding.memory for rule, finding in zip(policy.rules, judged.findings, strict=True)
    }


def of_today(finding):
    """A finding without what earlier looks have seen."""
    return replace(finding, memory=None, p_harm=None, p_adjusted=None)


def growing(values, looks, policy=ANYTIME):
    """One verdict per look, each with what the one before remembered."""
    memories = {}
    for n in looks:
        judged = look(values.sort("received_at").head(n), policy, memories=memories)
        memories = remembered(judged, policy)
        yield judged


def test_every_kind_of_rule_finds_its_estimator():
    """Means, quantiles, shares; of both sides, one side, and pairs; all carry an e-value."""
    rules = (
        NotWorse("latency_s.p90", Margin(0.05)),
        NotWorse("cost_usd.mean", Margin(0.05, relative=True)),
        NotWorse("latency_s.exceedance", Margin(0.1), limit=0.1),
        NotWorse("negative_flip_rate", Margin(0.2)),
        Improves("accuracy", worth=0.2),
        AtMost("failure_rate", 0.05),
        AtMost("latency_s.p50", 0.2),
        AtMost("latency_s.mean", 0.3),
        AtMost("label.disagreement_rate", 0.4),
        AtLeast("accuracy", 0.5),
    )

    findings = look(table(1500), replace(ANYTIME, rules=rules)).findings

    assert all("always valid" in finding.method for finding in findings)
    assert all(finding.e_value is not None for finding in findings)
    assert [finding.status for finding in findings[5:]] == [Status.PASS] * 5
    assert "; e-value " in findings[0].sentence
    assert findings[0].sentence.endswith(", 20 needed")


def test_the_first_looks_hold_and_say_what_is_missing():
    """Thirty pairs are no burn-in: hold, with a sentence and a number for each rule."""
    judged = look(table(30, n_clusters=20))

    assert judged.decision is Decision.HOLD
    assert {finding.status for finding in judged.findings} == {Status.INCONCLUSIVE}
    assert all(finding.clusters_missing for finding in judged.findings)
    assert "too few to look at any time" in judged.findings[3].sentence


def test_twins_are_promoted_as_soon_as_the_evidence_is_there():
    """Looked at again and again, and nothing waits for the rest of the plan."""
    values = table(6000, n_clusters=2000)

    looks = list(growing(values, range(500, 6001, 500)))
    planned = look(values, memories={}, plan=Plan(pairs_to_come=94_000))

    assert looks[0].decision is Decision.HOLD
    assert looks[-1].decision is Decision.PROMOTE
    assert planned.decision is Decision.PROMOTE


def test_a_slower_challenger_is_rejected_early():
    """Half as slow again: the alarm is raised long before the end, and stays."""
    values = table(3000, n_clusters=1000, challenger=Side(latency_s=0.075))

    looks = list(growing(values, (400, 800, 3000)))

    assert [judged.decision for judged in looks] == [Decision.REJECT] * 3
    assert looks[0].reason.startswith("not_worse latency_s.p90 fails: harm +")
    assert "e-value of harm" in looks[0].reason


def test_an_alarm_rejects_although_the_harm_has_gone():
    """What an earlier look saw is in its memory, not in the pairs of today."""
    values = table(2000, n_clusters=800)
    alarm = {RULES[1]: replace(look(values).findings[1].memory, e_harm=500.0)}

    judged = look(values, memories=alarm)

    assert judged.decision is Decision.REJECT
    assert judged.findings[1].status is Status.FAIL
    assert judged.findings[1].sentence.endswith("500 at an earlier look, 20 is an alarm")


def test_an_alarm_counts_where_today_there_is_nothing_to_judge():
    """Before the quantile can be known again, the alarm of an earlier look still fails it."""
    judged = look(table(60, n_clusters=60), memories={RULES[2]: Memory(e_harm=500.0)})

    assert judged.findings[2].harm is None
    assert judged.findings[2].status is Status.FAIL


def test_shards_and_rows_in_any_order_give_the_same_bits():
    """Rows shuffled, written in parts and put together again: the same verdict, byte for byte."""
    values = table(1500, n_clusters=300)
    shuffled = values.sample(fraction=1.0, shuffle=True, seed=3)
    shards = pl.concat([shuffled.slice(i * 300, 300) for i in (3, 0, 4, 1, 2)])

    first, second = look(values), look(shards)

    assert first.findings == second.findings
    assert first.segments == second.segments


def test_who_looks_first_or_how_often_does_not_matter():
    """Without an alarm, one look at the end and twenty on the way end with the same findings."""
    values = table(3000, n_clusters=1000)

    often = list(growing(values, range(150, 3001, 150)))[-1]
    once = look(values.sort("received_at"))

    assert list(map(of_today, often.findings)) == list(map(of_today, once.findings))
    assert [f.memory.tuning for f in often.findings] == [f.memory.tuning for f in once.findings]
    assert all(
        then.memory.e_harm >= now.memory.e_harm
        for then, now in zip(often.findings, once.findings, strict=True)
    )


def test_strict_waits_for_windows_and_takes_longer():
    """One unit per user: the same twins need more before they pass, and weigh alike."""
    values = table(4000, n_clusters=800)
    rules = RULES[:2]
    strict = Policy(rules, sequential=Sequential.STRICT, window_s=20.0)
    loose = Policy(rules, sequential=Sequential.DEFLATED)

    waiting = look(values, replace(strict, window_s=1e6))
    exact, close = look(values, strict), look(values, loose)

    assert "window of 0 of" in waiting.findings[0].sentence
    assert waiting.decision is Decision.HOLD
    assert exact.findings[0].estimand == "cluster-weighted"
    assert exact.findings[0].n_pairs < close.findings[0].n_pairs
    assert exact.findings[1].e_value < close.findings[1].e_value


def test_no_pairs_and_no_answers_hold_without_a_nan():
    """Nothing came, or every call failed: a verdict in proper JSON, and never a promotion."""
    for values in (table(50).clear(), table(200, challenger=Side(failure_rate=1.0))):
        judged = look(values)

        assert judged.decision is not Decision.PROMOTE
        assert "NaN" not in json.dumps(json.loads(rendered(judged)))


def rendered(judged):
    return json_form.render(Verdict(("r",), "d", judged.decision, (judged,)))


def test_several_challengers_share_the_error_at_every_look():
    """Holm over always-valid p-values: alone it passes, as one of twenty it is held."""
    values = table(900, n_clusters=300)
    policy = Policy((NotWorse("accuracy", Margin(0.04)),), sequential=Sequential.DEFLATED)
    metrics = (catalog.resolve("accuracy", outputs={}, comparisons=()),)
    alone = look(values, policy)
    assert alone.decision is Decision.PROMOTE

    n = math.ceil(0.05 / alone.p_value) + 1
    bad = table(900, n_clusters=300, challenger=Side(accuracy=0.5))
    verdict = evaluate(
        [
            Collected(
                challenger=f"new-{i}",
                champion="old",
                values=(bad if i else values).lazy(),
                conservation=Conservation(900, 900),
                policy=policy,
                metrics=metrics,
            )
            for i in range(min(n, 40))
        ],
        run_ids=["r"],
        policy_digest="d",
        confidence=0.95,
        versions={},
    )

    held = verdict.challengers[0]
    assert held.p_adjusted == pytest.approx(min(1, min(n, 40) * alone.p_value))
    assert held.decision is (Decision.HOLD if held.p_adjusted >= 0.05 else Decision.PROMOTE)


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_looking_after_every_batch_promotes_harm_no_more_often_than_promised():
    """A policy of four rules, accuracy exactly at its margin, twelve looks: at most 5 % promoted
    at any of them (within 3 Monte Carlo errors)."""
    runs, promoted, peeked = 100, 0, 0
    harmful = Side(accuracy=0.92)
    fixed = replace(ANYTIME, sequential=None)
    for run in range(runs):
        values = table(2400, seed=1000 + run, n_clusters=600, challenger=harmful).drop("segments")
        looks = range(200, 2401, 200)
        decisions = [judged.decision for judged in growing(values, looks)]
        promoted += Decision.PROMOTE in decisions
        ordered = values.sort("received_at")
        peeked += any(look(ordered.head(n), fixed).findings[1].status is Status.PASS for n in looks)

    assert promoted / runs <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs)
    assert peeked / runs > 0.1


def test_an_alarm_within_a_part_stays():
    """A part that an earlier look was surely harmed in fails later looks too, and the others do
    not; a part is remembered by name."""
    policy = replace(ANYTIME, segments=Segments(protected=("source=mobile",)))
    values = table(3000, n_clusters=1000)
    calm = look(values, policy)
    by_part = {(kept.segment, kept.rule): kept.memory for kept in calm.segment_scan.memories}
    assert calm.segment_scan.flagged == ()
    alarm = replace(by_part["source=mobile", RULES[1].title], e_harm=5000.0)

    again = look(values, policy, part_memories=by_part)
    alarmed = look(
        values, policy, part_memories=by_part | {("source=mobile", RULES[1].title): alarm}
    )

    assert again == calm
    assert alarmed.segment_scan.flagged == ("not_worse accuracy in source=mobile",)
    assert alarmed.decision is Decision.REJECT
    kept = {(one.segment, one.rule): one.memory for one in alarmed.segment_scan.memories}
    assert kept["source=mobile", RULES[1].title] == alarm

"""The whole method, from value tables to a verdict."""

import math
from dataclasses import replace

import polars as pl
import pytest

from harness.collected import Collected
from harness.evaluate import INDEPENDENCE_ASSUMED, evaluate
from harness.gate.policy import AtLeast, AtMost, Improves, Margin, NotWorse, Policy
from harness.measure import catalog
from harness.pair import Conservation
from harness.part import clusters_of
from harness.testing.pairs import Population, Side, value_table
from harness.verdict import Decision, Status

GUARDRAILS = (
    NotWorse("failure_rate", Margin(0.02)),
    NotWorse("accuracy", Margin(0.03)),
    NotWorse("latency_s.p90", Margin(0.1, relative=True)),
    NotWorse("cost_usd.mean", Margin(0.05, relative=True)),
)


def judged(rules, *, n=1500, seed=1, n_clusters=400, challengers=("new",), **sides):
    """One verdict over generated pairs; every challenger is drawn from the same law."""
    policy = Policy(tuple(rules))
    metrics = tuple(
        catalog.resolve(rule.metric, limit=rule.limit, outputs={}, comparisons=("label",))
        for rule in rules
    )
    population = Population(n_clusters=n_clusters)
    collected = [
        Collected(
            challenger=name,
            champion="old",
            values=value_table(n, seed=seed + i, population=population, **sides).lazy(),
            conservation=Conservation(n, n),
            policy=policy,
            metrics=metrics,
            comparisons=("label",),
        )
        for i, name in enumerate(challengers)
    ]
    return evaluate(collected, run_ids=["r"], policy_digest="d", confidence=0.95, versions={})


def statuses(verdict):
    return {f.rule: f.status for f in verdict.challengers[0].findings}


def test_a_clearly_slower_challenger_is_rejected():
    """Half as slow again fails a margin of 10 %, and the sentence says so."""
    verdict = judged(GUARDRAILS, challenger=Side(latency_s=0.075))

    assert verdict.decision is Decision.REJECT
    assert verdict.challengers[0].reason.startswith("not_worse latency_s.p90 fails: harm +")


def test_an_equal_challenger_passes_its_guardrails():
    """Twins are promoted by a policy that asks for no improvement."""
    verdict = judged(GUARDRAILS, n=6000, n_clusters=2000)

    assert set(statuses(verdict).values()) == {Status.PASS}
    assert verdict.decision is Decision.PROMOTE


def test_every_kind_of_rule_finds_its_estimator():
    """Means, quantiles, shares; of both sides, one side, and pairs."""
    rules = [
        NotWorse("latency_s.p95", Margin(0.05)),
        NotWorse("latency_s.exceedance", Margin(0.1), limit=0.1),
        NotWorse("negative_flip_rate", Margin(0.2)),
        Improves("accuracy", worth=0.2),
        AtMost("failure_rate", 0.05),
        AtMost("latency_s.p50", 0.2),
        AtMost("latency_s.mean", 0.3),
        AtMost("label.disagreement_rate", 0.4),
        AtLeast("accuracy", 0.5),
    ]

    findings = judged(rules).challengers[0].findings

    assert [f.method.split(",")[0] for f in findings] == [
        "difference of quantiles",
        "Tango score",
        "Clopper-Pearson",
        "Tango score",
        "Clopper-Pearson",
        "binomial quantile bounds",
        "mean",
        "Clopper-Pearson",
        "Clopper-Pearson",
    ]
    assert [f.status for f in findings if f.rule.startswith("at_")] == [Status.PASS] * 5


def test_a_floor_is_judged_by_the_value_itself():
    """`at_least accuracy 0.97` fails at 95 %, `0.9` passes."""
    assert set(statuses(judged([*GUARDRAILS[:1], AtLeast("accuracy", 0.9)])).values()) == {
        Status.PASS
    }
    assert statuses(judged([AtLeast("accuracy", 0.99)])) == {"at_least accuracy": Status.FAIL}


def test_a_failed_challenger_is_wrong_and_slow():
    """Failures reach every metric: a fifth of them failing costs accuracy and latency too."""
    verdict = judged(GUARDRAILS, challenger=Side(failure_rate=0.2))

    failed = statuses(verdict)
    assert failed["not_worse failure_rate"] is Status.FAIL
    assert failed["not_worse accuracy"] is Status.FAIL
    assert failed["not_worse latency_s.p90"] is Status.FAIL


def test_what_failures_do_to_a_rule_is_told_beside_it():
    """A fifth failing fails the latency's p90; among what both answered the two are twins."""
    verdict = judged(GUARDRAILS, challenger=Side(failure_rate=0.2))
    (one,) = verdict.challengers

    latency = next(f for f in one.findings if f.metric == "latency_s.p90")
    accuracy = next(f for f in one.findings if f.metric == "accuracy")
    assert abs(latency.harm_both_answered) < 0.1
    assert accuracy.harm > 0.1 > 0.03 > abs(accuracy.harm_both_answered)
    champion, challenger = one.arms
    assert challenger.restricted_mean_s == pytest.approx(
        0.2 * 10 + 0.8 * champion.restricted_mean_s, rel=0.15
    )


def test_a_truth_that_can_never_match_is_no_evidence():
    """Two sides that are both always wrong are not equally good: nothing was measured."""
    verdict = judged(GUARDRAILS, champion=Side(accuracy=0.0), challenger=Side(accuracy=0.0))

    accuracy = next(f for f in verdict.challengers[0].findings if f.metric == "accuracy")
    assert accuracy.status is Status.NO_DATA
    assert accuracy.sentence == (
        "the champion's label equals the truth on none of 1,500 pairs: "
        "check `output.label` and `truth`"
    )
    assert verdict.decision is Decision.HOLD


def test_segments_are_described():
    """Every rule's metric, within every segment, with its interval."""
    verdict = judged(GUARDRAILS)

    parts = verdict.challengers[0].segments
    assert {part.segment for part in parts} == {"source=mobile", "source=web"}
    assert len(parts) == 2 * len(GUARDRAILS)
    for metric in ("failure_rate", "accuracy"):
        whole = next(f for f in verdict.challengers[0].findings if f.metric == metric)
        inside = [part for part in parts if part.metric == metric]
        weighted = sum(part.harm * part.n_pairs for part in inside) / whole.n_pairs
        assert weighted == pytest.approx(whole.harm, abs=1e-12)


def test_several_challengers_are_corrected_for_being_several():
    """The p-value a promotion hangs on is adjusted by Holm over the run's challengers."""
    verdict = judged(GUARDRAILS, n=6000, n_clusters=2000, challengers=("a", "b", "c"))

    for one in verdict.challengers:
        assert one.p_adjusted >= one.p_value
    smallest = min(verdict.challengers, key=lambda one: one.p_value)
    assert smallest.p_adjusted == pytest.approx(3 * smallest.p_value)


def test_a_config_without_clusters_is_told():
    """Independence was assumed, and the verdict says so."""
    table = value_table(500, seed=1).lazy()
    rules = GUARDRAILS[:1]
    one = Collected(
        challenger="new",
        champion="old",
        values=table,
        conservation=Conservation(500, 500),
        policy=Policy(rules),
        metrics=(catalog.resolve("failure_rate", outputs={}, comparisons=()),),
    )
    options = {"run_ids": ["r"], "policy_digest": "d", "confidence": 0.95, "versions": {}}

    assert evaluate([one], **options).notes == ()
    assert evaluate([replace(one, clustered=False)], **options).notes == (INDEPENDENCE_ASSUMED,)


def test_clusters_come_in_the_order_of_their_first_rows():
    """Whatever names the process has seen before: the same pairs give the same digits."""
    pl.Series(["c", "a"]).cast(pl.Categorical)

    clusters = clusters_of(pl.LazyFrame({"cluster_id": ["b", "a", "b", "c"]}))

    assert clusters.codes.tolist() == [0, 1, 0, 2]
    assert clusters.sizes.tolist() == [2, 1, 1]


@pytest.mark.slow
def test_twins_are_rejected_no_more_often_than_promised():
    """A/A over 80 seeds: a rejection needs a 5 % error (within 3 standard errors)."""
    n_seeds = 80
    tight = tuple(
        NotWorse(rule.metric, Margin(rule.margin.value / 10, rule.margin.relative))
        for rule in GUARDRAILS
    )

    decisions = [
        judged(tight, n=400, n_clusters=150, seed=100 + i).decision for i in range(n_seeds)
    ]

    rejected = decisions.count(Decision.REJECT) / n_seeds
    allowed = 0.05 + 3 * math.sqrt(0.05 * 0.95 / n_seeds)
    assert rejected <= allowed
    assert decisions.count(Decision.PROMOTE) / n_seeds <= allowed

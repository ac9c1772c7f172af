"""Live, front and mirror hold two watches: what may be said of time nevertheless."""

import polars as pl
import pytest

from harness.collected import Collected
from harness.evaluate import evaluate
from harness.gate.policy import AtMost, Improves, Margin, NotWorse, Policy
from harness.measure import catalog
from harness.pair import Conservation
from harness.testing.pairs import Side, value_table
from harness.vantage import from_one_place, seen_too_late
from harness.verdict import Status

N = 2000
LATENCY = NotWorse("latency_s.p90", Margin(0.01))
FAILURES = NotWorse("failure_rate", Margin(0.02))


def metrics_of(rules):
    return tuple(
        catalog.resolve(rule.metric, limit=rule.limit, outputs={}, comparisons=()) for rule in rules
    )


def mirrored(**sides):
    """Pairs of which the mirror adds 30 ms to all that it times; half were asked twice."""
    values = value_table(N, seed=3, **sides).with_columns(
        pl.col("challenger_latency_s") + 0.03, champion_order=pl.lit(0)
    )
    again = value_table(N, seed=4, **sides).head(N // 2)
    repeats = values.head(N // 2).with_columns(
        (again["champion_latency_s"] + 0.03).alias("challenger_latency_s"),
        again["champion_failed"].alias("challenger_failed"),
        again["champion_failure"].alias("challenger_failure"),
    )
    return values, repeats


def verdict_on(values, rules, **changed):
    one = Collected(
        challenger="new",
        champion="old",
        values=values.lazy(),
        conservation=Conservation(N, N),
        policy=Policy(tuple(rules)),
        metrics=metrics_of(rules),
        is_live=True,
        **changed,
    )
    verdict = evaluate([one], run_ids=["r"], policy_digest="d", confidence=0.95, versions={})
    return verdict.challengers[0]


def test_what_the_mirror_adds_to_both_is_nobodys_harm():
    """The same challenger fails against what users saw, and passes like for like."""
    values, repeats = mirrored()
    rules = (FAILURES, LATENCY, AtMost("latency_s.p50", 1.0))

    apart = verdict_on(values, rules)
    together = verdict_on(
        values,
        rules,
        from_one_place=from_one_place(values.lazy(), repeats.lazy()),
        baseline="repeat",
    )

    assert [found.status for found in apart.findings][1] is Status.FAIL
    assert [found.status for found in together.findings] == [Status.PASS] * 3
    assert [found.n_pairs for found in together.findings] == [N, N // 2, N]
    assert together.baseline == "repeat"


def test_a_slower_challenger_is_found_from_one_place_too():
    """The second answer hides nothing."""
    values, repeats = mirrored(challenger=Side(latency_s=0.08))

    verdict = verdict_on(
        values, (LATENCY,), from_one_place=from_one_place(values.lazy(), repeats.lazy())
    )

    assert verdict.findings[0].status is Status.FAIL


def test_the_order_of_calls_is_not_checked_where_users_came_first():
    """The champion was asked before anybody could draw."""
    values, _ = mirrored()

    assert "call_order" not in {check.check for check in verdict_on(values, (FAILURES,)).validity}


def test_a_repeat_is_told_by_the_answer_it_was_asked_beside():
    """A resumed run may have asked again: only the repeat of this very answer is taken."""
    values, repeats = mirrored()
    others = repeats.with_columns(pl.col("champion_latency_s") + 1)

    assert from_one_place(values.lazy(), others.lazy()).collect().is_empty()
    assert len(from_one_place(values.lazy(), pl.concat([repeats, repeats]).lazy()).collect()) == (
        N // 2
    )


@pytest.mark.parametrize(
    ("rule", "barred"),
    [
        (FAILURES, False),
        (NotWorse("latency_s.p90", Margin(0.1)), False),
        # Less lateness than the policy allows, and more than the rule lets pass.
        (NotWorse("latency_s.mean", Margin(0.01)), True),
        (NotWorse("latency_s.mean", Margin(0.1, relative=True)), False),
        (Improves("first_byte_s.p50", by=Margin(0.005)), True),
        (AtMost("latency_s.p50", 0.01), False),
    ],
)
def test_lateness_that_could_make_the_harm_bars_a_rule(rule, barred):
    """What a rule lets pass has to be larger than what we may have added."""
    values = value_table(N, seed=3).with_columns(challenger_sender_lag_s=pl.lit(0.02))

    found = seen_too_late(values.lazy(), Policy((rule,)), metrics_of((rule,)))

    assert (rule in found) is barred


def test_more_lateness_than_the_policy_allows_bars_every_rule_on_time():
    """The sentence says how late, how late we may be, and what to do."""
    values = value_table(N, seed=3).with_columns(champion_sender_lag_s=pl.lit(0.2))
    rules = (AtMost("latency_s.p50", 0.5), FAILURES)

    found = seen_too_late(values.lazy(), Policy(rules), metrics_of(rules))

    assert found == {
        rules[0]: (
            "our own lateness has a p99 of 200 ms, 50 ms allowed: what was seen of time is not the "
            "deployments'. Give the mirror more CPU"
        )
    }

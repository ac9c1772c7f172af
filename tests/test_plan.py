"""From a policy and what is known of the traffic to how much data each rule needs."""

import math

import numpy as np
import polars as pl
import pytest
from statsmodels.stats.power import TTestPower

from harness.collected import Collected
from harness.evaluate import evaluate
from harness.footing import (
    NEEDS_PILOT_OR_PERCENT,
    footings_assumed,
    footings_of_pilot,
    part_shares,
)
from harness.gate.ledger import alpha_of
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
from harness.part import clusters_of
from harness.plan import NEEDS_WORTH, Aim, AtHand, PartPlan, bottleneck, plan_parts, plan_rules
from harness.stats.assumptions import Assumptions
from harness.testing.pairs import Population, Side, value_table
from harness.verdict import Decision

FAILURES = NotWorse("failure_rate", Margin(0.02))
ACCURACY = NotWorse("accuracy", Margin(0.01))
ALONE = Aim()
SLOWER = NotWorse("latency_s.mean", Margin(0.10, relative=True))
SLOWER_P90 = NotWorse("latency_s.p90", Margin(0.10, relative=True))


def metrics_of(rules):
    return tuple(
        catalog.resolve(rule.metric, limit=rule.limit, outputs={}, comparisons=("label",))
        for rule in rules
    )


def assumed(*rules, at_hand=None, aim=ALONE, confidence=0.95, **assumptions):
    policy, metrics = Policy(rules, confidence), metrics_of(rules)
    footings = footings_assumed(policy, metrics, Assumptions(**assumptions), aim.pairs_per_cluster)
    return plan_rules(policy, metrics, footings, at_hand, aim)


def piloted(*rules, at_hand=None, aim=ALONE, n=2000, **law):
    policy, metrics = Policy(rules), metrics_of(rules)
    values = value_table(n, seed=3, **law).lazy()
    footings = footings_of_pilot(policy, metrics, values, clusters_of(values))
    return plan_rules(policy, metrics, footings, at_hand, aim)


def test_one_rule_alone_is_planned_as_statsmodels_would():
    """A relative margin is a t-test of log ratios; log-normal sides have this spread."""
    theirs = TTestPower().solve_power(
        effect_size=math.log(1.1) / math.sqrt(2 * math.expm1(0.25)),
        alpha=0.05,
        power=0.8,
        alternative="larger",
    )

    (one,) = assumed(SLOWER, spread=0.5)

    assert one.pairs_needed == one.clusters_needed == math.ceil(theirs)


def test_all_rules_share_the_misses_and_challengers_the_error():
    """Three guardrails and a goal among two challengers: a fourth of the misses, half the error."""
    goals = (Improves("accuracy", worth=0.02), Improves("cost_usd.mean", worth=0.0))

    found = assumed(FAILURES, ACCURACY, SLOWER, *goals, aim=Aim(n_challengers=2))

    assert [one.power for one in found] == pytest.approx([0.95] * 5)
    assert [one.alpha for one in found] == pytest.approx([0.025] * 3 + [0.0125] * 2)


def test_the_bottleneck_is_what_needs_the_most():
    """A margin of one point on accuracy costs more than two on failures."""
    found = assumed(FAILURES, ACCURACY, SLOWER)

    assert bottleneck(found).rule is ACCURACY
    assert bottleneck(assumed(Improves("accuracy"))) is None


def test_a_gain_nobody_put_a_worth_on_is_not_planned():
    """What the data at hand would show of it is said all the same."""
    (one,) = assumed(Improves("accuracy"), at_hand=AtHand(2000, 2000))

    assert (one.clusters_needed, one.why) == (None, NEEDS_WORTH)
    assert -0.05 < one.provable < 0


def test_an_absolute_margin_needs_a_pilot():
    """Nobody knows the spread in seconds of what was never measured."""
    (one,) = assumed(NotWorse("latency_s.p95", Margin(0.003)))

    assert (one.clusters_needed, one.why) == (None, NEEDS_PILOT_OR_PERCENT)


def test_a_margin_of_zero_is_never_reached_by_an_equal():
    """The plan says so, instead of a number."""
    (one,) = assumed(NotWorse("accuracy", Margin(0.0)))

    assert one.clusters_needed is None
    assert one.why.startswith("with a margin of 0 no amount of data")


def test_a_p99_needs_twenty_values_beyond_it():
    """However wide the margin: 2,000 independent pairs."""
    (one,) = assumed(NotWorse("latency_s.p99", Margin(10.0, relative=True)))

    assert one.pairs_needed == 2000


def test_users_with_many_requests_need_more_of_them():
    """Ten requests a user: a design effect of 1 + (2 · 10 - 1) · 0.05."""
    (alone,) = assumed(ACCURACY)
    (together,) = assumed(ACCURACY, aim=Aim(pairs_per_cluster=10))

    assert together.pairs_needed == pytest.approx(1.95 * alone.pairs_needed, rel=0.01)
    assert together.pairs_needed == 10 * together.clusters_needed


@pytest.mark.parametrize(
    ("rule", "assumed_harm"),
    [
        (AtMost("label.disagreement_rate", 0.05), 0.025),
        (AtLeast("accuracy", 0.9), -0.95),
    ],
)
def test_without_a_pilot_half_the_limit_is_taken_for_true(rule, assumed_harm):
    """Half of the share that a limit allows."""
    (one,) = assumed(rule)

    assert one.assumed == pytest.approx(assumed_harm)
    assert one.clusters_needed > 0


def test_enough_is_what_is_at_hand():
    """As many users as needed are enough, one fewer is not."""
    needed = assumed(ACCURACY)[0].clusters_needed

    def is_enough(n):
        return assumed(ACCURACY, at_hand=AtHand(n, n))[0].is_enough

    assert (is_enough(needed), is_enough(needed - 1)) == (True, False)
    assert assumed(ACCURACY)[0].is_enough is None


def test_the_smallest_margin_is_one_that_would_be_enough():
    """Data at hand for a margin of one point say so of one point."""
    needed = assumed(ACCURACY)[0].clusters_needed

    (one,) = assumed(ACCURACY, at_hand=AtHand(needed, needed))

    assert one.smallest_margin == pytest.approx(0.01, rel=1e-3)
    assert one.provable == pytest.approx(0.0, abs=1e-4)


def test_a_gate_that_may_be_asked_at_any_time_says_when_it_would_stop():
    """About where a fixed test would, and it should be ready for three times that."""
    (one,) = assumed(SLOWER, aim=Aim(sequential=True))

    assert 0.9 < one.expected_clusters / one.clusters_needed < 1.4
    assert one.clusters_to_budget == 3 * one.clusters_needed
    assert assumed(SLOWER)[0].expected_clusters is None

    here = AtHand(2 * one.clusters_needed, 2 * one.clusters_needed)
    assert assumed(SLOWER, at_hand=here, aim=Aim(sequential=True))[0].is_enough is False
    assert assumed(SLOWER, at_hand=here)[0].is_enough is True


def test_a_pilot_knows_how_much_pairing_helps():
    """What requests share drops out of the pairs, and a pilot has seen it."""
    (by_pilot,) = piloted(SLOWER_P90)
    (by_guess,) = assumed(SLOWER_P90, spread=0.4)

    assert by_pilot.clusters_needed < 0.8 * by_guess.clusters_needed


def test_a_pilots_own_harm_is_not_taken_for_true():
    """A challenger twice as slow in the pilot is planned as one without harm."""
    (one,) = piloted(SLOWER_P90, challenger=Side(latency_s=0.1))

    assert one.assumed == 0.0
    assert one.clusters_needed is not None


def test_a_level_is_planned_at_what_the_pilot_saw():
    """And where that is beyond the limit no amount of data would do."""
    right, beyond = piloted(AtLeast("accuracy", 0.9), AtLeast("accuracy", 0.99))

    assert right.assumed == pytest.approx(-0.95, abs=0.02)
    assert right.clusters_needed > 0
    assert beyond.clusters_needed is None
    assert beyond.why.startswith("what is assumed for true lies at the limit or beyond")


def test_one_sides_quantile_is_planned_as_a_share():
    """At most 5 % beyond the limit, and the pilot saw about 1 %: an exact binomial plan."""
    (one,) = piloted(AtMost("latency_s.p95", 0.13))

    assert "beyond the limit, 5.0 % allowed" in one.basis
    assert one.clusters_needed > 50


def test_a_pilot_of_too_few_users_says_so():
    """Seven clusters are no pilot."""
    (one,) = piloted(ACCURACY, n=70, population=Population(n_clusters=7))

    assert (one.clusters_needed, one.why) == (
        None,
        "the pilot is too small: 7 clusters are too few, 8 are needed",
    )


@pytest.mark.slow
def test_a_planned_run_is_promoted_as_often_as_planned():
    """Twins, as many pairs as the plan asks for: at least 80 % of the verdicts promote."""
    rules = (FAILURES, NotWorse("accuracy", Margin(0.02)), SLOWER_P90)
    law = {"population": Population(n_clusters=None)}
    pilot = piloted(*rules, **law)
    n = bottleneck(pilot).pairs_needed
    policy, metrics = Policy(rules), metrics_of(rules)

    def decision(seed):
        values = value_table(n, seed=seed, **law).lazy()
        one = Collected("new", "old", values, Conservation(n, n), policy, metrics)
        verdict = evaluate([one], run_ids=["r"], policy_digest="d", confidence=0.95, versions={})
        return verdict.decision

    promoted = np.mean([decision(seed) is Decision.PROMOTE for seed in range(100, 220)])

    assert promoted > 0.8 - 3 * math.sqrt(0.16 / 120)


def test_strict_looks_count_every_user_once():
    """Ten requests of a user are one unit, and no more: a rule on a share needs ten times as much;
    one on a mean what it needed before."""
    aim = Aim(sequential=True, pairs_per_cluster=10)
    metrics = metrics_of((ACCURACY, SLOWER))
    loose, strict = (
        plan_rules(
            policy,
            metrics,
            footings_assumed(policy, metrics, Assumptions(icc=0.0), 10),
            None,
            aim,
        )
        for policy in (
            Policy((ACCURACY, SLOWER), sequential=Sequential.DEFLATED),
            Policy((ACCURACY, SLOWER), sequential=Sequential.STRICT),
        )
    )

    assert strict[0].clusters_needed == pytest.approx(10 * loose[0].clusters_needed, rel=0.01)
    assert strict[0].expected_clusters > 5 * loose[0].expected_clusters
    assert strict[0].basis.endswith("users count once")
    assert strict[1] == loose[1]


def test_a_later_gate_run_is_planned_with_the_error_that_is_left():
    """The third run against one log may err with a probability of 0.0034."""
    first, third = (assumed(ACCURACY, aim=Aim(gate_run=number))[0] for number in (1, 3))

    assert first.alpha == pytest.approx(alpha_of(0.05, 1))
    assert third.alpha == pytest.approx(alpha_of(0.05, 3))
    assert third.clusters_needed > first.clusters_needed > assumed(ACCURACY)[0].clusters_needed


def test_protected_parts_need_thirty_users_each():
    """A pilot tells how common a part is; one it has never seen cannot be planned."""
    policy = Policy((FAILURES,), segments=Segments(protected=("source=mobile", "tier=gold")))
    values = value_table(
        2000, seed=3, population=Population(segments={"source": {"mobile": 0.1, "web": 0.9}})
    ).lazy()

    shares = part_shares(policy, values)
    mobile, gold = plan_parts(shares, AtHand(800, 200))

    assert shares["source=mobile"] == pytest.approx(0.1, abs=0.06)
    assert mobile.clusters_needed == math.ceil(30 / shares["source=mobile"])
    assert mobile.is_enough is (mobile.clusters_needed <= 200)
    assert gold == PartPlan("tier=gold", 0.0, None, None)
    assert part_shares(Policy((FAILURES,)), values) == {}


def test_a_pilot_without_any_excess_is_planned_by_the_rule_of_three():
    """A comparison that never differs more than the noise has no spread; its largest is known."""
    policy = Policy((AtMost("label.excess", 0.05),))
    metrics = (catalog.resolve("label.excess", outputs={}, comparisons=("label",), repeated=True),)
    values = value_table(400, seed=3).with_columns(pl.lit(0.0).alias("label.excess")).lazy()

    (one,) = plan_rules(
        policy,
        metrics,
        footings_of_pilot(policy, metrics, values, clusters_of(values)),
        None,
        ALONE,
    )

    assert one.basis == "0 on every pair"
    assert one.clusters_needed > 50

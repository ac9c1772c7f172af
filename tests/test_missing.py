"""Values that are missing: whose doing it is, and that an honest run is not blamed for it."""

import math

import numpy as np
import polars as pl
import pytest

from harness.collected import Collected
from harness.evaluate import evaluate
from harness.gate.policy import AtMost, Margin, NotWorse, Policy
from harness.gate.validity import INTEGRITY_ERROR
from harness.measure import catalog
from harness.missing import Gap, missing
from harness.pair import Conservation, LossReason
from harness.testing.pairs import Population, value_table
from harness.verdict import Decision, Status

COST = NotWorse("cost_usd.mean", Margin(0.05, relative=True))
ACCURACY = NotWorse("accuracy", Margin(0.05))
RULES = (NotWorse("failure_rate", Margin(0.02)), COST, ACCURACY)


def collected(table, *, rules=RULES, conservation=None):
    metrics = tuple(
        catalog.resolve(rule.metric, outputs={}, comparisons=("label",)) for rule in rules
    )
    n = len(table)
    return Collected(
        challenger="new",
        champion="old",
        values=table.lazy(),
        conservation=conservation or Conservation(n, n),
        policy=Policy(tuple(rules)),
        metrics=metrics,
    )


def verdict_on(table, **about):
    options = {"run_ids": ["r"], "policy_digest": "d", "confidence": 0.95, "versions": {}}
    (judged,) = evaluate([collected(table, **about)], **options).challengers
    return judged


def check(judged, name):
    return next((one for one in judged.validity if one.check == name), None)


def pairs(n=2000, *, seed=1, n_clusters=500):
    return value_table(n, seed=seed, population=Population(n_clusters=n_clusters))


def without(table, rows, *columns):
    """The table with nothing in some columns of some rows."""
    lost = pl.Series(rows)
    return table.with_columns(pl.when(~lost).then(pl.col(name)).alias(name) for name in columns)


def slow(table, share):
    latency_s = table["champion_latency_s"]
    return (latency_s > latency_s.quantile(1 - share)).to_numpy()


def test_what_is_missing_as_if_drawn_is_no_matter():
    """One cost in twenty is unknown on each side, whoever asks."""
    dice = np.random.default_rng(1)
    table = without(pairs(), dice.random(2000) < 0.05, "champion_cost_usd")
    table = without(table, dice.random(2000) < 0.05, "challenger_cost_usd")

    judged = verdict_on(table)

    assert check(judged, "missing_at_random").status is Status.PASS
    assert check(judged, "missing_by_side").status is Status.PASS
    assert judged.decision is not Decision.INVALID


def test_costs_that_are_missing_where_it_was_slow_are_no_evidence():
    """A side that keeps quiet about its expensive answers looks cheap."""
    table = pairs()
    dice = np.random.default_rng(2)
    lost = slow(table, 0.3) & (dice.random(2000) < 0.3)
    # As many on the other side, so that it is not one-sidedness that shows.
    table = without(table, lost, "challenger_cost_usd")
    table = without(table, dice.random(2000) < lost.mean(), "champion_cost_usd")

    judged = verdict_on(table)

    found = check(judged, "missing_at_random")
    assert found.status is Status.FAIL
    assert "values of not_worse cost_usd.mean missing on one side" in found.sentence
    assert "champion's latency" in found.sentence
    assert judged.decision is Decision.INVALID


@pytest.mark.parametrize("known", ["time", "source=mobile"])
def test_missing_values_may_cluster_in_time_or_in_a_segment(known):
    """What the champion's answers do not tell, the requests themselves do."""
    table = pairs()
    mobile = (table["segments"].struct.field("source") == "mobile").to_numpy()
    among = np.arange(2000) < 600 if known == "time" else mobile
    dice = np.random.default_rng(3)
    lost = among & (dice.random(2000) < 0.2)
    table = without(table, lost, "challenger_cost_usd")
    table = without(table, among & (dice.random(2000) < 0.2), "champion_cost_usd")

    found = check(verdict_on(table), "missing_at_random")

    assert found.status is Status.FAIL
    assert known in found.sentence or "source=web" in found.sentence


def test_values_that_one_side_alone_leaves_out_are_no_evidence():
    """Lost at random, but by the challenger alone."""
    table = without(pairs(), np.random.default_rng(4).random(2000) < 0.05, "challenger_cost_usd")

    found = check(verdict_on(table), "missing_by_side")

    assert found.status is Status.FAIL
    assert found.sentence.startswith("a value of not_worse cost_usd.mean is missing")


def test_a_few_one_sided_values_are_of_no_account():
    """Surely one-sided, and 0.4 % of the requests."""
    lost = np.zeros(5000, dtype=bool)
    lost[:: 5000 // 20] = True
    table = without(pairs(5000, n_clusters=5000), lost, "challenger_cost_usd")

    assert check(verdict_on(table), "missing_by_side").status is Status.PASS


def test_labels_for_a_part_of_the_log_are_legal():
    """Truth on a tenth, drawn or by user: no check fails, and nothing is said."""
    table = pairs()
    dice = np.random.default_rng(5)
    drawn = dice.random(2000) > 0.1
    by_user = ~(pl.Series(table["cluster_id"]).hash() % 10 == 0).to_numpy()

    for lost in (drawn, by_user):
        judged = verdict_on(without(table, lost, "champion_correct", "challenger_correct"))

        assert judged.decision is not Decision.INVALID
        assert not any("speaks of" in warning for warning in judged.findings[2].warnings)
        assert judged.findings[2].missing_share == pytest.approx(lost.mean(), abs=0.01)


def test_labels_of_easy_requests_speak_of_easy_requests():
    """Legal too, and the rule says whom it speaks of."""
    table = pairs()
    judged = verdict_on(without(table, slow(table, 0.5), "champion_correct", "challenger_correct"))

    assert judged.decision is not Decision.INVALID
    warning = judged.findings[2].warnings[-1]
    assert "champion's latency" in warning
    assert "speaks of the former alone" in warning


def test_labels_that_hang_on_an_answer_are_no_evidence():
    """Whoever is refused never pays back: where the champion says 3 there is no truth."""
    table = pairs(6000, n_clusters=3000)
    refused = (table["champion_label"] == "3").fill_null(value=False).to_numpy()
    table = without(table, refused, "champion_correct", "challenger_correct")

    judged = verdict_on(table)

    found = check(judged, "labels_everywhere")
    assert found.status is Status.FAIL
    assert "where the champion says 3" in found.sentence
    assert judged.decision is Decision.INVALID


def test_failures_are_outcomes_and_not_missing():
    """A challenger that fails on what is slow is judged by its failures, not called invalid."""
    table = pairs()
    failing = pl.Series(slow(table, 0.1))
    table = table.with_columns(
        challenger_failed=failing,
        challenger_failure=pl.when(failing).then(pl.lit("timeout")),
        **{"label.agree": pl.when(~failing).then(pl.col("label.agree"))},
    )

    judged = verdict_on(table, rules=(*RULES[:1], AtMost("label.disagreement_rate", 0.5)))

    assert judged.decision is Decision.REJECT


def test_what_does_not_apply_is_named_with_its_reason():
    """A table without a gap: the checks on gaps are not forgotten."""
    judged = verdict_on(pairs())

    names = {"sampling_ratio", "missing_by_side", "missing_at_random", "labels_everywhere"}
    assert names <= set(judged.unchecked)
    assert names.isdisjoint(one.check for one in judged.validity)


def test_one_log_that_lacks_answers_is_no_evidence():
    """Forty requests only the challenger has no answer to: perhaps it never gave one."""
    table = pairs()
    lost = {LossReason.NO_CHALLENGER_ANSWER: 15}
    few = verdict_on(table, conservation=Conservation(2015, 2000, lost))
    even = {LossReason.NO_CHALLENGER_ANSWER: 7, LossReason.NO_CHAMPION_ANSWER: 8}

    assert check(few, "missing_by_side").status is Status.FAIL
    assert "an answer in the log" in check(few, "missing_by_side").sentence
    sound = verdict_on(table, conservation=Conservation(2015, 2000, even))
    assert check(sound, "missing_by_side").status is Status.PASS


def _false_alarms(n_runs, lose):
    """How many of so many sound runs fail one of the checks on what is missing."""
    n_failed = 0
    for seed in range(n_runs):
        dice = np.random.default_rng(1000 + seed)
        table = lose(pairs(600, seed=seed, n_clusters=150), dice)
        one = collected(table)
        arrays = {
            COST: ("champion_cost_usd", "challenger_cost_usd"),
            ACCURACY: ("champion_correct", "challenger_correct"),
        }
        gaps = [
            Gap.of(
                rule,
                metric,
                [table[name].cast(pl.Float64).fill_null(math.nan).to_numpy() for name in names],
            )
            for rule, metric in zip(one.policy.rules, one.metrics, strict=True)
            if (names := arrays.get(rule))
        ]
        found = missing(one, [gap for gap in gaps if gap is not None])
        n_failed += any(
            p_value is not None and p_value < INTEGRITY_ERROR
            for p_value in (
                found.missingness and found.missingness.p_value,
                found.one_sided and found.one_sided.p_value,
                found.unlabelled and found.unlabelled.p_value,
            )
        )
        n_failed += bool(found.warnings)
    return n_failed


def _drawn(table, dice):
    for side in ("champion", "challenger"):
        table = without(table, dice.random(len(table)) < 0.04, f"{side}_cost_usd")
    return without(table, dice.random(len(table)) < 0.8, "champion_correct", "challenger_correct")


def _by_user(table, dice):
    """Whole users lack one side's values, or their truth: what hangs together hangs together."""
    users = table["cluster_id"].cast(pl.Categorical).to_physical().to_numpy()
    for side in ("champion", "challenger"):
        lost = (dice.random(users.max() + 1) < 0.1)[users]
        table = without(table, lost, f"{side}_cost_usd")
    lost = (dice.random(users.max() + 1) < 0.7)[users]
    return without(table, lost, "champion_correct", "challenger_correct")


@pytest.mark.slow
@pytest.mark.parametrize("lose", [_drawn, _by_user])
def test_sound_runs_are_seldom_called_invalid(lose):
    """A/A, 300 runs: the four tests at 0.001 each give at most one false alarm by rights; three
    would come once in a hundred such simulations."""
    assert _false_alarms(300, lose) <= 3

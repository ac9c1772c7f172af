"""How parts make the whole, from value tables to the verdict."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.asking import Asking
from harness.collected import Collected
from harness.evaluate import evaluate
from harness.gate.policy import AtMost, Improves, Margin, NotWorse, Policy, Segments, Sequential
from harness.gate.segments import FALSE_SHARE
from harness.inquiry import Inquiry, topic_of
from harness.measure import catalog
from harness.measure.segments import partitions
from harness.metric import Better, Mean, Metric, Sides, Unit
from harness.pair import Conservation
from harness.segmentation import LARGEST_RESIDUAL, Contrast
from harness.stats.clusters import Clusters
from harness.stats.mean import mean_harm
from harness.sums import Sums
from harness.testing.pairs import Population, value_table
from harness.verdict import Decision, Status

RULES = (
    NotWorse("failure_rate", Margin(0.02)),
    NotWorse("accuracy", Margin(0.05)),
    NotWorse("latency_s.p90", Margin(0.1, relative=True)),
    NotWorse("cost_usd.mean", Margin(0.05, relative=True)),
    AtMost("label.disagreement_rate", 0.5),
)
MOBILE = Segments(protected=("source=mobile",))
SOURCES = {"source": {"mobile": 0.2, "web": 0.8}}


def table(n=2000, *, n_clusters=800, segments=SOURCES, seed=1):
    return value_table(
        n, seed=seed, population=Population(n_clusters=n_clusters, segments=segments)
    )


def worse_on(source, values, *, share=0.3):
    """The same pairs, the challenger wrong on a share of one source's requests."""
    dice = np.random.default_rng(5)
    suffers = values["segments"].struct.field("source") == source
    flips = suffers & pl.Series(dice.random(len(values)) < share)
    correct = pl.when(flips).then(False).otherwise(pl.col("challenger_correct"))
    return values.with_columns(challenger_correct=correct)


def verdict(values, segments, rules=RULES, sequential=None):
    collected = Collected(
        challenger="new",
        champion="old",
        values=values.lazy(),
        conservation=Conservation(len(values), len(values)),
        policy=Policy(tuple(rules), segments=segments, sequential=sequential),
        metrics=tuple(
            catalog.resolve(rule.metric, limit=rule.limit, outputs={}, comparisons=("label",))
            for rule in rules
        ),
        comparisons=("label",),
    )
    whole = evaluate([collected], run_ids=["r"], policy_digest="d", confidence=0.95, versions={})
    return whole.challengers[0]


def costs_contrasted(champion, challenger, part, overall):
    """The parts of some costs side by side, each pair its own cluster."""
    values = pl.DataFrame(
        {
            "cluster_id": [f"user-{i}" for i in range(len(part))],
            "segments": [{"source": str(value)} for value in part],
            "champion_cost_usd": champion,
            "challenger_cost_usd": challenger,
            "champion_failed": False,
            "challenger_failed": False,
        }
    )
    ask = Asking(NotWorse("cost_usd.mean", Margin(0.0)), COST, 0.95)
    topic = topic_of(ask.rule, ask.metric, ask.question)
    sums = Sums(values.lazy(), partitions(values), [topic.need])
    inquiry = Inquiry(sums, [topic])
    contrast = Contrast("source", ask, topic, inquiry, sums.parts[1:], None)
    inquiry.add_up()
    return contrast.said(overall)


def contrast_of(judged, rule):
    (found,) = [one for one in judged.segment_scan.contrasts if one.rule == rule]
    return found


@pytest.mark.parametrize("sequential", [None, Sequential.DEFLATED], ids=["one look", "any look"])
def test_a_harm_hidden_in_a_small_protected_part_rejects(sequential):
    """A fifth of the traffic loses thirty points; the whole stays below its margin."""
    rules = (RULES[0], NotWorse("accuracy", Margin(0.1)))
    values = worse_on("mobile", table(6000, n_clusters=2400))

    judged = verdict(values, MOBILE, rules, sequential)

    by_part = {(one.rule, one.segment): one.status for one in judged.findings}
    assert judged.decision is Decision.REJECT
    assert by_part["not_worse accuracy", None] is Status.PASS
    assert by_part["not_worse accuracy", "source=mobile"] is Status.FAIL
    assert judged.reason.startswith("not_worse accuracy in source=mobile fails")


def test_the_same_harm_in_a_part_nobody_protects_warns():
    """The decision is that of the rules, and the next step names the part."""
    rules = (RULES[0], NotWorse("accuracy", Margin(0.1)))

    judged = verdict(worse_on("mobile", table()), Segments(), rules)

    assert judged.decision is Decision.PROMOTE
    assert judged.next_steps[0].startswith("not_worse accuracy in source=mobile: harm +")


def test_without_a_policy_for_segments_they_are_described_alone():
    """No test, no finding, no report."""
    judged = verdict(worse_on("mobile", table()), None)

    assert judged.segment_scan is None
    assert {finding.segment for finding in judged.findings} == {None}
    assert {part.segment for part in judged.segments} == {"source=mobile", "source=web"}


@pytest.mark.parametrize("sequential", [None, Sequential.STRICT], ids=["one look", "any look"])
def test_a_protected_part_that_never_came_holds(sequential):
    """Also where the stored run knows no such segment at all."""
    for part in ("source=tv", "country=fr"):
        judged = verdict(table(), Segments(protected=(part,)), RULES, sequential)

        assert judged.decision is Decision.HOLD
        assert any(step.startswith(f"{part}: 30 more") for step in judged.next_steps)


def test_one_segment_with_one_value_has_nothing_to_compare():
    """It is tested as the whole is, and heterogeneity is not a number."""
    judged = verdict(table(segments={"source": {"web": 1.0}}), Segments())

    found = contrast_of(judged, "not_worse accuracy")
    assert judged.segment_scan.n_tested == len(RULES)
    assert (found.n_parts, found.p_heterogeneity, found.reversal) == (1, None, None)
    assert abs(found.residual) < LARGEST_RESIDUAL


def test_parts_that_respond_differently_are_found_so():
    """One loses thirty points, the other nothing."""
    found = contrast_of(verdict(worse_on("mobile", table()), Segments()), "not_worse accuracy")
    alike = contrast_of(verdict(table(), Segments()), "not_worse accuracy")

    assert found.p_heterogeneity < 1e-6
    assert alike.p_heterogeneity > 0.01
    assert (found.method, found.df) == ("Cochran's Q", 1)


def test_what_is_no_mean_need_not_add_up_and_says_so():
    """A quantile and a ratio of means are not averages of their parts'."""
    judged = verdict(table(), Segments())

    assert contrast_of(judged, "not_worse latency_s.p90").adds_up.startswith("a quantile is")
    assert contrast_of(judged, "not_worse cost_usd.mean").adds_up.startswith("a ratio of means")
    assert contrast_of(judged, "not_worse accuracy").adds_up is None


def test_productions_mix_can_change_what_a_rule_finds():
    """Rare in the log and common in production: the part's harm is then everybody's."""
    weights = {"source": {"mobile": 0.9, "web": 0.1}}
    rules = (RULES[0], NotWorse("accuracy", Margin(0.1)))

    judged = verdict(worse_on("mobile", table()), Segments(production=weights), rules)

    found = contrast_of(judged, "not_worse accuracy").reweighted
    assert found.status is Status.FAIL
    assert found.harm > 0.2
    assert found.warnings == ("fail in the mix of production, pass in that of the run",)


def test_a_part_of_production_that_was_hardly_seen_is_warned_of():
    """Nine clusters or none are a guess; none gives no number."""
    weights = {"source": {"mobile": 0.5, "tv": 0.5}}

    judged = verdict(table(), Segments(production=weights))

    found = contrast_of(judged, "not_worse accuracy").reweighted
    assert found.harm is None
    assert found.warnings == (
        "source=tv is 50 % of production and has 0 clusters here, 10 are needed",
    )


def test_a_quantile_is_not_estimated_for_another_mix():
    """It says what to use instead."""
    judged = verdict(table(), Segments(production={"source": {"mobile": 0.5, "web": 0.5}}))

    found = contrast_of(judged, "not_worse latency_s.p90").reweighted
    assert (found.harm, "exceedance" in found.warnings[0]) == (None, True)


COST = Metric("cost_usd.mean", "cost_usd", Mean(), Unit.USD, Better.LOWER, Sides.BOTH)


@settings(max_examples=60, deadline=None)
@given(
    data=st.lists(
        st.tuples(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3), st.integers(-1, 3), st.booleans()),
        min_size=10,
        max_size=60,
    )
)
def test_a_mean_is_exactly_the_sum_of_its_parts(data):
    """Whatever the values, the parts and what is missing; rows in no part count as one more."""
    champion = np.array([round(c, 6) for c, _, _, _ in data])
    challenger = np.array([np.nan if lost else round(d, 6) for _, d, _, lost in data])
    part = np.array([p for _, _, p, _ in data])
    clusters = Clusters.independent(len(data))
    overall = mean_harm(
        champion, challenger, clusters, better=Better.LOWER, null=0.0, confidence=0.95,
        metric="cost_usd.mean", unit="usd", bounded=True,
    )  # fmt: skip
    found = costs_contrasted(champion, challenger, part, overall)

    assert found.adds_up is None
    if found.residual is not None:
        scale = max(1.0, abs(getattr(overall, "harm", 1.0) or 1.0))
        assert abs(found.residual) < LARGEST_RESIDUAL * scale


def test_a_gain_that_consists_of_losses_is_pointed_out():
    """Two thirds of the pairs are a little worse, the rest is so much better that all gain."""
    part = np.arange(300) % 3
    champion = np.full(300, 10.0)
    wobble = np.tile([0.1, -0.1], 150)
    challenger = champion + wobble + np.where(part == 0, -9.0, 1.0)
    clusters = Clusters.independent(300)
    overall = mean_harm(
        champion, challenger, clusters, better=Better.LOWER, null=0.0, confidence=0.95,
        metric="cost_usd.mean", unit="usd", bounded=True,
    )  # fmt: skip
    found = costs_contrasted(champion, challenger, part, overall)

    assert found.reversal == "the whole is better, and parts with 67 % of its pairs are worse"
    assert found.p_interaction < 1e-6


@pytest.mark.slow
def test_among_equals_hardly_any_scan_finds_harm():
    """All harms are at their margin of 0, so that every find is false: at most a tenth of runs.

    60 runs of twelve tests each; the bound leaves three standard errors for chance.
    """
    rules = (
        NotWorse("accuracy", Margin(0.0)),
        NotWorse("latency_s.mean", Margin(0.0)),
        NotWorse("cost_usd.mean", Margin(0.0)),
    )
    four = {"source": {"a": 0.4, "b": 0.3, "c": 0.2, "d": 0.1}}
    runs = 60

    flagged = 0
    for seed in range(runs):
        values = table(800, n_clusters=400, segments=four, seed=1000 + seed)
        flagged += bool(verdict(values, Segments(), rules).segment_scan.flagged)

    assert flagged / runs <= FALSE_SHARE + 3 * (FALSE_SHARE * (1 - FALSE_SHARE) / runs) ** 0.5


def test_goals_are_compared_and_not_tested():
    """An `improves` has a contrast and no hypothesis."""
    judged = verdict(table(), Segments(), (RULES[0], Improves("accuracy")))

    assert judged.segment_scan.n_tested == 2
    assert contrast_of(judged, "improves accuracy").n_parts == 2

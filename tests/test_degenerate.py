"""What odd inputs must come to: one test for each line of the contract on degenerate inputs."""

import json
import math

import numpy as np
import pytest

from harness.collected import Collected
from harness.config import load
from harness.errors import ConfigError
from harness.evaluate import evaluate
from harness.gate.policy import Improves, Margin, NotWorse, Policy, Segments, Sequential
from harness.measure import catalog
from harness.metric import Better
from harness.pair import Conservation
from harness.report import json_form
from harness.stats.always_valid import NormalMixture
from harness.stats.betting import grid_log_e_counts
from harness.stats.clusters import Clusters
from harness.stats.mean import mean_harm
from harness.stats.proportion import proportion_harm
from harness.stats.quantile import quantile_harm
from harness.stats.rate import rate_bound
from harness.stats.sequential_mcnemar import SequentialMcNemar
from harness.stats.weighted import weights_of
from harness.testing.pairs import Population, Side, value_table
from harness.verdict import Decision, Estimate, Unavailable
from tests.config.writing import GOOD, replaced, written

DULL = {"better": Better.LOWER, "null": 0.05, "confidence": 0.95, "metric": "m", "unit": "s"}
RULES = (NotWorse("failure_rate", Margin(0.02)), NotWorse("latency_s.mean", Margin(0.05)))


def judged(values, rules=RULES, **policy):
    metrics = tuple(
        catalog.resolve(rule.metric, limit=rule.limit, outputs={}, comparisons=()) for rule in rules
    )
    one = Collected(
        challenger="new",
        champion="old",
        values=values.lazy(),
        conservation=Conservation(values.height, values.height),
        policy=Policy(rules, **policy),
        metrics=metrics,
    )
    return evaluate([one], run_ids=["r"], policy_digest="d", confidence=0.95, versions={})


def independent(n):
    return Clusters.independent(n)


@pytest.mark.parametrize("n_clusters", [0, 1, 7])
@pytest.mark.parametrize("sequential", [None, *Sequential])
def test_no_pairs_or_few_clusters_promote_nothing_and_print_no_nan(n_clusters, sequential):
    """No row is no evidence, seven users are too few, and the JSON is one any parser reads."""
    population = Population(n_clusters=max(1, n_clusters))
    values = value_table(max(1, n_clusters) * 30, seed=1, population=population)
    values = values if n_clusters else values.head(0)

    verdict = judged(values, sequential=sequential)

    assert verdict.decision is (Decision.HOLD if n_clusters else Decision.INVALID)
    json.loads(json_form.render(verdict), parse_constant=pytest.fail)


def test_the_same_harm_on_every_pair_is_no_certainty():
    """Without any spread a t-test would say p = 0; the sign flips say what they can."""
    found = mean_harm(np.zeros(30), np.full(30, 0.01), independent(30), **DULL)

    assert found.p_value > 0
    assert found.harm_low <= found.harm <= found.harm_high


def test_no_pair_that_differs_shows_no_gain_and_may_be_no_worse():
    """Superiority has p = 1; non-inferiority is finite in one look and at any time; and users of
    five requests count once each."""
    right = np.ones(1000)
    asked = {**DULL, "better": Better.HIGHER}

    gain = proportion_harm(right, right, independent(1000), **{**asked, "null": 0.0})
    no_worse = proportion_harm(right, right, independent(1000), **asked)
    by_user = proportion_harm(right, right, Clusters.of(np.arange(1000) // 5), **asked)

    assert gain.p_value == 1.0
    assert 0 < no_worse.p_value < 0.05
    assert by_user.deff == 5.0
    assert math.isfinite(grid_log_e_counts(0, 0, 1000, margin=0.05))


def test_nothing_but_losses_is_certain_harm():
    """No non-inferiority at all, and a harm that is sure."""
    found = proportion_harm(
        np.ones(50), np.zeros(50), independent(50), **{**DULL, "better": Better.HIGHER}
    )

    assert found.p_value == pytest.approx(1.0)
    assert found.p_harm < 1e-7


@pytest.mark.parametrize(("heavy", "is_known"), [(60, True), (10_000, False)])
def test_one_user_with_most_of_the_pairs_warns_and_with_nearly_all_holds(heavy, is_known):
    """More than half is said; fewer than two degrees of freedom are none."""
    codes = np.r_[np.zeros(heavy, int), np.arange(1, 51)]
    rng = np.random.default_rng(1)
    champion, challenger = rng.normal(size=(2, codes.size))

    found = mean_harm(champion, challenger, Clusters.of(codes), **DULL, bounded=True)

    if is_known:
        assert any("one cluster holds" in warning for warning in found.warnings)
    else:
        assert isinstance(found, Unavailable)
        assert "degrees of freedom" in found.reason


@pytest.mark.parametrize("odd", [math.inf, -math.inf])
def test_an_infinite_value_has_no_mean(odd):
    """It is refused with the reason; NaN is a value that is missing, left out and counted."""
    values = np.arange(30.0)

    infinite = mean_harm(values, np.r_[values[:-1], odd], independent(30), **DULL)
    missing = mean_harm(values, np.r_[values[:-1], math.nan], independent(30), **DULL)

    assert isinstance(infinite, Unavailable)
    assert (missing.n_pairs, missing.n_left_out) == (29, 1)


def test_a_constant_latency_has_no_quantile_and_can_be_gated_by_exceedance():
    """All values are equal, so no density can be read; a limit needs none."""
    constant = np.full(2000, 0.1)

    quantile = quantile_harm(constant, constant, independent(2000), **DULL, p=0.95)
    exceeded = proportion_harm(constant > 0.2, constant > 0.2, independent(2000), **DULL)

    assert isinstance(quantile, Unavailable)
    assert "gate the exceedance" in quantile.reason
    assert exceeded.p_value < 0.05


def test_a_quantile_among_the_failures_is_beyond_the_timeout():
    """The sentence says so, and if only the challenger's is, it is harm."""
    rng = np.random.default_rng(2)
    champion, challenger = rng.exponential(0.1, (2, 2000))
    challenger[rng.random(2000) < 0.2] = math.inf

    found = quantile_harm(champion, challenger, independent(2000), **DULL, p=0.95)

    assert "lies beyond its timeout" in found.reason
    assert found.certain_harm


def test_a_margin_of_zero_is_superiority():
    """The same question, in the same words of statistics."""
    rng = np.random.default_rng(3)
    champion = rng.normal(size=200)
    challenger = champion - 0.5 + rng.normal(size=200)

    guardrail = judged(
        value_table(400, seed=3), rules=(RULES[0], NotWorse("latency_s.mean", Margin(0.0)))
    )
    goal = judged(value_table(400, seed=3), rules=(RULES[0], Improves("latency_s.mean")))
    found = mean_harm(champion, challenger, independent(200), **{**DULL, "null": 0.0})

    one, other = (verdict.challengers[0].findings[1] for verdict in (guardrail, goal))
    assert (one.p_value, one.harm_high) == (other.p_value, other.harm_high)
    assert found.harm_high < 0


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("margin: 0.02", "margin: -0.02"),
        ("policy:\n", "policy:\n  confidence: 0.5\n"),
        ("policy:\n", "policy:\n  confidence: 1.0\n"),
        ("policy:\n", "policy:\n  confidence: 0.4\n"),
    ],
    ids=["a negative margin", "alpha of a half", "alpha of nothing", "alpha above a half"],
)
def test_what_no_test_can_be_asked_is_a_config_error(tmp_path, before, after):
    """Margins are 0 or more; an error is above 0 and below a half, as one-sided tuning needs."""
    text = replaced(before, after)
    assert text != GOOD

    with pytest.raises(ConfigError):
        load(written(tmp_path, text), environment={})


def test_e_values_do_not_overflow():
    """They are computed as logarithms and printed up to 1e300."""
    logs = (
        NormalMixture(1.0).log_e_greater(1e9, 1e3),
        SequentialMcNemar.tuned(alpha=0.1).log_e_greater(10**6, 0),
        grid_log_e_counts(10**7, 0, 10**7, margin=0.01),
    )
    found = judged(
        value_table(30_000, seed=4, challenger=Side(failure_rate=0.9)),
        sequential=Sequential.DEFLATED,
    )

    assert all(math.isfinite(log_e) and log_e > 700 for log_e in logs)
    memory = found.challengers[0].findings[0].memory
    assert memory.e_harm <= 1e300 * 1.0000001
    json.loads(json_form.render(found), parse_constant=pytest.fail)


def test_small_segments_are_described_and_not_tested():
    """Thirty users are needed; the estimate of fewer is there to read."""
    population = Population(n_clusters=200, segments={"source": {"rare": 0.05, "web": 0.95}})
    values = value_table(1000, seed=5, population=population)

    (one,) = judged(values, segments=Segments()).challengers

    assert [part.n_clusters < 30 for part in one.segments if "rare" in part.segment] == [True] * 2
    assert one.segment_scan.n_too_small == 2
    assert not [finding for finding in one.findings if finding.segment == "source=rare"]


@pytest.mark.parametrize("chance", [0.0, math.nan])
def test_a_pair_drawn_with_no_known_chance_has_no_weight(chance):
    """There is a reason in place of weights, and a run of such pairs is no evidence."""
    assert "missing or not between 0 and 1" in weights_of([1.0, chance]).reason


def test_a_rate_that_never_happened_is_bounded():
    """The rule of three, also with the limit at the edge."""
    found = rate_bound(
        np.zeros(100), independent(100), null=1.0, confidence=0.95, metric="m", unit="fraction"
    )

    assert isinstance(found, Estimate)
    assert found.harm_high == pytest.approx(1 - 0.05 ** (1 / 100))

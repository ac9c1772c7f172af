"""Excess over the champion's own noise: from value tables of repeats to a finding and a line."""

import math
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from harness.collected import Collected
from harness.evaluate import evaluate
from harness.gate.policy import AtMost, Margin, NotWorse, Policy
from harness.measure import catalog
from harness.noise import ChallengerRepeats, noise_floors, with_noise
from harness.pair import Conservation
from harness.testing.pairs import value_table
from harness.verdict import Decision, Status

N = 3000


def answers(dice, fickle, *, changed=0.0, n=N):
    """Labels by call: 1 in a share `fickle` of the calls, else 0, or 2 where `changed`."""
    base = np.where(dice.random(n) < changed, 2, 0)
    return [np.where(dice.random(n) < fickle, 1, base) for _ in range(2)]


def drawn(*, fickle=0.05, other=0.05, changed=0.0, rate=1.0, seed=1, n=N):
    """Value table, champion's repeats and the challenger's, of answers with known chances."""
    dice = np.random.default_rng(seed)
    champion, challenger = answers(dice, fickle, n=n), answers(dice, other, changed=changed, n=n)
    table = value_table(n, seed=seed)
    asked = pl.Series(dice.random(n) < rate)

    def agreeing(one, two, *, side=None):
        keyed = table
        if side is not None:  # repeats: the first answer stands on the champion's side
            keyed = table.select(
                "request_id",
                champion_order=f"{side}_order",
                champion_latency_s=f"{side}_latency_s",
            )
        return keyed.with_columns(pl.Series("label.agree", one == two))

    crossings = {
        "first_second": champion[0] == challenger[1],
        "second_first": champion[1] == challenger[0],
        "second_second": champion[1] == challenger[1],
    }
    keys = ["request_id", "champion_order", "champion_latency_s"]
    keys += ["challenger_order", "challenger_latency_s"]
    crossed = table.select(keys).with_columns(
        pl.Series(f"label.{name}", agree) for name, agree in crossings.items()
    )
    return SimpleNamespace(
        values=agreeing(champion[0], challenger[0]).lazy(),
        champion=agreeing(*champion, side="champion").filter(asked).lazy(),
        challenger=ChallengerRepeats(
            agreeing(*challenger, side="challenger").filter(asked).lazy(), crossed.filter(asked)
        ),
    )


def noised(found, *, quad=False):
    repeats = found.challenger if quad else None
    return with_noise(found.values, ["label"], found.champion, repeats)


def judged(values, rule):
    metric = catalog.resolve(
        rule.metric, limit=None, outputs={}, comparisons=("label",), repeated=True
    )
    one = Collected(
        challenger="new",
        champion="old",
        values=values,
        conservation=Conservation(N, N),
        policy=Policy((rule,)),
        metrics=(metric,),
        comparisons=("label",),
    )
    verdict = evaluate([one], run_ids=["r"], policy_digest="d", confidence=0.95, versions={})
    return verdict.challengers[0]


def test_an_answer_that_is_only_random_passes_by_excess_and_fails_raw():
    """Both disagree with the champion on 9.5 % of the requests, challenger and champion."""
    values = noised(drawn())

    by_excess = judged(values, NotWorse("label.excess", Margin(0.03)))
    by_raw = judged(values, AtMost("label.disagreement_rate", 0.05))

    assert by_excess.findings[0].status is Status.PASS
    assert by_raw.decision is Decision.REJECT


def test_a_challenger_that_changes_answers_fails_by_excess():
    """A tenth of the requests answered otherwise is beyond the noise, and the finding says so."""
    verdict = judged(noised(drawn(changed=0.1)), NotWorse("label.excess", Margin(0.03)))

    (finding,) = verdict.findings
    assert finding.status is Status.FAIL
    assert finding.harm == pytest.approx(0.1, abs=0.03)


def test_only_requests_asked_twice_count():
    """With a repeat of a fifth the excess is that of these; the others are left out, counted."""
    values = noised(drawn(rate=0.2))

    rows = values.select("label.agree", "label.own", "label.excess").collect()

    asked = rows.filter(pl.col("label.own").is_not_null())
    assert abs(len(asked) - 600) < 5 * 22
    expected = (~asked["label.agree"]).cast(float) - asked["label.own"].cast(float)
    assert asked["label.excess"].to_list() == expected.to_list()
    assert rows["label.excess"].null_count() == N - len(asked)
    finding = judged(values, NotWorse("label.excess", Margin(0.1))).findings[0]
    assert (finding.n_pairs, finding.n_left_out) == (len(asked), N - len(asked))


def test_the_floor_is_described_with_its_interval():
    """Raw, floor, excess and share of signal are those of the known chances."""
    verdict = judged(noised(drawn(changed=0.1)), AtMost("failure_rate", 0.5))

    (floor,) = verdict.noise_floor
    assert floor.floor == pytest.approx(0.095, abs=0.027)
    assert floor.raw == pytest.approx(0.095 + 0.1 * 0.9, abs=0.036)
    assert floor.excess == pytest.approx(floor.raw - floor.floor)
    assert floor.excess_low < floor.excess < floor.excess_high
    assert floor.p_swap < 1e-6
    assert floor.signal_share == pytest.approx((floor.raw - floor.floor) / (1 - floor.floor))
    assert (floor.n_pairs, floor.challenger_floor) == (N, None)


def test_the_quad_sees_what_the_triple_cannot():
    """A challenger that never varies: in truth 2 (0.2 - 0.16) = 0.08 by quads, -0.12 by triples."""
    found = drawn(fickle=0.2, other=0.0)

    (triple,) = floors(noised(found))
    (quad,) = floors(noised(found, quad=True))

    assert triple.excess == pytest.approx(-0.12, abs=0.04)
    assert quad.excess == pytest.approx(0.08, abs=0.03)
    assert quad.excess_low > 0
    assert (triple.challenger_floor, quad.challenger_floor) == (None, 0.0)


def test_equally_random_sides_have_no_quad_excess():
    """Its expectation is zero where both answer alike."""
    (quad,) = floors(noised(drawn(fickle=0.2, other=0.2), quad=True))

    assert quad.excess == pytest.approx(0.0, abs=0.04)


def test_a_repeat_beside_another_answer_is_not_its_own():
    """A champion asked again by a resumed run has the same request, at another latency."""
    found = drawn()
    elsewhere = found.champion.with_columns(pl.col("champion_latency_s") + 1)

    values = with_noise(found.values, ["label"], elsewhere)

    assert values.select("label.excess").collect()["label.excess"].null_count() == N


def test_no_repeats_hold():
    """A rule on excess has no data then; it cannot pass by silence."""
    found = drawn(rate=0.0)

    verdict = judged(noised(found), NotWorse("label.excess", Margin(0.03)))

    assert verdict.decision is Decision.HOLD
    assert verdict.noise_floor == ()


def test_no_difference_at_all_is_bounded_by_the_rule_of_three():
    """Deterministic twins pass, by as much as 3000 requests can show."""
    verdict = judged(noised(drawn(fickle=0.0, other=0.0)), NotWorse("label.excess", Margin(0.01)))

    (finding,) = verdict.findings
    assert finding.status is Status.PASS
    assert finding.harm_high == pytest.approx(2 * (1 - 0.05 ** (1 / N)))


def test_looks_at_any_time_get_no_interval_made_for_one():
    """The numbers stay, the bounds go."""
    values = noised(drawn())

    (floor,) = noise_floors(values, ["label"], confidence=None)

    assert (floor.excess_low, floor.excess_high) == (None, None)
    assert math.isfinite(floor.excess)


def floors(values):
    return noise_floors(values, ["label"], confidence=0.95)

"""Bins and quantile curves for the reader, of value tables with known truth."""

from dataclasses import replace

import polars as pl
import pytest

from harness.distributions import distributions, quantile_curves
from harness.gate.policy import NotWorse
from harness.measure import catalog
from harness.testing.pairs import Side, value_table
from tests.report import dossiers


def collected(table, *rules):
    one = replace(dossiers.collected(), values=table.lazy())
    if not rules:
        return one
    metrics = tuple(catalog.resolve(rule.metric, outputs={}, comparisons=()) for rule in rules)
    return replace(one, metrics=metrics)


def of(found, quantity):
    (one,) = [one for one in found if one.quantity == quantity]
    return one


def test_every_answer_is_in_a_bin_and_every_failure_in_none():
    """Whatever the law: counts of answered and failed exchanges make all rows."""
    table = value_table(3000, seed=5, challenger=Side(latency_s=0.2, failure_rate=0.1))

    seen = of(distributions(collected(table)), "latency_s")

    n_failed = int(table["challenger_failed"].sum())
    assert sum(seen.champion) + sum(seen.champion_failed.values()) == 3000
    assert sum(seen.challenger) == 3000 - n_failed
    assert seen.challenger_failed == {"http_error": n_failed}
    assert seen.timeouts == {"champion": 10.0, "challenger": 10.0}


@pytest.mark.parametrize(("spread", "is_logarithmic"), [(1.0, True), (0.0, False)])
def test_bins_have_equal_ratios_where_values_span_many(spread, is_logarithmic):
    """And the smallest and largest value are in the first and last of them."""
    latency = pl.Series([0.001 * 1.01 ** (spread * i) for i in range(1000)])
    table = value_table(
        1000, seed=1, champion=Side(failure_rate=0), challenger=Side(failure_rate=0)
    )
    table = table.with_columns(champion_latency_s=latency, challenger_latency_s=latency)

    seen = of(distributions(collected(table)), "latency_s")

    assert seen.is_logarithmic is is_logarithmic
    assert seen.champion == seen.challenger
    assert sum(seen.champion) == 1000
    if spread:
        assert seen.champion[0] > 0
        assert seen.champion[-1] > 0


def test_a_curve_says_how_much_slower_at_each_quantile():
    """Every request 10 ms slower: so are all quantiles, and the band holds that."""
    table = value_table(
        4000, seed=2, champion=Side(failure_rate=0), challenger=Side(failure_rate=0)
    )
    table = table.with_columns(challenger_latency_s=pl.col("champion_latency_s") + 0.01)

    curve = of(quantile_curves(collected(table)), "latency_s")

    assert {round(point.difference, 9) for point in curve.points} == {0.01}
    known = [point for point in curve.points if point.low is not None]
    assert len(known) > 10
    assert all(point.low <= 0.01 + 1e-12 and point.high >= 0.01 - 1e-12 for point in known)


def test_a_quantile_among_the_failures_has_no_number():
    """A tenth of the challenger's requests fails: from p90 on it answers never."""
    table = value_table(4000, seed=2, challenger=Side(failure_rate=0.1))

    points = {one.p: one for one in of(quantile_curves(collected(table)), "latency_s").points}

    assert points[0.5].difference is not None
    assert points[0.95].challenger is None
    assert points[0.95].difference is None
    assert points[0.95].champion is not None


def test_a_long_table_gives_a_curve_of_whole_clusters():
    """About as many rows as were allowed."""
    table = value_table(6000, seed=3)

    curve = of(quantile_curves(collected(table), most_rows=2000), "latency_s")

    assert 1000 < curve.n_pairs < 3000


def test_the_first_byte_is_drawn_where_a_rule_asks_for_it():
    """Of a short answer it says nothing that latency does not."""
    table = value_table(500, seed=3)

    usual = distributions(collected(table))
    asked = distributions(collected(table, NotWorse("first_byte_s.p50", None)))

    assert [one.quantity for one in usual] == ["latency_s", "cost_usd"]
    assert [one.quantity for one in asked] == ["latency_s", "first_byte_s", "cost_usd"]


def test_what_a_side_never_has_is_not_drawn():
    """No prices, no cost; no answer, no latency."""
    table = value_table(300, seed=3).with_columns(challenger_cost_usd=pl.lit(None, pl.Float64))

    found = collected(table)

    assert [one.quantity for one in distributions(found)] == ["latency_s"]
    assert [one.quantity for one in quantile_curves(found)] == ["latency_s"]

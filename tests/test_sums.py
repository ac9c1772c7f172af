"""Sums over a table say what its rows say, however it is cut and whatever order it is in."""

import dataclasses
import math

import numpy as np
import polars as pl
import pytest

from harness.measure.segments import partitions
from harness.metric import Better
from harness.stats.clusters import Clusters
from harness.stats.mean import (
    Moments,
    Weighing,
    harm_of_sums,
    judged_harm,
    judged_level,
    level_of_sums,
    mean_bound,
    mean_harm,
)
from harness.stats.proportion import judged_shares, proportion_harm
from harness.stats.quantile import judged_quantiles, quantile_harm
from harness.stats.quantile_bound import judged_quantile, quantile_bound
from harness.stats.question import Question
from harness.stats.rate import judged_rate, rate_bound
from harness.sums import Average, Need, Order, Share, Sums, Weighed, place_of

N_ROWS, N_CLUSTERS = 3_000, 200
RELATIVE = {"relative": True, "null": 0.1}
ABSOLUTE = {"relative": False, "null": 0.05}


def table(seed=5, *, n_rows=N_ROWS, missing=0.02):
    """Values of both sides: shares, costs, latencies with failures, in three regions."""
    rng = np.random.default_rng(seed)
    clusters = (rng.random(n_rows) ** 2 * N_CLUSTERS).astype(int)
    users = rng.gamma(4, 0.25, N_CLUSTERS)[clusters]
    latency_s = rng.lognormal(-2, 0.5, (2, n_rows)) * users
    latency_s[rng.random((2, n_rows)) < 0.01] = math.inf
    return pl.DataFrame(
        {
            "cluster_id": [f"user-{code}" for code in clusters],
            "segments": [{"region": region} for region in rng.choice(["eu", "us", None], n_rows)],
            "yes": rng.random(n_rows) < 0.9,
            "also_yes": rng.random(n_rows) < 0.88,
            "cost": maybe(rng.exponential(0.01, n_rows) * users, missing, rng),
            "other_cost": rng.exponential(0.0102, n_rows) * users,
            "latency": latency_s[0],
            "other_latency": maybe(latency_s[1] * 1.02, missing, rng),
        }
    )


def maybe(values, missing, rng):
    return [None if rng.random() < missing else float(value) for value in values]


SHARE = Need((pl.col("yes"), pl.col("also_yes")), Share())
EVENTS = Need((pl.col("also_yes"),), Share())
COST = Need((pl.col("cost"), pl.col("other_cost")), Average())
LEVEL = Need((pl.col("other_cost"),), Average())
P95 = Need((pl.col("latency"), pl.col("other_latency")), Order(0.95))
LIMIT = Need((pl.col("other_latency"),), Order(0.95, limit=0.5))
NEEDS = (SHARE, EVENTS, COST, LEVEL, P95, LIMIT)


def question(need, *, relative=False, null=0.05):
    return Question("metric", "unit", Better.LOWER, null, 0.95, relative)


def by_sums(frame, **how):
    """What each need is answered, in the whole and in each region."""
    parts = partitions(frame)
    sums = Sums(frame.lazy(), parts, NEEDS)
    asked = question(COST, **how)
    weighings = {}
    for part in sums.parts:
        for i, need in enumerate(NEEDS):
            if need is COST:
                weighings[Weighed(i, place_of(part))] = harm_of_sums(asked, sums.of_both(i, part))
            if need is LEVEL:
                weighings[Weighed(i, place_of(part))] = level_of_sums(
                    question(LEVEL), sums.of_one(i, part)
                )
    moments = sums.moments(
        {key: found for key, found in weighings.items() if isinstance(found, Weighing | float)}
    )
    found = {}
    for part in sums.parts:
        place = place_of(part)
        found[part.name] = [
            judged_shares(question(SHARE), sums.of_both(0, part)),
            judged_rate(question(EVENTS), sums.of_one(1, part)),
            judged_harm(
                asked,
                sums.of_both(2, part),
                weighings[Weighed(2, place)],
                moments[Weighed(2, place)],
            ),
            judged_level(
                question(LEVEL),
                sums.of_one(3, part),
                weighings[Weighed(3, place)],
                moments[Weighed(3, place)],
            ),
            judged_quantiles(question(P95, **how), sums.of_both(4, part)),
            judged_quantile(question(LIMIT, null=0.5), sums.of_one(5, part)),
        ]
    return found


def by_rows(frame, *, relative, null):
    """The same from arrays of all rows."""
    clusters = Clusters.of(
        frame["cluster_id"].cast(pl.Categorical).to_physical().to_numpy().astype(np.intp)
    )
    column = {
        name: frame[name].cast(pl.Float64).fill_null(math.nan).to_numpy()
        for name in ("yes", "also_yes", "cost", "other_cost", "latency", "other_latency")
    }
    told = {"better": Better.LOWER, "confidence": 0.95, "metric": "metric", "unit": "unit"}
    sized = {**told, "null": 0.05}
    return [
        proportion_harm(column["yes"], column["also_yes"], clusters, **sized),
        rate_bound(column["also_yes"], clusters, **sized),
        mean_harm(
            column["cost"], column["other_cost"], clusters, **told, null=null, relative=relative
        ),
        mean_bound(column["other_cost"], clusters, **sized),
        quantile_harm(
            column["latency"],
            column["other_latency"],
            clusters,
            **told,
            p=0.95,
            null=null,
            relative=relative,
        ),
        quantile_bound(column["other_latency"], clusters, **told, p=0.95, null=0.5),
    ]


def same(one, other):
    """Whether two answers agree: words and counts to the letter, numbers but for rounding."""
    left, right = dataclasses.asdict(one), dataclasses.asdict(other)
    for name, value in left.items():
        if isinstance(value, float):
            assert value == pytest.approx(right[name], rel=1e-11, abs=1e-14), name
        else:
            assert value == right[name], name
    return True


@pytest.mark.parametrize("how", [ABSOLUTE, RELATIVE], ids=["absolute", "relative"])
def test_sums_give_the_estimates_of_the_rows(how):
    """In the whole, and in every part of the traffic."""
    frame = table()
    region = pl.col("segments").struct.field("region")

    found = by_sums(frame, **how)

    assert list(found) == ["", "region=eu", "region=us"]
    for name, answers in found.items():
        rows = frame if not name else frame.filter(region == name.partition("=")[2])
        for answer, expected in zip(answers, by_rows(rows, **how), strict=True):
            assert same(answer, expected)


def test_no_order_and_no_cut_changes_an_estimate():
    """Counts are the same to the last bit, and sums but for rounding."""
    frame = table()
    shuffled = frame.sample(fraction=1, shuffle=True, seed=3)
    cut = pl.concat([shuffled[:700].lazy(), shuffled[700:701].lazy(), shuffled[701:].lazy()])

    expected = by_sums(frame, **RELATIVE)
    found = by_sums(cut.collect(), **RELATIVE)

    for name, answers in expected.items():
        assert all(map(same, answers, found[name]))


def test_independent_requests_are_their_own_clusters():
    """As many cells as rows, and still the same."""
    frame = table().with_columns(cluster_id=pl.int_range(pl.len()).cast(pl.String))

    found = by_sums(frame, **RELATIVE)[""]

    assert all(map(same, found, by_rows(frame, **RELATIVE)))


def test_an_infinite_cost_is_no_mean():
    """It is refused in words, and its sum never taken."""
    frame = table().with_columns(cost=pl.lit(math.inf))

    sums = Sums(frame.lazy(), partitions(frame), [COST])
    found = harm_of_sums(question(COST), sums.of_both(0, sums.parts[0]))

    assert "infinite" in found.reason


def test_a_segment_that_was_only_named_has_no_rows():
    """It is answered like any part with too little: in words."""
    frame = table()

    sums = Sums(frame.lazy(), partitions(frame, always=["country=fr"]), [SHARE, P95])
    (part,) = [part for part in sums.parts if part.name == "country=fr"]

    assert judged_shares(question(SHARE), sums.of_both(0, part)).n_pairs == 0
    assert "no pair" in judged_quantiles(question(P95), sums.of_both(1, part)).reason


def test_the_moments_are_those_of_the_influence():
    """Squares and cubes, as they come from the rows."""
    frame = table(missing=0)
    sums = Sums(frame.lazy(), (), [COST])
    part = sums.parts[0]
    harm = harm_of_sums(question(COST), sums.of_both(0, part))

    found = sums.moments({Weighed(0, place_of(part)): harm})[Weighed(0, place_of(part))]

    influence = harm.influence(frame["cost"].to_numpy(), frame["other_cost"].to_numpy())
    expected = Moments.of(influence)
    assert found.squares == pytest.approx(expected.squares, rel=1e-12)
    assert found.cubes == pytest.approx(expected.cubes, rel=1e-10)

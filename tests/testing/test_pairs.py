"""A generated value table has the truth it was asked for."""

import math

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from harness.testing.pairs import Population, Sharing, Side, value_table

N_PAIRS = 20_000


def off_by(share, expected, n_pairs=N_PAIRS):
    """How many standard errors a share is from what it should be."""
    return abs(share - expected) / math.sqrt(expected * (1 - expected) / n_pairs)


def test_a_seed_gives_the_same_table():
    """The table is a function of its arguments."""
    assert_frame_equal(value_table(100, seed=1), value_table(100, seed=1))
    assert not value_table(100, seed=1).equals(value_table(100, seed=2))


def test_sides_are_as_right_and_as_failing_as_told():
    """Accuracy counts failures as wrong; both rates are within five standard errors."""
    table = value_table(
        N_PAIRS,
        seed=1,
        champion=Side(accuracy=0.9, failure_rate=0.01),
        challenger=Side(accuracy=0.8, failure_rate=0.05),
        sharing=Sharing(cluster=0.0),
    )

    assert off_by(table["champion_failed"].mean(), 0.01) < 5
    assert off_by(table["champion_correct"].mean(), 0.9 * 0.99) < 5
    assert off_by(table["challenger_correct"].mean(), 0.8 * 0.95) < 5


def test_median_latency_is_as_told():
    """With 20 000 pairs and a spread of 0.4 the median is within 2 %."""
    table = value_table(
        N_PAIRS, seed=1, challenger=Side(latency_s=0.08), sharing=Sharing(cluster=0.0)
    )

    assert table["champion_latency_s"].median() == pytest.approx(0.05, rel=0.02)
    assert table["challenger_latency_s"].median() == pytest.approx(0.08, rel=0.02)


def test_what_is_shared_makes_pairs_alike():
    """Log latencies correlate by the share that request and cluster have of the variance."""
    table = value_table(N_PAIRS, seed=1, sharing=Sharing(request=0.6, cluster=0.0))

    logs = table.select(pl.col("champion_latency_s", "challenger_latency_s").log())

    assert logs.select(pl.corr(*logs.columns)).item() == pytest.approx(0.6, abs=0.03)


def test_labels_agree_with_what_is_right():
    """Two right answers agree; a failed side has no label and no agreement."""
    table = value_table(N_PAIRS, seed=1, challenger=Side(failure_rate=0.05))

    both_right = table.filter("champion_correct", "challenger_correct")
    failed = table.filter("challenger_failed")

    assert both_right["label.agree"].all()
    assert failed["label.agree"].null_count() == failed["challenger_label"].null_count()
    assert failed.height == failed["label.agree"].null_count() > 0
    assert set(failed["challenger_failure"]) == {"http_error"}


def test_a_talkative_user_has_the_share_told():
    """The first user makes the extra share of requests; the others divide the rest."""
    table = value_table(
        N_PAIRS, seed=1, population=Population(n_clusters=1000, talkative_share=0.3)
    )

    assert off_by((table["cluster_id"] == "u0").mean(), 0.3 + 0.7 / 1000) < 5


def test_a_cluster_keeps_its_segment():
    """Segments belong to the user; without any there is no column."""
    table = value_table(N_PAIRS, seed=1, population=Population(n_clusters=500))

    per_cluster = table.group_by("cluster_id").agg(pl.col("segments").n_unique())

    assert per_cluster["segments"].max() == 1
    assert "segments" not in value_table(10, seed=1, population=Population(segments={})).columns


def test_shares_are_of_one_variance():
    """More than all of it cannot be shared."""
    with pytest.raises(ValueError, match=r"request 0\.8 and cluster 0\.4"):
        Sharing(request=0.8, cluster=0.4)

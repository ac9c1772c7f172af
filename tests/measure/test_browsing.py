"""Which pairs are shown, in which order, and what there is to choose by."""

from datetime import timedelta

import polars as pl
import pytest

from harness.measure.browsing import Choice, Order, Outcome, Tally, browse, tally
from tests.measure.tables import NOON, values

COMPARISONS = ["label", "body"]
SAME = {"label.agree": True, "label.distance": 0.0, "body.agree": True, "body.distance": 0.0}


def differing(*paths, distance=1.0, **more):
    return {**SAME, "body.agree": False, "body.distance": distance, "body.paths": paths, **more}


TABLE = values(
    SAME,
    differing("$.a", distance=0.25, challenger_latency_s=0.3),
    differing("$.a[3]", "$.b", distance=3.0, champion_correct=False, challenger_correct=True),
    differing("$.ab", champion_correct=True, challenger_correct=False, challenger_latency_s=0.2),
    {"challenger_failed": True, "challenger_failure": "timeout"},
    {"champion_failed": True, "champion_failure": "http_error", "challenger_cost_usd": 0.2},
    {**SAME, "challenger_latency_s": 0.9, "champion_cost_usd": 0.1, "challenger_cost_usd": 0.4},
).with_columns(
    received_at=pl.Series([NOON + timedelta(seconds=s) for s in (1, 2, 6, 4, 5, 3, 7)]),
    segments=pl.Series(
        [{"source": one, "kind": None} for one in ("web", "web", "app", "web", None, "app", "web")],
        dtype=pl.Struct({"source": pl.String, "kind": pl.String}),
    ),
)  # fmt: skip


def ids(**choice):
    return browse(TABLE, COMPARISONS, Choice(**choice))["request_id"].to_list()


def test_pairs_that_disagree_are_listed_largest_first():
    """With where they differ, how they ended and whose part of the traffic they are."""
    found = browse(TABLE.lazy(), COMPARISONS, Choice(most=2))

    assert found.drop("size", "latency_s", "cost_usd").rows() == [
        ("r4", "challenger-failed", [], [], "", "failed: timeout"),
        ("r3", "challenger-wrong", ["body", "$.ab"], ["source=web"], "", ""),
    ]
    assert ids() == ["r4", "r3", "r2", "r1"]


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("body", ["r3", "r2", "r1"]),
        # a path and all below it, and no other that begins with the same letters
        ("$.a", ["r2", "r1"]),
        ("$.a[3]", ["r2"]),
        ("label", []),
    ],
)
def test_pairs_are_chosen_by_where_they_differ(field, expected):
    """A comparison's name or a path."""
    assert ids(field=field) == expected


def test_pairs_are_chosen_by_segment():
    """Those whose value is unknown are in none."""
    assert ids(segments={"source": "web"}) == ["r3", "r1"]
    assert ids(segments={"source": "web", "kind": "x"}) == []


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Outcome.CHALLENGER_FAILED, ["r4"]),
        # no disagreement, and still what was asked for
        (Outcome.CHAMPION_FAILED, ["r5"]),
        (Outcome.CHALLENGER_WRONG, ["r3"]),
        (Outcome.CHAMPION_WRONG, ["r2"]),
        (Outcome.BOTH_ANSWERED, ["r1"]),
        ("timeout", ["r4"]),
        ("http_error", ["r5"]),
        ("shed", []),
    ],
)
def test_pairs_are_chosen_by_outcome(outcome, expected):
    """How the pair ended, or how either side failed."""
    assert ids(outcome=outcome) == expected


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        # the innermost field by name, failures last
        (Order.FIELD, ["r1", "r3", "r2", "r4"]),
        # by name, unknown first
        (Order.SEGMENT, ["r4", "r2", "r3", "r1"]),
        (Order.TIME, ["r1", "r3", "r4", "r2"]),
        # of all pairs: slow ones need not disagree
        (Order.LATENCY, ["r6", "r1", "r3", "r0", "r2", "r4", "r5"]),
        (Order.COST, ["r6"]),
    ],
)
def test_pairs_are_put_in_order(order, expected):
    """Ties keep the order of the table."""
    assert ids(order=order) == expected


def test_what_there_is_to_choose_by_is_counted():
    """Of all pairs that fit, not only of those shown."""
    assert tally(TABLE, COMPARISONS, Choice(most=1)) == Tally(
        n_pairs=4,
        fields={"body": 3, "$.a": 1, "$.a[3]": 1, "$.ab": 1, "$.b": 1},
        segments={"source=web": 2, "source=app": 1},
        outcomes={
            "both-answered": 1,
            "challenger-failed": 1,
            "challenger-wrong": 1,
            "champion-wrong": 1,
        },
    )


def test_a_table_without_segments_and_comparisons_is_listed():
    """A config may have neither."""
    table = values({"challenger_failed": True, "challenger_failure": "shed"}, {})
    table = table.with_columns(received_at=NOON)

    assert browse(table, [], Choice())["segments"].to_list() == [[]]
    assert tally(table, [], Choice()).segments == {}

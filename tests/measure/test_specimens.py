from __future__ import annotations

import polars as pl

from harness.measure.specimens import disagreeing, failing, typical


def table(*rows):
    """Rows of: champion failed, challenger failed, label agrees, how far apart."""
    names = ("champion_failed", "challenger_failed", "label.agree", "label.distance")
    frame = pl.DataFrame(
        [dict(zip(names, row, strict=True)) for row in rows],
        schema={
            "champion_failed": pl.Boolean,
            "challenger_failed": pl.Boolean,
            "label.agree": pl.Boolean,
            "label.distance": pl.Float64,
        },
    )
    return frame.with_columns(
        request_id=pl.format("r{}", pl.int_range(pl.len())),
        champion_correct=pl.lit(None, pl.Boolean),
        challenger_correct=pl.lit(None, pl.Boolean),
    ).lazy()


SAME, FAILED = (False, False, True, 0.0), (False, True, None, None)


def differing(distance):
    return (False, False, False, distance)


def test_the_typical_pair_is_the_one_in_the_middle():
    """Of each way to differ the pair of median size, and how many it stands for."""
    values = table(SAME, differing(9.0), differing(0.1), differing(0.5), FAILED, SAME)

    assert typical(values, ["label"]) == {"r3": 3, "r4": 1}


def test_the_most_frequent_ways_come_first_and_the_rest_is_left_out():
    """As many as were asked for."""
    values = table(FAILED, FAILED, differing(1.0))

    assert typical(values, ["label"], most=1) == {"r0": 2}


def test_nothing_is_typical_of_agreement():
    """No pair differs, no pair stands for any."""
    assert typical(table(SAME, SAME), ["label"]) == {}
    assert typical(table(SAME), []) == {}


def test_shares_are_of_pairs_that_could_be_compared():
    """A failed side has nothing to compare."""
    values = table(SAME, differing(1.0), FAILED)

    assert disagreeing(values, ["label"]) == {"label": (1, 2)}
    assert disagreeing(values, []) == {}


def test_pairs_are_counted_by_who_failed():
    """What never happened is not named."""
    values = table(SAME, FAILED, FAILED, (True, True, None, None))

    assert failing(values) == {"both answered": 1, "challenger alone failed": 2, "both failed": 1}

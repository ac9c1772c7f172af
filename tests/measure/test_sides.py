"""What a statistic sees of each side."""

import math
import time

import numpy as np
import polars as pl
import pytest

from harness.measure.catalog import resolve
from harness.measure.sides import needed_columns, pair_values, sides
from harness.measure.spec import NumericOutput
from harness.metric import Better
from tests.measure.tables import values

NAN = math.nan
TIMED_OUT = {"challenger_failed": True, "challenger_failure": "timeout"}


def metric(name, limit=None, worst=0.0):
    outputs = {"score": NumericOutput(lambda value: value, Better.HIGHER, worst)}
    return resolve(name, limit=limit, outputs=outputs, comparisons=("label", "body"))


def seen(name, *rows, limit=None, worst=0.0):
    champion, challenger = sides(metric(name, limit, worst), values(*rows))
    assert champion.dtype == challenger.dtype == np.float64
    return list(zip(champion.tolist(), challenger.tolist(), strict=True))


@pytest.mark.parametrize(
    ("name", "row", "expected"),
    [
        # answered
        ("latency_s.mean", {"challenger_latency_s": 0.3}, (0.1, 0.3)),
        # a failure counts as the smaller of the two timeouts, however fast it failed
        (
            "latency_s.mean",
            {**TIMED_OUT, "challenger_latency_s": 0.001, "challenger_timeout_s": 0.5},
            (0.1, 0.5),
        ),
        (
            "latency_s.mean",
            {"champion_failed": True, "challenger_timeout_s": 0.5},
            (0.5, 0.1),
        ),
        # a recorded champion has no timeout of ours
        ("latency_s.mean", {**TIMED_OUT, "champion_timeout_s": None}, (0.1, 2.0)),
        ("latency_s.p95", TIMED_OUT, (0.1, math.inf)),
        ("first_byte_s.p50", TIMED_OUT, (0.05, math.inf)),
        ("cost_usd.mean", {**TIMED_OUT, "challenger_cost_usd": 0.5}, (NAN, 0.5)),
        ("input_tokens.mean", {"champion_input_tokens": 12}, (12, NAN)),
        ("failure_rate", TIMED_OUT, (0, 1)),
        ("failure_rate.timeout", TIMED_OUT, (0, 1)),
        ("failure_rate.shed", TIMED_OUT, (0, 0)),
        ("accuracy", {"champion_correct": True, "challenger_correct": False}, (1, 0)),
        ("accuracy", {}, (NAN, NAN)),
        ("output.score", {"champion_output.score": 0.7}, (0.7, NAN)),
        ("output.score", {**TIMED_OUT, "champion_output.score": 0.7}, (0.7, 0.0)),
    ],
)
def test_a_failure_counts_as_the_worst_and_missing_stays_missing(name, row, expected):
    """Intention to treat, by metric; what is not known is NaN, never zero."""
    ((champion, challenger),) = seen(name, row)

    assert (champion, challenger) == pytest.approx(expected, nan_ok=True)


def test_exceedance_is_above_the_limit_or_failed():
    """Exactly the limit is not above it; an unknown latency is unknown."""
    rows = [
        {"champion_latency_s": 0.3, "challenger_latency_s": 0.31},
        {**TIMED_OUT, "champion_latency_s": None},
        {"champion_failed": True, "champion_latency_s": None},
    ]

    assert seen("latency_s.exceedance", *rows, limit=0.3) == [
        (0.0, 1.0),
        (pytest.approx(NAN, nan_ok=True), 1.0),
        (1.0, 0.0),
    ]


def test_a_score_without_a_worst_value_is_missing_on_failure():
    """Nothing is made up; the pair is left out and counted."""
    ((champion, challenger),) = seen(
        "output.score.p50", {**TIMED_OUT, "champion_output.score": 0.7}, worst=None
    )

    assert champion == 0.7
    assert math.isnan(challenger)


def test_pair_metrics_have_one_value():
    """More is worse, and a pair of which a side failed has none."""
    table = values(
        {"label.agree": True, "body.distance": 0.0},
        {"label.agree": False, "body.distance": 0.5},
        TIMED_OUT,
    )

    disagree = pair_values(metric("label.disagreement_rate"), table)
    distance = pair_values(metric("body.mean"), table.lazy())

    assert disagree.tolist() == pytest.approx([0, 1, NAN], nan_ok=True)
    assert distance.tolist() == pytest.approx([0, 0.5, NAN], nan_ok=True)


@pytest.mark.parametrize(
    ("champion", "challenger", "flip"),
    [(True, False, 1), (True, True, 0), (False, False, 0), (False, True, 0), (None, None, NAN)],
)
def test_a_negative_flip_is_a_right_answer_turned_wrong(champion, challenger, flip):
    """Without truth there is no flip to know of."""
    table = values({"champion_correct": champion, "challenger_correct": challenger})

    assert pair_values(metric("negative_flip_rate"), table).tolist() == pytest.approx(
        [flip], nan_ok=True
    )


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        (
            "latency_s.mean",
            [
                "challenger_failed",
                "challenger_latency_s",
                "challenger_timeout_s",
                "champion_failed",
                "champion_latency_s",
                "champion_timeout_s",
            ],
        ),
        ("cost_usd.mean", ["challenger_cost_usd", "champion_cost_usd"]),
        ("label.disagreement_rate", ["label.agree"]),
        ("negative_flip_rate", ["challenger_correct", "champion_correct"]),
        ("failure_rate.timeout", ["challenger_failure", "champion_failure"]),
    ],
)
def test_only_the_needed_columns_are_read(name, columns):
    """A gate reads few columns of a wide table."""
    assert needed_columns(metric(name)) == columns


def test_asking_for_the_wrong_shape_is_refused():
    """A metric of pairs has no sides, and the other way round."""
    with pytest.raises(ValueError, match="has one value for the pair"):
        sides(metric("label.disagreement_rate"), values({}))
    with pytest.raises(ValueError, match="has a value on each side"):
        pair_values(metric("accuracy"), values({}))


@pytest.mark.slow
def test_ten_million_rows_take_a_fraction_of_a_second():
    """Vectorised: well under the time of any loop over rows."""
    rng = np.random.default_rng(1)
    n = 10_000_000
    table = pl.DataFrame(
        {
            f"{side}_{name}": column
            for side in ("champion", "challenger")
            for name, column in {
                "failed": rng.random(n) < 0.01,
                "latency_s": rng.random(n),
                "timeout_s": np.full(n, 2.0),
            }.items()
        }
    )

    started = time.perf_counter()
    sides(metric("latency_s.mean"), table)

    assert time.perf_counter() - started < 3.0  # 0.2 s on two idle cores

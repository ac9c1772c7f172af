"""What is told of judges."""

import numpy as np
import polars as pl
import pytest

from harness.preference import judge_reports


def table(**columns):
    n = len(next(iter(columns.values())))
    named = {name.replace("__", "."): values for name, values in columns.items()}
    return pl.LazyFrame({"cluster_id": [f"u{i}" for i in range(n)], **named})


def judged(preference, slot, name="judge"):
    return {
        f"{name}__preference": pl.Series(preference, dtype=pl.Float64),
        f"{name}__first_slot": pl.Series(slot, dtype=pl.Float64),
        f"{name}__same": [
            one is None and other == 0 for one, other in zip(slot, preference, strict=True)
        ],
    }


def test_missing_ties_and_the_same_text_are_told_apart():
    """Three preferences, one tie of the same text, one pair without an answer."""
    values = table(**judged([1.0, -1.0, 0.5, 0.0, None], [0.0, 0.0, 0.5, None, None]))

    (found,) = judge_reports(values, ["judge"], confidence=0.95)

    assert (found.n_judged, found.n_missing, found.n_same) == (4, 1, 1)
    assert (found.n_better, found.n_worse) == (2, 1)
    assert found.preference == 0.125
    assert found.consistency == pytest.approx(2 / 3)


def test_a_bias_is_estimated_with_its_interval():
    """Of 400 pairs a judge prefers the first place in a tenth: 0.1, and surely above 0."""
    slot = np.zeros(400)
    slot[::10] = 1.0

    (found,) = judge_reports(table(**judged(np.zeros(400), slot)), ["judge"], confidence=0.95)

    assert found.position_bias == pytest.approx(0.1)
    # By hand: 0.1 -+ 1.649 x sqrt(0.09 / 399)
    assert found.bias_low == pytest.approx(0.0752, abs=2e-4)
    assert found.bias_high == pytest.approx(0.1248, abs=2e-4)


def test_a_second_judge_is_held_against_the_first():
    """Kappa by hand: they agree on 8 of 10, 5 and 5 against 5 and 5: (0.8 - 0.5) / 0.5."""
    one = [1.0] * 5 + [-1.0] * 5
    other = [1.0] * 4 + [-1.0] * 5 + [1.0]
    zeros = [0.0] * 10

    first, second = judge_reports(
        table(**judged(one, zeros), **judged(other, zeros, "other")),
        ["judge", "other"],
        confidence=0.95,
    )

    assert first.agreement is None
    assert second.agreement == pytest.approx(0.6)


def test_judges_that_always_say_the_same_agree_by_chance_alone():
    """Kappa has no meaning there, and is not made up."""
    same = judged([1.0] * 5, [0.0] * 5)

    _, second = judge_reports(
        table(**same, **judged([1.0] * 5, [0.0] * 5, "other")), ["judge", "other"], confidence=0.95
    )

    assert second.agreement is None


def test_a_judge_that_was_not_asked_has_no_report():
    """Its rules say what to do."""
    assert judge_reports(table(request_id=["a"]), ["judge"], confidence=0.95) == ()

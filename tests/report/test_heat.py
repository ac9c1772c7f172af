from __future__ import annotations

from dataclasses import replace

import pytest

from harness.report.heat import MOST_ROWS, heat_table
from harness.verdict import SegmentEstimate, Status
from tests.report.samples import SAMPLES

(PROMOTED,) = SAMPLES["promote"].challengers
RULE = PROMOTED.findings[0]  # not_worse failure_rate, margin 2 pp, passes


def part(name, harm):
    return SegmentEstimate(
        name, RULE.metric, RULE.unit, 0.01, 0.01 + harm, harm, harm - 0.01, harm + 0.01, 90, 60
    )


@pytest.mark.parametrize(
    ("harm", "heat"), [(-0.01, 0), (0.004, 1), (0.009, 2), (0.015, 3), (0.03, 4), (0.05, 5)]
)
def test_heat_counts_margins(harm, heat):
    """None without harm, warmest beyond twice the margin."""
    table = heat_table([part("source=web", harm)], [RULE])

    assert table.rows[0].cells[0].heat == heat


@pytest.mark.parametrize(
    ("whole", "flag"), [(Status.PASS, "masked harm"), (Status.INCONCLUSIVE, "harm")]
)
def test_harm_in_a_part_is_masked_where_the_whole_passes(whole, flag):
    """Where the whole is open, nothing hides it."""
    findings = [
        replace(RULE, status=whole),
        replace(RULE, segment="source=web", status=Status.FAIL),
        replace(RULE, segment="source=app", status=Status.PASS),
    ]

    table = heat_table([part("source=web", 0.05), part("source=app", 0.0)], findings)

    assert [row.cells[0].flag for row in table.rows] == [flag, ""]


def test_more_parts_than_a_page_holds_are_counted():
    """And those that come first are shown."""
    table = heat_table([part(f"user={i}", 0.0) for i in range(MOST_ROWS + 7)], [RULE])

    assert len(table.rows) == MOST_ROWS
    assert table.n_left_out == 7


def test_what_could_not_be_estimated_is_a_dash():
    """No heat, no squares."""
    lacking = replace(part("source=web", 0.0), harm=None, harm_low=None, harm_high=None)

    (row,) = heat_table([lacking], [RULE]).rows

    assert (row.cells[0].said, row.cells[0].heat) == ("–", None)

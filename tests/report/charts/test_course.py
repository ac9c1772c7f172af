from __future__ import annotations

import math
import re
from xml.etree import ElementTree

import pytest

from harness.report.charts.course import CoursePoint, course
from tests.report.hostile import ATTACK


def points(*harms, margin=3.0, status="pass"):
    return [
        CoursePoint(f"06-{i + 1:02d} 12:00", status, harm, harm - 1, harm + 1, margin)
        for i, harm in enumerate(harms)
    ]


def drawn(*given, width=860, title="t"):
    return course(list(given), unit="s", relative=False, width=width, title=title)


def kinds(svg, kind):
    return [one for one in ElementTree.fromstring(svg).iter() if one.get("class") == kind]


def test_every_run_has_its_interval_and_its_sign():
    """One line with two ends, and a mark; margins stand where each run had them."""
    svg = drawn(*points(1.0, 2.0), *points(2.0, margin=5.0, status="fail"))

    assert len(kinds(svg, "interval pass")) == 6
    assert len(kinds(svg, "mark pass")) == 2
    assert len(kinds(svg, "mark fail")) == 1
    heights = {re.search(r"M\S+ (\S+?)L", one.get("d"))[1] for one in kinds(svg, "margin")}
    assert len(heights) == 2


def test_a_run_without_an_estimate_leaves_a_gap_that_is_seen():
    """No data is no zero."""
    nothing = CoursePoint("06-03 12:00", "no_data", None, None, None, 3.0)

    svg = drawn(*points(1.0, 2.0), nothing)

    assert len(kinds(svg, "mark pass")) == 2
    assert "–" in svg


def test_dates_have_room():
    """Of sixty runs not every one has its date; the last one does."""
    svg = drawn(*points(*[1.0] * 31), width=340)

    dates = [
        one.text for one in ElementTree.fromstring(svg).iter() if (one.text or "")[:3] == "06-"
    ]
    assert dates[-1] == "06-31 12:00"
    assert len(dates) <= 4


@pytest.mark.parametrize(
    "given",
    [
        [],
        [CoursePoint("", "no_data", None, None, None, None)],
        [CoursePoint("", "pass", 0.0, 0.0, 0.0, 0.0)],
        [CoursePoint("", "fail", 1.0, -math.inf, math.inf, 0.5)],
        [CoursePoint(ATTACK, "pass", 1.0, 0.0, 2.0, 0.5)],
    ],
)
def test_whatever_was_found_can_be_drawn(given):
    """Nothing, infinite bounds, hostile names: one well-formed drawing."""
    svg = drawn(*given, title=ATTACK)

    ElementTree.fromstring(svg)
    assert "nan" not in svg
    assert "inf" not in svg
    assert "<script" not in svg

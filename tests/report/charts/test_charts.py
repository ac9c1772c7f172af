from __future__ import annotations

import math
import re
from xml.etree import ElementTree

import pytest

from harness.report.charts.axis import Axis, round_numbers, round_ratios
from harness.report.charts.closing import closing
from harness.report.charts.fields import disagreement
from harness.report.charts.flow import Stage, flow
from harness.report.charts.forest import ForestRow, forest
from harness.report.charts.overlaid import overlaid
from harness.report.charts.quantiles import quantile_difference
from harness.report.material import (
    Distribution,
    Field,
    History,
    Look,
    QuantileCurve,
    QuantilePoint,
)

WIDTHS = [340, 860]
SVG = "{http://www.w3.org/2000/svg}"


def row(**changes):
    usual = {
        "rule": "not_worse latency_s.p95",
        "status": "pass",
        "word": "pass",
        "said": "+1 ms [0, +2]",
        "wanted": "< 3 ms",
        "middle": 0.001,
        "low": 0.0,
        "high": 0.002,
        "margin": 0.003,
    }
    return ForestRow(**usual | changes)


def ends(drawing):
    """Where the interval of a forest with one row begins and ends, and where its margin is."""
    (bar,) = re.findall(r'd="M([\d.]+) ([\d.]+)L([\d.]+) \2" class="interval', drawing)
    (margin,) = re.findall(r'd="M([\d.]+) [\d.]+L\1 [\d.]+" class="margin"', drawing)
    return float(bar[0]), float(bar[2]), float(margin)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    ("low", "high", "side"), [(0.0, 0.0029, "left"), (0.0031, 9.0, "right"), (-50, 0.004, "across")]
)
def test_an_interval_stands_on_the_side_of_the_margin_where_it_is(width, low, high, side):
    """However large or close, on whatever scale."""
    start, end, margin = ends(forest([row(low=low, high=high, middle=high)], width=width))

    assert start < end
    assert {"left": end < margin, "right": start > margin, "across": start < margin < end}[side]


def test_statuses_have_shapes_and_words_of_their_own():
    """A disc, a square, a ring, a dash; colour only repeats them."""
    drawings = [forest([row(status=s, word=s)], width=860) for s in ("pass", "fail", "no_data")]

    assert "<circle" in drawings[0]
    assert 'class="mark fail"' in drawings[1]
    assert "<circle" not in drawings[1] + drawings[2]
    assert ">fail</text>" in drawings[1]


def test_an_open_bound_is_an_arrow_and_no_estimate_is_said():
    """Infinity has no place on a scale."""
    endless = forest([row(low=-math.inf, high=0.004)], width=860)
    nothing = forest([row(middle=None, low=None, high=None)], width=860)

    assert len(re.findall(r'd="M[^"]+L[^"]+L[^"]+" class="interval', endless)) == 1
    assert "no interval" in nothing
    assert "inf" not in endless


@pytest.mark.parametrize("width", WIDTHS)
def test_every_drawing_is_xml_with_a_name_and_no_colour(width):
    """Hostile names included; the page gives the colours, by class."""
    attack = '"><script>alert(1)</script>\u202e\x1b[31m'
    seen = Distribution(
        "latency_s", "s", (0.01, 0.1, 1.0), (5, 1), (3, 2), {}, {attack: 4}, {"champion": 0.5}, True
    )
    points = tuple(QuantilePoint(p, 1.0, 1.1, 0.1, 0.05, 0.2) for p in (0.5, 0.9, 0.99))
    looks = tuple(Look(n, 0.1, -9.0 / n, 9.0 / n, 2.0) for n in (50, 100, 900))
    history = History(attack, "fraction", 0.02, False, looks)
    drawings = [
        forest([row(rule=attack)], width=width),
        overlaid(seen, width=width, title=attack),
        quantile_difference(
            QuantileCurve("x", "usd", points, 0.95, 9), width=width, title=attack, upwards="dearer"
        ),
        flow([Stage(attack, 10, [(attack, 4)]), Stage("paired", 6)], width=width),
        disagreement([Field(attack, 3, 0.3, 0.1)], width=width),
        closing(history, width=width, status="pass", is_level=False),
    ]

    for drawing in drawings:
        root = ElementTree.fromstring(drawing)
        assert root.get("aria-label")
        assert not list(root.iter(f"{SVG}script"))
        assert not re.search(r' (fill|stroke|style)="', drawing)
        assert "\x1b" not in drawing
        assert "nan" not in drawing


def test_a_failed_answer_has_a_bar_and_no_place_on_the_axis():
    """A fifth of the challenger's requests timed out: a bar of a fifth, and the share in words."""
    seen = Distribution(
        "latency_s",
        "s",
        (0.0, 1.0, 2.0),
        (50, 50),
        (40, 40),
        {},
        {"timeout": 20},
        {"champion": 1.5},
    )

    drawing = overlaid(seen, width=860, title="t")

    assert ">20.0 %<" in drawing
    assert ">timeout 1.5 s<" in drawing


def test_the_stages_of_a_flow_add_up():
    """Each loss begins where the next stage ends, and one of a million is still seen."""
    drawing = flow(
        [Stage("received", 1_000_000, [("lost", 1)]), Stage("paired", 999_999)], width=860
    )

    (lost,) = re.findall(r'width="([\d.]+)"[^/]*class="lost"', drawing)
    assert float(lost) == 2.0


def test_too_little_to_draw_is_no_drawing():
    """One look, one quantile: no line."""
    history = History("r", "s", 0.0, False, (Look(50, 0.1, 0.0, 0.2, 1.0),))
    curve = QuantileCurve("x", "s", (QuantilePoint(0.5, 1.0, 1.0, 0.0),), 0.95, 9)

    assert closing(history, width=340, status="pass", is_level=False) == ""
    assert quantile_difference(curve, width=340, title="t", upwards="slower") == ""


@pytest.mark.parametrize(
    ("low", "high"), [(0, 1), (-3e-6, 9e-6), (5, 5), (-1e9, 2e9), (0.0103, 0.0104)]
)
def test_round_numbers_are_few_rising_and_inside(low, high):
    """At most seven; of no extent, the number itself."""
    found = round_numbers(low, high)

    assert 1 <= len(found) <= 7
    assert found == sorted(set(found))
    assert all(low - 1e-9 <= value <= high + 1e-9 for value in found)


@pytest.mark.parametrize(("low", "high"), [(0.001, 12.0), (1e-6, 1e6), (0.9, 1.1)])
def test_round_ratios_are_few(low, high):
    """Powers of ten and what is between them, as many as fit."""
    assert len(round_ratios(low, high, most=6)) <= 6


def test_what_is_beyond_an_axis_lies_at_its_edge():
    """Nothing is drawn outside."""
    axis = Axis(1.0, 100.0, 0.0, 200.0, is_logarithmic=True)

    assert [axis(value) for value in (0.1, 1.0, 10.0, 100.0, math.inf)] == [0, 0, 100, 200, 200]

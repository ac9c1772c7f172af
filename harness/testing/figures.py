"""Draws the pictures of `docs/statistics`: `python -m harness.testing.figures [DIRECTORY]`.

Every interval in them is computed by `harness.stats` from simulated values with a fixed seed; only
the five of the margins are made up, to show the five ways to lie. A test keeps the files in step.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from harness.metric import Better
from harness.report.charts.axis import round_numbers
from harness.stats.clusters import Clusters
from harness.stats.mean import mean_harm
from harness.stats.proportion import proportion_harm
from harness.stats.quantile import quantile_harm
from harness.verdict import Estimate, Unavailable

Floats = NDArray[np.float64]

PASS, FAIL, OPEN, INK, FAINT = "#1a7f37", "#cf222e", "#9a6700", "#1f2328", "#8c959f"

_WIDTH, _LEFT, _RIGHT, _TOP, _ROW = 720, 250, 130, 46, 34
_CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Bar:
    """One interval of a chart, in the unit of its axis; no ends where only a value is known."""

    label: str
    middle: float
    low: float | None
    high: float | None
    note: str
    colour: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Intervals below each other.

    Attributes:
        marks: Vertical lines with their names: the margin, the truth.
    """

    title: str
    axis: str
    bars: tuple[Bar, ...]
    marks: tuple[tuple[float, str], ...]


def charts() -> dict[str, Chart]:
    """All pictures by file name."""
    return {
        "pairs.svg": _pairs(),
        "clusters.svg": _clusters(),
        "margins.svg": _margins(),
        "inconclusive.svg": _inconclusive(),
        "failures.svg": _failures(),
    }


def svg(chart: Chart) -> str:
    """A chart as a picture."""
    height = _TOP + _ROW * len(chart.bars) + 56
    body = "\n".join(_elements(chart, height))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        f'width="{_WIDTH}" height="{height}" role="img" font-family="sans-serif" font-size="13">\n'
        f"<title>{escape(chart.title)}</title>\n"
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>\n{body}\n</svg>\n'
    )


def _elements(chart: Chart, height: int) -> Iterator[str]:
    low, high = _range(chart)
    bottom = _TOP + _ROW * len(chart.bars)

    def x(value: float) -> float:
        share = (value - low) / (high - low)
        return round(_LEFT + share * (_WIDTH - _LEFT - _RIGHT), 1)

    yield _text(12, 22, chart.title, weight="bold")
    for value, name in chart.marks:
        yield _line(x(value), _TOP - 8, x(value), bottom, FAINT, dash="4 3")
        yield _text(x(value), bottom + 32, name, anchor="middle", colour=FAINT)
    yield _line(_LEFT, bottom, _WIDTH - _RIGHT, bottom, INK)
    for tick in round_numbers(low, high):
        yield _line(x(tick), bottom, x(tick), bottom + 4, INK)
        yield _text(x(tick), bottom + 17, f"{tick:g}".replace("-", "−"), anchor="middle")
    yield _text(_WIDTH - _RIGHT + 8, bottom + 17, chart.axis)
    for position, bar in enumerate(chart.bars):
        y = _TOP + _ROW * position + _ROW / 2
        yield _text(_LEFT - 14, y + 4, bar.label, anchor="end")
        if bar.low is not None and bar.high is not None:
            yield _line(x(bar.low), y, x(bar.high), y, bar.colour, width=3)
            for end in (bar.low, bar.high):
                yield _line(x(end), y - 6, x(end), y + 6, bar.colour, width=2)
        yield f'<circle cx="{x(bar.middle)}" cy="{y}" r="5" fill="{bar.colour}"/>'
        yield _text(_WIDTH - _RIGHT + 8, y + 4, bar.note, colour=bar.colour)


def _range(chart: Chart) -> tuple[float, float]:
    shown = [value for value, _ in chart.marks]
    for bar in chart.bars:
        shown += [value for value in (bar.low, bar.middle, bar.high) if value is not None]
    room = 0.08 * (max(shown) - min(shown))
    return min(shown) - room, max(shown) + room


def _text(
    x: float,
    y: float,
    text: str,
    *,
    anchor: str = "start",
    colour: str = INK,
    weight: str = "normal",
) -> str:
    return (
        f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="{colour}" '
        f'font-weight="{weight}">{escape(text)}</text>'
    )


def _line(
    x1: float, y1: float, x2: float, y2: float, colour: str, *, width: int = 1, dash: str = "0"
) -> str:
    return (
        f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{colour}" '
        f'stroke-width="{width}" stroke-dasharray="{dash}"/>'
    )


def _bar(label: str, found: Estimate | Unavailable, note: str, colour: str, scale: float) -> Bar:
    assert isinstance(found, Estimate)
    return Bar(
        label, scale * found.harm, scale * found.harm_low, scale * found.harm_high, note, colour
    )


def _judged(label: str, found: Estimate | Unavailable, scale: float) -> Bar:
    """A bar that says what a guardrail would."""
    assert isinstance(found, Estimate)
    if found.harm_high < found.null:
        return _bar(label, found, "pass", PASS, scale)
    if found.harm_low > found.null:
        return _bar(label, found, "fail", FAIL, scale)
    return _bar(label, found, "open", OPEN, scale)


def _mean(champion: Floats, challenger: Floats, clusters: Clusters, null: float) -> Estimate:
    found = mean_harm(
        champion,
        challenger,
        clusters,
        better=Better.LOWER,
        null=null,
        confidence=_CONFIDENCE,
        metric="latency_s.mean",
        unit="s",
        bounded=True,
    )
    assert isinstance(found, Estimate)
    return found


def _pairs() -> Chart:
    """The same 200 requests, with and without knowing which answer belongs to which."""
    dice, n, margin = np.random.default_rng(4), 200, 3.0
    request = 40 * np.exp(0.5 * dice.standard_normal(n))
    champion = request + dice.normal(0, 4, n)
    challenger = request + 1 + dice.normal(0, 4, n)
    paired = _mean(champion, challenger, Clusters.independent(n), margin)
    spread = math.sqrt((champion.var(ddof=1) + challenger.var(ddof=1)) / n)
    reach = float(stats.t.ppf(_CONFIDENCE, 2 * n - 2)) * spread
    separate = replace(paired, harm_low=paired.harm - reach, harm_high=paired.harm + reach)
    return Chart(
        "A challenger 1 ms slower, 200 requests",
        "ms slower",
        (
            _judged("two separate samples", separate, 1.0),
            _judged("the same requests, in pairs", paired, 1.0),
        ),
        ((0.0, "no harm"), (margin, "margin")),
    )


def _clusters() -> Chart:
    """30 users of 40 requests each, alike within."""
    dice, n_users, each, margin = np.random.default_rng(8), 30, 40, 2.0
    users = np.repeat(np.arange(n_users), each)
    champion = dice.normal(50, 5, users.size)
    change = 2.0 + dice.normal(0, 6, n_users)[users] + dice.normal(0, 6, users.size)
    challenger = champion + change
    alone = _mean(champion, challenger, Clusters.independent(users.size), margin)
    together = _mean(champion, challenger, Clusters.of(users), margin)
    return Chart(
        "A harm exactly at the margin, 1,200 requests of 30 users",
        "ms slower",
        (
            _judged("requests as independent", alone, 1.0),
            _judged("users as the units", together, 1.0),
        ),
        ((margin, "margin and truth"),),
    )


def _margins() -> Chart:
    def bar(label: str, low: float, high: float, note: str, colour: str) -> Bar:
        return Bar(label, (low + high) / 2, low, high, note, colour)

    return Chart(
        "not_worse, margin 10 %: the whole interval decides",
        "% harm",
        (
            bar("surely better", -9, -3, "pass", PASS),
            bar("no difference to speak of", -3, 4, "pass", PASS),
            bar("surely worse, by little", 2, 8, "pass", PASS),
            bar("too few pairs to tell", -6, 16, "open", OPEN),
            bar("surely worse than accepted", 12, 20, "fail", FAIL),
        ),
        ((0.0, "no harm"), (10.0, "margin")),
    )


def _inconclusive() -> Chart:
    """Equally good in truth, five percent of the pairs differ; more and more of them."""
    dice, margin = np.random.default_rng(1), 0.01
    luck = dice.random(8000)
    champion = np.where(luck < 0.025, 0.0, 1.0)
    challenger = np.where((luck >= 0.025) & (luck < 0.05), 0.0, 1.0)

    def after(n: int) -> Bar:
        found = proportion_harm(
            champion[:n],
            challenger[:n],
            Clusters.independent(n),
            better=Better.HIGHER,
            null=margin,
            confidence=_CONFIDENCE,
            metric="accuracy",
            unit="fraction",
        )
        return _judged(f"{n:,} pairs", found, 100.0)

    return Chart(
        "Equally accurate in truth; margin 1 percentage point",
        "pp worse",
        tuple(after(n) for n in (250, 500, 1000, 2000, 4000, 8000)),
        ((0.0, "truth"), (100 * margin, "margin")),
    )


def _failures() -> Chart:
    """A challenger that times out on the slowest 6 %, and is otherwise as fast."""
    dice, n = np.random.default_rng(5), 4000
    champion = 60 * np.exp(0.5 * dice.standard_normal(n))
    drawn = champion * np.exp(0.1 * dice.standard_normal(n))
    failed = champion > np.quantile(champion, 0.94)

    dropped = _against(champion, drawn[~failed])
    counted = quantile_harm(
        champion,
        np.where(failed, np.inf, drawn),
        Clusters.independent(n),
        p=0.9,
        better=Better.LOWER,
        null=0.0,
        confidence=_CONFIDENCE,
        metric="latency_s.p90",
        unit="s",
        relative=True,
    )
    return Chart(
        "Times out on the slowest 6 % of requests: its p90",
        "% slower",
        (dropped, _bar("failures as the slowest", counted, "all requests", INK, 100.0)),
        ((0.0, "no harm"),),
    )


def _against(champion: Floats, answered: Floats) -> Bar:
    """What a dashboard shows: all of one side beside what the other side answered."""
    change = 100 * (float(np.quantile(answered, 0.9) / np.quantile(champion, 0.9)) - 1)
    return Bar("failures left out", change, None, None, "looks faster", FAIL)


def main(directory: Path) -> None:
    """Write every picture."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, chart in charts().items():
        (directory / name).write_text(svg(chart), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/statistics/figures"))

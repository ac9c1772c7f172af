"""Several runs of a config as one page: each rule's harm from run to run. Needs nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from harness.report import numbers
from harness.report.charts.course import CoursePoint, course
from harness.report.figure import NARROW, WIDE, Figure
from harness.report.methods import METHODS
from harness.report.rule_row import RuleRow, harm_heading, row_of
from harness.report.standings import (
    Sides,
    Standing,
    challengers_in,
    finding_of,
    notes_on,
    rules_in,
    sides_of,
)
from harness.report.templates import hash_of, templates
from harness.verdict import Finding, Status

MOST_BYTES = 1_000_000
MOST_CHALLENGERS = 12
MOST_RULES = 40
MOST_CONFIGS = 60
_RUNS = (60, 30, 15, 8, 4, 2)
"""How many of the last runs are tried, until the page is small enough. More than the first number
of bars cannot be told apart."""


@dataclass(frozen=True, slots=True)
class _Line:
    """One run's line in a table."""

    number: int
    standing: Standing
    sides: Sides
    row: RuleRow | None


@dataclass(frozen=True, slots=True)
class _Rule:
    """One rule of one challenger over all runs."""

    rule: str
    figure: Figure
    harm_heading: str
    lines: tuple[_Line, ...]


@dataclass(frozen=True, slots=True)
class _Chapter:
    """One challenger; the last run stands for what is to be done now."""

    anchor: str
    name: str
    latest: Standing
    lines: tuple[_Line, ...]
    rules: tuple[_Rule, ...]


def as_page(standings: Sequence[Standing]) -> str:
    """The whole page; runs in the order given, the last ones where there are many."""
    page = ""
    for most_runs in _RUNS:
        page = _page(standings, most_runs)
        if len(page.encode()) < MOST_BYTES:
            break
    return page


def _page(standings: Sequence[Standing], most_runs: int) -> str:
    names = challengers_in(standings)
    configs = dict.fromkeys((one.config, one.config_digest) for one in standings)
    environment, style, script = templates()
    return (
        environment.get_template("trend.jinja")
        .render(
            chapters=[
                _chapter(standings, name, i, most_runs)
                for i, name in enumerate(names[:MOST_CHALLENGERS])
            ],
            configs=list(configs)[:MOST_CONFIGS],
            n_runs=len({one.run_id for one in standings}),
            notes=[*_left_out(standings, most_runs), *notes_on(standings)][:MOST_RULES],
            methods=METHODS,
            nothing=numbers.NOTHING,
            style=Markup(style),
            script=Markup(script),
            style_hash=hash_of(style),
            script_hash=hash_of(script),
        )
        .encode("utf-8", "replace")
        .decode()
    )


def _left_out(standings: Sequence[Standing], most_runs: int) -> Iterator[str]:
    names = challengers_in(standings)
    if len(names) > MOST_CHALLENGERS:
        yield f"{MOST_CHALLENGERS} of {numbers.count(len(names))} challengers are shown."
    if any(len(_runs_of(standings, name)) > most_runs for name in names):
        yield f"Of each challenger the last {most_runs} runs are shown; `-o x.json` has all."


def _runs_of(standings: Sequence[Standing], name: str) -> list[Standing]:
    return [one for one in standings if one.judged.challenger == name]


def _chapter(standings: Sequence[Standing], name: str, position: int, most_runs: int) -> _Chapter:
    own = _runs_of(standings, name)[-most_runs:]
    return _Chapter(
        anchor=f"challenger-{position + 1}",
        name=name,
        latest=own[-1],
        lines=tuple(_Line(i, one, sides_of(one), None) for i, one in enumerate(own, start=1)),
        rules=tuple(_rule(own, rule) for rule in rules_in(own)[:MOST_RULES]),
    )


def _rule(own: Sequence[Standing], rule: str) -> _Rule:
    findings = [finding_of(one, rule) for one in own]
    known = [one for one in findings if one is not None]
    lines = (
        _Line(i, one, sides_of(one), None if finding is None else row_of(finding))
        for i, (one, finding) in enumerate(zip(own, findings, strict=True), start=1)
    )
    return _Rule(rule, _figure(own, findings, rule), harm_heading(known), tuple(lines))


def _figure(own: Sequence[Standing], findings: Sequence[Finding | None], rule: str) -> Figure:
    points = list(_points(own, findings))
    latest = next(one for one in reversed(findings) if one is not None)
    title = f"{rule}: harm in {len(points)} runs, the last {row_of(latest).harm}"
    note = "Each run's harm with its interval; below the dashed line is what the policy accepts."

    def draw(width: int) -> str:
        return course(points, unit=latest.unit, relative=latest.relative, width=width, title=title)

    return Figure("", note, "harm", wide=draw(WIDE), narrow=draw(NARROW))


def _points(own: Sequence[Standing], findings: Sequence[Finding | None]) -> Iterator[CoursePoint]:
    for standing, one in zip(own, findings, strict=True):
        said = f"{standing.started_at:%m-%d %H:%M}"
        if one is None:
            yield CoursePoint(said, Status.NO_DATA, None, None, None, None)
        else:
            yield CoursePoint(said, one.status, one.harm, one.harm_low, one.harm_high, one.margin)

"""The page with everything that was seen, for `docs/statistics`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from harness.testing.calibration.claim import Covers
from harness.testing.calibration.study import Findings, Row, Study

FIGURES = "figures"

Table: TypeAlias = Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Done:
    """A study, what it found, and the processor time it took."""

    study: Study
    found: Findings
    seconds: float


def breaches(done: Sequence[Done]) -> list[Row]:
    """Rows that do not keep their promise."""
    return [row for one in done for row in one.found.rows if row.is_breached]


def page(done: Sequence[Done], *, versions: str) -> str:
    """Render all studies as Markdown.

    Args:
        versions: Of Python and the libraries, for a person.
    """
    return "\n".join([*_head(done, versions), *(line for one in done for line in _study(one))])


def _head(done: Sequence[Done], versions: str) -> Iterator[str]:
    rows = [row for one in done for row in one.found.rows]
    broken = breaches(done)
    n_claimed = sum(row.is_claimed for row in rows)
    yield from (
        "# Operating characteristics",
        "",
        "How often the statistics err, in simulations whose truth is known. Written by "
        "`make calibrate`, which fails when a promise is broken; not edited by hand.",
        "",
        f"{len(rows)} rows, {n_claimed} of them with a promise, **{len(broken)} broken**. "
        f"{sum(one.seconds for one in done):.0f} s of processor time, {versions}.",
        "",
        "A share seen in R runs has a Monte Carlo error of √(p(1-p)/R). A promise allows for three "
        "of them: an error rate of α may be seen as often as α + 3·se(α), coverage of 95 % as "
        "seldom as 95 % - 3·se - 1 point, a planned power as seldom as its value - 3·se - 3 "
        "points. Every scenario draws from one generator, seeded with the checksum (CRC-32) of "
        "its name as printed here, so nobody picks seeds. Rows without a limit are beside ours "
        "for comparison: what a method replaces, what ignoring a problem costs, or a peer.",
        "",
    )
    if broken:
        yield from ("## Broken promises", "", *_table(_cells(broken)), "")
    yield from (
        "| question | rows with a promise | broken | processor seconds |",
        "|---|---:|---:|---:|",
        *(
            f"| {one.study.title} | {sum(row.is_claimed for row in one.found.rows)} "
            f"| {len(breaches([one]))} | {one.seconds:.0f} |"
            for one in done
        ),
        "",
    )


def _study(done: Done) -> Iterator[str]:
    yield from (f"## {done.study.title}", "", done.study.asks, "")
    for chart in done.found.charts:
        yield from (f"![{chart.title}]({FIGURES}/{chart.name}.svg)", "")
    crossed = [row for row in done.found.rows if row.procedure in _crossed(done.found.rows)]
    plain = [row for row in done.found.rows if row not in crossed]
    if crossed:
        yield from (*_coverage(crossed), "")
    if plain:
        yield from (*_table(_cells(plain)), "")


def _cells(rows: Sequence[Row]) -> Table:
    """One line per row."""
    return [
        ["scenario", "procedure", "seen", "allowed", "R", "seed", ""],
        *(
            [
                row.scenario,
                row.procedure,
                _seen(row) + (" **broken**" if row.is_breached else ""),
                row.claim.says(row.n_runs),
                f"{row.n_runs:,}",
                f"{row.seed}",
                row.note,
            ]
            for row in rows
        ),
    ]


def _crossed(rows: Sequence[Row]) -> set[str]:
    """Procedures that are shown as columns: those that many scenarios share, all about coverage."""
    counts: dict[str, int] = {}
    for row in rows:
        if row.scenario.startswith("intervals, "):
            counts[row.procedure] = counts.get(row.procedure, 0) + 1
    return set(counts)


def _coverage(rows: Sequence[Row]) -> list[str]:
    """Scenarios as lines, procedures as columns."""
    procedures = list(dict.fromkeys(row.procedure for row in rows))
    scenarios = list(dict.fromkeys(row.scenario for row in rows))
    by_place = {(row.scenario, row.procedure): row for row in rows}
    full = max(row.n_runs for row in rows)
    cells = [["clusters", *procedures, "seed"]]
    for scenario in scenarios:
        line = [by_place[scenario, procedure] for procedure in procedures]
        name = scenario.removeprefix("intervals, ")
        cells.append([name, *(_covered(row) for row in line), f"{line[0].seed}"])
    allowed = Covers(0.95).says(full)
    return [
        *_table(cells),
        "",
        f"{full:,} runs each, {allowed} allowed (less where some runs were refused: the share of "
        "runs without an interval is in brackets; `-` where nearly all were).",
    ]


def _covered(row: Row) -> str:
    if not row.is_claimed:
        return "-"
    refused = f" ({row.note.removeprefix('refused ')})" if row.note else ""
    return _seen(row) + refused + (" **broken**" if row.is_breached else "")


def _seen(row: Row) -> str:
    if math.isnan(row.seen):
        return "-"
    if not row.is_share:
        return (
            "never"
            if math.isinf(row.seen)
            else f"{row.seen:.3g}"
            if row.seen < 1000
            else f"{row.seen:,.0f}"
        )
    return f"{row.seen:.2%}" if row.seen < 0.1 else f"{row.seen:.1%}"


def _table(cells: Table) -> list[str]:
    head, *body = cells
    return [_line(head), "|" + "---|" * len(head), *(_line(line) for line in body)]


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

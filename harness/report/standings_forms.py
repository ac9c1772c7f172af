"""Standings on the terminal, as Markdown, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from harness.report import numbers
from harness.report.json_form import as_json
from harness.report.rule_row import RuleRow, harm_heading, row_of
from harness.report.rule_table import STATUS_STYLES
from harness.report.sanitize import markdown_code, markdown_text, one_line
from harness.report.screen import draw
from harness.report.signs import DECISION_SIGNS
from harness.report.standings import (
    Standing,
    challengers_in,
    course,
    finding_of,
    notes_on,
    rules_in,
    sides_of,
)
from harness.report.terminal import DECISION_STYLES
from harness.verdict import Finding

NO_RULE = "no such rule"
RUN_WIDTH = 30
"""An id of a usual length in one line: it is what one copies."""

_HEADS = ("champion", "challenger", "harm", "wanted", "status")
_SUMMARY = (
    "#", "run", "started (UTC)", "challenger", "decision", "pairs", "failed", "p50", "p95",
    "cost of one",
)  # fmt: skip


def on_screen(standings: Sequence[Standing], *, width: int, colour: bool) -> str:
    """A line for each, and below it what every rule found of each."""
    return draw(_parts(standings), width=width, colour=colour)


def as_markdown(standings: Sequence[Standing]) -> str:
    """The same as tables; what was written by others is text and no markup."""
    blocks = [
        f"## {_title(standings)}",
        _table(_SUMMARY, [_escaped(row) for row in _summary(standings)]),
        "\n\n".join(_markdown_rules(standings)),
        "\n".join(f"- {markdown_text(note, longest=500)}" for note in notes_on(standings)),
    ]
    return "\n\n".join(blocks) + "\n"


def as_record(standings: Sequence[Standing]) -> str:
    """JSON: one object for each standing, its findings and arms as in a verdict."""
    return as_json({"format": 1, "standings": [_record(one) for one in standings]})


def _record(standing: Standing) -> dict[str, object]:
    judged = standing.judged
    kept = ("challenger", "decision", "reason", "n_pairs", "n_clusters", "findings", "arms")
    origin = {
        one.name: getattr(standing, one.name) for one in fields(standing) if one.name != "judged"
    }
    origin["started_at"] = standing.started_at.isoformat()
    return origin | {name: getattr(judged, name) for name in kept}


def _title(standings: Sequence[Standing]) -> str:
    n_runs = len({one.run_id for one in standings})
    n_names = len(challengers_in(standings))
    runs = "1 run" if n_runs == 1 else f"{numbers.count(n_runs)} runs"
    names = "1 challenger" if n_names == 1 else f"{numbers.count(n_names)} challengers"
    return f"{runs}, {names}"


def _summary(standings: Sequence[Standing]) -> Iterator[tuple[str, ...]]:
    for position, one in enumerate(standings, start=1):
        judged, sides = one.judged, sides_of(one)
        yield (
            str(position),
            one.run_id,
            f"{one.started_at:%Y-%m-%d %H:%M}",
            judged.challenger,
            f"{DECISION_SIGNS[judged.decision]} {judged.decision}",
            numbers.count(judged.n_pairs),
            sides.failed,
            sides.p50,
            sides.p95,
            sides.cost,
        )


def _parts(standings: Sequence[Standing]) -> Iterator[RenderableType]:
    yield Text(_title(standings), "bold")
    yield Text()
    yield _summary_table(standings)
    yield Text()
    yield _rules_table(standings)
    yield Text()
    for note in notes_on(standings):
        yield Text(one_line(note, longest=400), "dim")


def _summary_table(standings: Sequence[Standing]) -> Table:
    rows = list(_summary(standings))
    kept = [i for i in range(len(_SUMMARY)) if any(row[i] != numbers.NOTHING for row in rows)]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for i in kept:
        table.add_column(
            _SUMMARY[i],
            justify="right" if i in {0, 5} else "left",
            overflow="fold",
            min_width=RUN_WIDTH if _SUMMARY[i] == "run" else None,
        )
    for standing, row in zip(standings, rows, strict=True):
        styles = ["", *[""] * 3, DECISION_STYLES[standing.judged.decision], *[""] * 5]
        table.add_row(*(Text(one_line(row[i], longest=60), styles[i]) for i in kept))
    return table


def _rules_table(standings: Sequence[Standing]) -> Table:
    """A heading for each rule, and below it each standing, in columns that are the same for all."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("  rule and challenger", overflow="fold")
    for head in (*_HEADS[:2], harm_heading(_all_findings(standings)), *_HEADS[3:]):
        table.add_column(head, justify="left" if head == "status" else "right", no_wrap=True)
    for rule in rules_in(standings):
        table.add_row(Text(one_line(rule, longest=80), "bold"), *_over_time(standings, rule))
        for position, standing in enumerate(standings, start=1):
            name = f"{position} {one_line(standing.judged.challenger, longest=40)}"
            finding = finding_of(standing, rule)
            if finding is None:
                table.add_row(Text(f"  {name}"), "", "", "", "", Text(NO_RULE, "dim"))
            else:
                table.add_row(*_cells(name, row_of(finding)))
    return table


def _over_time(standings: Sequence[Standing], rule: str) -> list[str]:
    """A rule's heading row: how the harm went, where it is one challenger's from run to run."""
    names = challengers_in(standings)
    return ["", "", course(standings, rule, names[0]) if len(names) == 1 else "", "", ""]


def _cells(name: str, row: RuleRow) -> list[Text]:
    style = STATUS_STYLES[row.status]
    return [
        Text.assemble((row.sign, style), f" {name}"),
        *map(Text, (row.champion, row.challenger, row.harm, row.wanted)),
        Text(row.word, style),
    ]


def _all_findings(standings: Sequence[Standing]) -> list[Finding]:
    return [one for standing in standings for one in standing.judged.findings]


def _markdown_rules(standings: Sequence[Standing]) -> Iterator[str]:
    heads = ("#", "challenger", *_HEADS[:2], harm_heading(_all_findings(standings)), *_HEADS[3:])
    names = challengers_in(standings)
    for rule in rules_in(standings):
        rows = [
            (str(position), markdown_text(standing.judged.challenger, longest=80), *cells)
            for position, standing in enumerate(standings, start=1)
            for cells in [_markdown_cells(finding_of(standing, rule))]
        ]
        lines = [
            f"{markdown_text(name, longest=80)} {bars}"
            for name in names
            if (bars := course(standings, rule, name))
        ]
        over_time = f"\n\nHarm from run to run: {', '.join(lines)}" if lines else ""
        yield f"### {markdown_code(rule, longest=120)}\n\n{_table(heads, rows)}{over_time}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _markdown_cells(finding: Finding | None) -> tuple[str, ...]:
    if finding is None:
        return (*[numbers.NOTHING] * 4, NO_RULE)
    row = row_of(finding)
    wanted = row.wanted.replace("<", "&lt;").replace(">", "&gt;")
    return (row.champion, row.challenger, row.harm, wanted, f"{row.sign} {row.word}")


def _escaped(row: Sequence[str]) -> list[str]:
    return [markdown_text(cell, longest=80) for cell in row]

"""The rules of one challenger as a table on the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from harness.report.rule_row import RuleRow, harm_heading, row_of
from harness.report.sanitize import one_line
from harness.verdict import Finding, Status

GAP = 2
LEAST_RULE_WIDTH = 24

STATUS_STYLES = {
    Status.PASS: "green",
    Status.FAIL: "red",
    Status.INCONCLUSIVE: "yellow",
    Status.NO_DATA: "yellow",
}


def rule_table(
    findings: Sequence[Finding], aligned: Iterable[Finding], *, headed: bool, width: int
) -> Table:
    """One row per rule, columns as wide as any of the `aligned` findings needs them.

    On a narrow screen the rules fold and, if that is not enough, both sides' own levels go: the
    harm with its interval, what was wanted and the status always stay.
    """
    shown = list(aligned)
    rows = [row_of(finding) for finding in shown]
    heads = ("  rule", "champion", "challenger", harm_heading(shown), "wanted", "status")
    widest = [max(map(cell_len, column)) for column in zip(heads, *map(_cells, rows), strict=True)]
    columns: Sequence[int] = range(len(heads))
    if LEAST_RULE_WIDTH + sum(widest[1:]) + GAP * len(widest[1:]) > width:
        columns = [0, 3, 4, 5]
    rest = sum(widest[i] for i in columns if i) + GAP * len(columns)
    table = Table(
        box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="dim", show_header=headed
    )
    for i in columns:
        table.add_column(
            heads[i],
            justify="right" if i in {1, 2, 4} else "left",
            width=min(widest[0], max(LEAST_RULE_WIDTH, width - rest)) if i == 0 else None,
            min_width=widest[i] if i else None,
            no_wrap=i > 0,
        )
    for row in map(row_of, findings):
        cells = _texts(row)
        table.add_row(*(cells[i] for i in columns))
    return table


def _cells(row: RuleRow) -> tuple[str, ...]:
    titled = f"{row.sign} {one_line(row.rule, longest=80)}"
    return (titled, row.champion, row.challenger, row.harm, row.wanted, row.word)


def _texts(row: RuleRow) -> list[Text]:
    style = STATUS_STYLES[row.status]
    titled, *numbers, word = _cells(row)
    rule = Text.assemble((row.sign, style), titled[len(row.sign) :])
    return [rule, *map(Text, numbers), Text(word, style)]

"""Verdicts and drawings that stand outside of a page: in a notebook, or wherever they are pasted.

They bring what they need, and change nothing around them: a drawing carries its colours and its
paper, because nobody knows on what it will lie. Foreign text is escaped.
"""

from __future__ import annotations

import re
from functools import cache

from jinja2 import Environment, PackageLoader
from markupsafe import Markup
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from harness.report import numbers, terminal
from harness.report.figure import Figure
from harness.report.rule_row import RuleRow, harm_heading, row_of
from harness.report.sanitize import printable
from harness.report.segments import shown
from harness.report.signs import DECISION_SIGNS
from harness.verdict import ChallengerVerdict, Verdict

MOST_CHALLENGERS = 40
MOST_RULES = 40
MOST_STEPS = 6

_ABOUT_DRAWINGS = re.compile(r"^svg .*$", re.MULTILINE)
_COLOURS = re.compile(r"^:root \{.*?^\}$", re.DOTALL | re.MULTILINE)
_PAPER = "svg { background: var(--paper); }"


class Screen:
    """A verdict for rich: as `harness gate` prints it, as wide as there is room."""

    def __init__(self, verdict: Verdict) -> None:
        self._verdict = verdict

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        text = terminal.render(self._verdict, width=options.max_width, colour=True)
        yield Text.from_ansi(text.rstrip("\n"))


def drawing(figure: Figure) -> str:
    """A figure as one SVG with its colours in it."""
    return figure.wide.replace(">", f"><style>{_style()}</style>", 1)


def fragment(verdict: Verdict) -> str:
    """A verdict as HTML without scripts and classes: decision, reason, rules, what to do next."""
    parts = Markup("").join(map(_challenger, verdict.challengers[:MOST_CHALLENGERS]))
    return str(Markup('<div style="overflow-x:auto">{}</div>').format(parts))


def _challenger(judged: ChallengerVerdict) -> Markup:
    findings = shown(judged.findings)[:MOST_RULES]
    heads = ("", "rule", "champion", "challenger", harm_heading(findings), "wanted", "status")
    steps = [_say(step) for step in judged.next_steps[:MOST_STEPS]]
    return Markup(
        "<p><b>{sign} {decision}</b> {name}: {pairs} pairs, {clusters} clusters</p><p>{reason}</p>"
        "<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>{steps}"
    ).format(
        sign=DECISION_SIGNS[judged.decision],
        decision=judged.decision.upper(),
        name=_say(judged.challenger),
        pairs=numbers.count(judged.n_pairs),
        clusters=numbers.count(judged.n_clusters),
        reason=_say(judged.reason),
        heads=Markup("").join(map(Markup("<th>{}</th>").format, heads)),
        rows=Markup("").join(_row(row_of(one)) for one in findings),
        steps=Markup("").join(Markup("<p>{}</p>").format(step) for step in steps),
    )


def _row(row: RuleRow) -> Markup:
    cells = (
        row.sign,
        _say(row.rule),
        row.champion,
        row.challenger,
        row.harm,
        row.wanted,
        row.word,
    )
    return Markup("<tr>{}</tr>").format(
        Markup("").join(map(Markup('<td style="text-align:left">{}</td>').format, cells))
    )


def _say(text: str) -> str:
    return printable(text, longest=500)


@cache
def _style() -> str:
    """Of the page's style what is about drawings, and its colours by day."""
    templates = Environment(loader=PackageLoader("harness.report", "html"), autoescape=True)
    whole = templates.get_template("style.jinja").render()
    return "\n".join([*_COLOURS.findall(whole)[:1], *_ABOUT_DRAWINGS.findall(whole), _PAPER])

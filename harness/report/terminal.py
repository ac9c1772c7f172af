"""The verdict on one screen: what was decided, why, every rule with its numbers, what to do next.

One challenger gets the whole screen. Several get a line each and then their rules, in columns that
are the same for all of them, so that a metric can be compared down the page. A sign and a word say
everything that colour says.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from harness.report import numbers
from harness.report.arms import arms_lines
from harness.report.circumstances import circumstance_lines
from harness.report.comparison_view import disagreement_table
from harness.report.effects import effect_lines
from harness.report.evidence import evidence_line
from harness.report.judges import judge_lines
from harness.report.losses import losses_line
from harness.report.missing import both_answered_note, missing_note
from harness.report.noise import noise_lines
from harness.report.routing import route_lines
from harness.report.rule_table import rule_table
from harness.report.sanitize import one_line
from harness.report.screen import LEAST_WIDTH, draw
from harness.report.segments import segment_lines, shown
from harness.report.signs import DECISION_SIGNS, STATUS_SIGNS
from harness.verdict import (
    ChallengerVerdict,
    Decision,
    Status,
    Verdict,
)

MOST_DISAGREEMENTS = 5
MOST_PATHS = 3
ONE_IN_FULL = (
    "`harness gate RUN --challenger NAME` shows one in full, with its worst disagreements."
)
MOST_RUNS = 3

DECISION_STYLES = {
    Decision.PROMOTE: "bold green",
    Decision.HOLD: "bold yellow",
    Decision.REJECT: "bold red",
    Decision.INVALID: "bold magenta",
}


def render(verdict: Verdict, *, width: int, colour: bool) -> str:
    """Draw a verdict.

    Args:
        width: Columns of the terminal, `LEAST_WIDTH` or more; below about 95 tables show less.
        colour: False for a file, a pipe, or `NO_COLOR`.
    """
    width = max(width, LEAST_WIDTH)
    return draw(_parts(verdict, width), width=width, colour=colour)


def _parts(verdict: Verdict, width: int) -> Iterator[RenderableType]:
    match verdict.challengers:
        case [only]:
            yield from _alone(verdict, only, width)
        case several:
            yield from _together(verdict, several, width)


def _alone(verdict: Verdict, judged: ChallengerVerdict, width: int) -> Iterator[RenderableType]:
    yield _edges(_headline(judged.decision, judged.challenger), _amount(judged))
    yield Text(one_line(judged.reason, longest=400))
    yield Text()
    if judged.findings:
        findings = shown(judged.findings)
        yield rule_table(findings, findings, headed=True, width=width)
        yield Text()
    yield _facts(_evidence(verdict, judged))
    if judged.disagreements:
        yield Text()
        yield Text("worst disagreements", style="dim")
        yield disagreement_table(judged.disagreements[:MOST_DISAGREEMENTS])
    if judged.next_steps:
        yield Text()
        yield _facts([("next", _plain(step)) for step in judged.next_steps])


def _together(
    verdict: Verdict, several: Sequence[ChallengerVerdict], width: int
) -> Iterator[RenderableType]:
    subject = f"{len(several)} challengers"
    yield _edges(_headline(verdict.decision, subject), f"run {_runs(verdict)}")
    yield Text()
    yield _summary(several)
    everywhere = [finding for judged in several for finding in shown(judged.findings)]
    for position, judged in enumerate(several):
        yield Text()
        yield Text.assemble(
            _decision_sign(judged.decision),
            " ",
            (one_line(judged.challenger, longest=60), "bold"),
            "  ",
            one_line(judged.reason, longest=400),
        )
        if judged.findings:
            yield rule_table(shown(judged.findings), everywhere, headed=position == 0, width=width)
    steps = [
        (one_line(judged.challenger, longest=24), _plain(judged.next_steps[0]))
        for judged in several
        if judged.next_steps
    ]
    facts = [("effect", _plain(line)) for line in effect_lines(verdict)]
    facts += [("note", _plain(note)) for note in verdict.notes] + steps
    yield Text()
    yield _facts([*facts, ("more", _plain(ONE_IN_FULL))])


def _headline(decision: Decision, subject: str) -> Text:
    return Text.assemble(
        (f"{DECISION_SIGNS[decision]} {decision.upper()}", DECISION_STYLES[decision]),
        "  ",
        (one_line(subject, longest=60), "bold"),
    )


def _decision_sign(decision: Decision) -> tuple[str, str]:
    return DECISION_SIGNS[decision], DECISION_STYLES[decision]


def _amount(judged: ChallengerVerdict) -> str:
    pairs = f"{numbers.count(judged.n_pairs)} pairs"
    clusters = f"{numbers.count(judged.n_clusters)} clusters"
    return f"against {one_line(judged.baseline)} · {pairs} · {clusters}"


def _edges(left: Text, right: str) -> Table:
    """Two texts at the two ends of a line."""
    table = Table.grid(expand=True)
    table.add_column(ratio=1)
    table.add_column(justify="right", style="dim")
    table.add_row(left, right)
    return table


def _summary(several: Sequence[ChallengerVerdict]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    table.add_column("challenger")
    table.add_column("decision")
    for name in ("pairs", "lost", "clusters", "p", "after Holm", "rules passed"):
        table.add_column(name, justify="right")
    for judged in several:
        rules = [finding for finding in judged.findings if finding.segment is None]
        passed = sum(finding.status is Status.PASS for finding in rules)
        table.add_row(
            one_line(judged.challenger, longest=40),
            Text(
                f"{DECISION_SIGNS[judged.decision]} {judged.decision}",
                DECISION_STYLES[judged.decision],
            ),
            numbers.count(judged.n_pairs),
            numbers.count(sum(judged.losses.values()) + judged.pending),
            numbers.count(judged.n_clusters),
            numbers.p_value(judged.p_value),
            numbers.p_value(judged.p_adjusted),
            f"{passed} of {len(rules)}",
        )
    return table


def _evidence(verdict: Verdict, judged: ChallengerVerdict) -> list[tuple[str, Text]]:
    """What the numbers rest on: the requests, the checks, and what a reader should know."""
    facts = [("requests", Text(losses_line(judged))), ("checks", _checks(judged))]
    if evidence := evidence_line(judged.findings):
        facts.append(("evidence", Text(evidence)))
    facts += [(heading, Text(line)) for heading, line in arms_lines(judged.arms)]
    facts += [(heading, Text(line)) for heading, line in circumstance_lines(judged)]
    facts += [("noise", Text(line)) for line in noise_lines(judged.noise_floor)]
    facts += [("judge", _plain(line)) for line in judge_lines(judged)]
    facts += [("segments", _plain(line)) for line in segment_lines(judged)]
    facts += [("routing", _plain(line)) for line in route_lines(judged)]
    if judged.paths:
        paths = ", ".join(
            f"{one_line(difference.path, longest=60)} {numbers.share(difference.share)}"
            for difference in judged.paths[:MOST_PATHS]
        )
        facts.append(("paths", Text(f"differ most often: {paths}")))
    for finding in judged.findings:
        if finding.segment is not None:
            continue  # the lines on segments say what there is
        notes = list(finding.warnings)
        if finding.harm is None:
            notes.append(finding.sentence)  # why a row has a status and no numbers
        notes += [note for note in (missing_note(finding), both_answered_note(finding)) if note]
        facts += [("note", _plain(f"{finding.rule}: {note}")) for note in notes]
    facts += [("note", _plain(note)) for note in verdict.notes]
    return [*facts, ("run", Text(_runs(verdict)))]


def _checks(judged: ChallengerVerdict) -> Text:
    if not judged.validity:
        return Text(f"{STATUS_SIGNS[Status.FAIL]} none were made", "red")
    broken = [check for check in judged.validity if check.status is not Status.PASS]
    if not broken:
        others = f", {len(judged.unchecked)} do not apply" if judged.unchecked else ""
        return Text(f"{STATUS_SIGNS[Status.PASS]} all {len(judged.validity)} pass{others}")
    sign = STATUS_SIGNS[Status.FAIL]
    lines = [f"{sign} {check.check}: {one_line(check.sentence)}" for check in broken]
    return Text("\n".join(lines), "red")


def _facts(facts: Sequence[tuple[str, Text]]) -> Table:
    """Lines with a dim heading each; a heading is said once for the lines below it."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    said = ""
    for heading, text in facts:
        table.add_row("" if heading == said else heading, text)
        said = heading
    return table


def _runs(verdict: Verdict) -> str:
    """The run, or what was pooled: a fleet's worth of names would fill the screen."""
    named = ", ".join(one_line(run_id, longest=60) for run_id in verdict.run_ids[:MOST_RUNS])
    more = len(verdict.run_ids) - MOST_RUNS
    return f"{named} and {numbers.count(more)} more" if more > 0 else named


def _plain(text: str) -> Text:
    return Text(one_line(text, longest=400))

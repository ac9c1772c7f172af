"""The verdict as Markdown, for GitHub's step summary or a merge request comment.

GitHub drops a step summary of more than 1 MiB altogether, so this one is shorter whatever the
verdict holds. Everything that is not our own wording goes through `harness.report.sanitize`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.quantity import difference_scale, say, say_interval
from harness.report import numbers
from harness.report.arms import arms_lines
from harness.report.circumstances import circumstance_lines
from harness.report.effects import effect
from harness.report.evidence import evidence_line
from harness.report.judges import judge_lines
from harness.report.losses import losses_line
from harness.report.missing import both_answered_note, missing_note
from harness.report.noise import noise_lines
from harness.report.routing import WORDS, cost_change
from harness.report.rule_row import harm_heading, row_of
from harness.report.sanitize import markdown_code, markdown_text
from harness.report.segments import reweighted, segment_lines, shown
from harness.report.signs import DECISION_SIGNS
from harness.verdict import (
    ChallengerVerdict,
    Disagreement,
    FactorEffect,
    PathDifference,
    Route,
    SegmentContrast,
    SegmentEstimate,
    Status,
    Verdict,
)

MOST_BYTES = 900_000
"""Below the 1 MiB that GitHub accepts for one step, with room for other output of that step."""

MOST_ROWS = 50
MOST_DISAGREEMENTS = 5


def render(verdict: Verdict) -> str:
    """Headings, a table per challenger, and details folded away."""
    kept: list[str] = []
    n_bytes = 0
    for block in _blocks(verdict):
        n_bytes += len(block.encode()) + 2
        if n_bytes > MOST_BYTES:
            kept.append("The rest is left out here; the JSON form has everything.")
            break
        kept.append(block)
    return "\n\n".join(kept) + "\n"


def _blocks(verdict: Verdict) -> Iterator[str]:
    """Paragraphs, tables and folded parts, each complete in itself."""
    several = len(verdict.challengers) != 1
    if several:
        n = len(verdict.challengers)
        yield f"## {DECISION_SIGNS[verdict.decision]} {verdict.decision}: {n} challengers"
        yield _summary(verdict.challengers)
    for judged in verdict.challengers:
        yield from _challenger(judged, "###" if several else "##")
    if verdict.effects:
        yield _folded("Effects of factors", _effects(verdict.effects))
    runs = ", ".join(markdown_code(run_id, longest=80) for run_id in verdict.run_ids[:MOST_ROWS])
    notes = [markdown_text(note) for note in verdict.notes[:MOST_ROWS]]
    yield "\n".join(f"- {line}" for line in [*notes, f"Run {runs}"])


def _challenger(judged: ChallengerVerdict, level: str) -> Iterator[str]:
    name = markdown_text(judged.challenger, longest=80)
    yield f"{level} {DECISION_SIGNS[judged.decision]} {judged.decision}: {name}"
    yield markdown_text(judged.reason, longest=500)
    if judged.findings:
        yield _rules(judged)
    yield "\n".join(f"- {line}" for line in _facts(judged))
    if judged.next_steps:
        steps = [markdown_text(step, longest=500) for step in judged.next_steps[:MOST_ROWS]]
        yield "**Next**\n\n" + "\n".join(f"- {step}" for step in steps)
    if judged.disagreements:
        yield _folded("Worst disagreements", _disagreements(judged.disagreements))
    if judged.paths:
        yield _folded("Paths that differ", _paths(judged.paths))
    if judged.segments:
        yield _folded("Segments", _segments(judged.segments))
    if judged.routes:
        yield _folded("Routing", _routes(judged.routes))
    if judged.segment_scan is not None and judged.segment_scan.contrasts:
        yield _folded("Segments compared", _contrasts(judged, judged.segment_scan.contrasts))


def _summary(several: Sequence[ChallengerVerdict]) -> str:
    rows = [
        (
            markdown_text(judged.challenger, longest=80),
            f"{DECISION_SIGNS[judged.decision]} {judged.decision}",
            numbers.count(judged.n_pairs),
            numbers.count(judged.n_clusters),
            _less(numbers.p_value(judged.p_value)),
            _less(numbers.p_value(judged.p_adjusted)),
        )
        for judged in several[:MOST_ROWS]
    ]
    return _table(("challenger", "decision", "pairs", "clusters", "p", "after Holm"), rows)


def _rules(judged: ChallengerVerdict) -> str:
    everything = shown(judged.findings)
    findings = everything[:MOST_ROWS]
    rows = [
        (
            f"{row.sign} {row.word}",
            markdown_code(row.rule, longest=120),
            row.champion,
            row.challenger,
            row.harm,
            _less(row.wanted),
        )
        for row in map(row_of, findings)
    ]
    heads = ("status", "rule", "champion", "challenger", harm_heading(findings), "wanted")
    return _table(heads, rows) + _left_out(len(everything))


def _facts(judged: ChallengerVerdict) -> Iterator[str]:
    pairs = f"{numbers.count(judged.n_pairs)} pairs"
    clusters = f"{numbers.count(judged.n_clusters)} clusters"
    yield f"Against {markdown_text(judged.baseline)}: {pairs}, {clusters}"
    yield f"Requests: {markdown_text(losses_line(judged), longest=500)}"
    broken = [check for check in judged.validity if check.status is not Status.PASS]
    for check in broken[:MOST_ROWS]:
        yield f"✗ {markdown_text(check.check)}: {markdown_text(check.sentence)}"
    if not judged.validity:
        yield "✗ Checks: none were made"
    elif not broken:
        others = f", {len(judged.unchecked)} do not apply" if judged.unchecked else ""
        yield f"Checks: all {len(judged.validity)} pass{others}"
    if evidence := evidence_line(judged.findings):
        yield f"Evidence: {markdown_text(evidence, longest=1000)}"
    for heading, line in arms_lines(judged.arms):
        yield f"{heading.capitalize()}: {markdown_text(line, longest=500)}"
    for heading, line in circumstance_lines(judged):
        yield f"{heading.capitalize()}: {markdown_text(line, longest=500)}"
    for line in judge_lines(judged):
        yield f"Judge: {markdown_text(line, longest=500)}"
    for line in noise_lines(judged.noise_floor):
        yield f"Noise: {markdown_text(line, longest=500)}"
    for line in segment_lines(judged):
        yield f"Segments: {markdown_text(line, longest=500)}"
    for finding in [one for one in judged.findings if one.segment is None][:MOST_ROWS]:
        notes = [
            *finding.warnings[:MOST_ROWS],
            *([finding.sentence] if finding.harm is None else []),
            *(note for note in (missing_note(finding), both_answered_note(finding)) if note),
        ]
        for note in notes:
            yield f"{markdown_code(finding.rule)}: {markdown_text(note)}"


def _disagreements(disagreements: Sequence[Disagreement]) -> str:
    rows = [
        (
            markdown_code(pair.request_id, longest=80),
            markdown_code(", ".join(pair.paths[:3])),
            markdown_code(pair.champion),
            markdown_code(pair.challenger),
        )
        for pair in disagreements[:MOST_DISAGREEMENTS]
    ]
    return _table(("request", "differs in", "champion", "challenger"), rows)


def _paths(paths: Sequence[PathDifference]) -> str:
    rows = [
        (
            markdown_code(path.comparison),
            markdown_code(path.path),
            numbers.count(path.n_differ),
            numbers.share(path.share),
        )
        for path in paths[:MOST_ROWS]
    ]
    return _table(("comparison", "path", "pairs", "share"), rows) + _left_out(len(paths))


def _segments(segments: Sequence[SegmentEstimate]) -> str:
    rows = [
        (
            markdown_code(part.segment),
            markdown_code(part.metric),
            say(part.champion, part.unit),
            say(part.challenger, part.unit),
            _segment_harm(part),
            numbers.count(part.n_pairs),
        )
        for part in segments[:MOST_ROWS]
    ]
    heads = ("segment", "metric", "champion", "challenger", "harm", "pairs")
    return _table(heads, rows) + _left_out(len(segments))


def _effects(effects: Sequence[FactorEffect]) -> str:
    rows = [
        (
            markdown_code(f"{one.factor}={one.level}"),
            markdown_code(one.against),
            markdown_code(one.metric),
            _less(effect(one)),
            numbers.count(one.n_pairs),
        )
        for one in effects[:MOST_ROWS]
    ]
    return _table(("level", "against", "metric", "harm", "requests"), rows) + _left_out(
        len(effects)
    )


def _routes(routes: Sequence[Route]) -> str:
    rows = [
        (
            markdown_code(route.segment),
            WORDS[route.to],
            cost_change(route),
            numbers.count(route.n_pairs),
            markdown_text(route.reason, longest=300),
        )
        for route in routes[:MOST_ROWS]
    ]
    return _table(("segment", "route", "cost", "pairs", "why"), rows) + _left_out(len(routes))


def _contrasts(judged: ChallengerVerdict, contrasts: Sequence[SegmentContrast]) -> str:
    """Whether the values of a segment respond alike, and what production's mix would show."""
    by_rule = {one.rule: one for one in judged.findings if one.segment is None}
    rows = []
    for one in contrasts[:MOST_ROWS]:
        finding = by_rule.get(one.rule)
        unit, relative = (finding.unit, finding.relative) if finding else ("", False)
        warnings = one.reweighted.warnings if one.reweighted else ()
        said = "; ".join([*([one.reversal] if one.reversal else []), *warnings])
        rows.append(
            (
                markdown_code(one.rule),
                markdown_code(one.segment),
                numbers.count(one.n_parts),
                _less(numbers.p_value(one.p_heterogeneity)),
                _less(numbers.p_value(one.p_interaction)),
                reweighted(one, unit, relative=relative),
                markdown_text(said, longest=500) or numbers.NOTHING,
            )
        )
    heads = ("rule", "by", "parts", "p alike", "p both ways", "harm in production's mix", "note")
    return _table(heads, rows) + _left_out(len(contrasts))


def _segment_harm(part: SegmentEstimate) -> str:
    if part.harm is None or part.harm_low is None or part.harm_high is None:
        return numbers.NOTHING
    parts = (part.harm, part.harm_low, part.harm_high)
    scale = difference_scale(part.unit, *parts, relative=part.relative)
    return say_interval(*parts, scale, signed=True)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _folded(title: str, content: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{content}\n\n</details>"


def _left_out(n_rows: int) -> str:
    more = n_rows - MOST_ROWS
    return f"\n\n{numbers.count(more)} more rows are in the JSON form." if more > 0 else ""


def _less(text: str) -> str:
    """Our own `<`, which is not to open a tag."""
    return text.replace("<", "&lt;").replace(">", "&gt;")

"""The verdict as one page of HTML that needs nothing else: no server, no network, no storage.

What models answered is hostile until shown otherwise. Templates escape everything, control and bidi
characters are shown as escapes (`harness.report.sanitize`), and a Content-Security-Policy allows
the page's own style and script, by their hashes, and nothing else.

The page stays below `MOST_BYTES` whatever the run: bins and points are few by themselves, rows and
lines are capped, and of the pairs as many are shown as fit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup

from harness.report import figure, numbers
from harness.report.circumstances import circumstance_lines
from harness.report.diff import Line, lined_up, pieces
from harness.report.evidence import evidence_line
from harness.report.figure import Figure
from harness.report.heat import HeatTable, heat_table
from harness.report.losses import losses_line
from harness.report.material import Dossier, Example, Material
from harness.report.methods import METHODS, anchor_of
from harness.report.missing import both_answered_note, missing_note
from harness.report.noise import noise_lines
from harness.report.rule_row import RuleRow, harm_heading, row_of
from harness.report.sanitize import printable
from harness.report.segments import segment_lines, shown
from harness.report.templates import hash_of, templates
from harness.verdict import ChallengerVerdict, Decision, Finding, Status, Verdict

MOST_BYTES = 1_000_000
MOST_SUMMED_UP = 240
"""Challengers in the summary; those that come first have chapters of their own."""

MOST_RULES = 40
MOST_NOTES = 60
_ROOM = ((24, 12), (12, 12), (6, 12), (3, 12), (1, 12), (0, 12), (0, 6), (0, 3), (0, 1))
"""Pairs of each challenger, and challengers in full: tried until the page is small enough."""

MOST_LINES = 60
LONGEST_LINE = 300
LONGEST_CONFIG = 60_000

NOTHING_BESIDE = Dossier()

WHAT_TO_DO = {
    Decision.PROMOTE: "It may take the champion's place.",
    Decision.HOLD: "Not yet: more evidence is needed.",
    Decision.REJECT: "It must not take the champion's place.",
    Decision.INVALID: "The run is no evidence, good or bad.",
}


@dataclass(frozen=True, slots=True)
class _Rule:
    """One row of the table of rules.

    Attributes:
        notes: What a reader of its numbers should know.
        still: Pairs or clusters still needed, as text; empty where nothing is open.
        anchor: Of the explanation of its method.
    """

    finding: Finding
    row: RuleRow
    notes: tuple[str, ...]
    still: str
    anchor: str


@dataclass(frozen=True, slots=True)
class _ShownPair:
    """One pair with both answers lined up, in pieces."""

    example: Example
    lines: tuple[tuple[Line, Markup, Markup], ...]


@dataclass(frozen=True, slots=True)
class _Chapter:
    """All that a page says of one challenger."""

    anchor: str
    judged: ChallengerVerdict
    what_to_do: str
    rules: tuple[_Rule, ...]
    harm_heading: str
    forest: Figure | None
    distributions: tuple[Figure, ...]
    requests: Figure
    requests_line: str
    differing: Figure | None
    noise: tuple[str, ...]
    heat: HeatTable
    segment_lines: tuple[str, ...]
    looks: tuple[Figure, ...]
    evidence: str
    facts: tuple[tuple[str, str], ...]
    pairs: tuple[_ShownPair, ...]
    fields: tuple[str, ...]
    segments: tuple[str, ...]
    outcomes: tuple[str, ...]


def render(verdict: Verdict, dossier: Dossier = NOTHING_BESIDE) -> str:
    """The whole page."""
    page = ""
    for most_pairs, most_in_full in _ROOM:
        page = _page(verdict, dossier, most_pairs, most_in_full)
        if len(page.encode()) < MOST_BYTES:
            break
    return page


def _page(verdict: Verdict, dossier: Dossier, most_pairs: int, most_in_full: int) -> str:
    chapters = [
        _chapter(one, dossier.materials.get(one.challenger, Material()), i, most_pairs)
        for i, one in enumerate(verdict.challengers[:most_in_full])
    ]
    environment, style, script = templates()
    facts = [(name, said) for name, said in dossier.provenance.facts]
    return (
        environment.get_template("page.jinja")
        .render(
            verdict=verdict,
            chapters=chapters,
            others=verdict.challengers[most_in_full:MOST_SUMMED_UP],
            notes=verdict.notes[:MOST_NOTES],
            provenance=facts[:200],
            config=_config_lines(dossier.provenance.config),
            methods=METHODS,
            style=Markup(style),
            script=Markup(script),
            style_hash=hash_of(style),
            script_hash=hash_of(script),
            what_to_do=WHAT_TO_DO,
        )
        .encode("utf-8", "replace")
        .decode()
    )


def _chapter(
    judged: ChallengerVerdict, material: Material, position: int, most_pairs: int
) -> _Chapter:
    findings = shown(judged.findings)
    pairs = [_pair(one) for one in material.examples[:most_pairs]]
    return _Chapter(
        anchor=f"challenger-{position + 1}",
        judged=judged,
        what_to_do=WHAT_TO_DO[judged.decision],
        rules=tuple(map(_rule, findings[:MOST_RULES])),
        harm_heading=harm_heading(findings),
        forest=figure.rules(findings),
        distributions=tuple(figure.times_and_costs(material)),
        requests=figure.requests(judged, material),
        requests_line=losses_line(judged),
        differing=figure.differing(material.fields),
        noise=tuple(noise_lines(judged.noise_floor)),
        heat=heat_table(judged.segments, judged.findings),
        segment_lines=tuple(segment_lines(judged)),
        looks=tuple(figure.looks(material.histories, judged.findings)),
        evidence=evidence_line(judged.findings[:MOST_RULES]),
        facts=tuple(circumstance_lines(judged)),
        pairs=tuple(pairs),
        fields=_said_of(field for pair in pairs for field in pair.example.fields),
        segments=_said_of(part for pair in pairs for part in pair.example.segments),
        outcomes=_said_of(pair.example.outcome for pair in pairs),
    )


def _rule(finding: Finding) -> _Rule:
    notes = [
        *finding.warnings[:3],
        *([finding.sentence] if finding.harm is None else []),
        *(note for note in (missing_note(finding), both_answered_note(finding)) if note),
    ]
    still = ""
    if finding.clusters_missing:
        clusters = finding.clusters_missing
        pairs = round(clusters * finding.n_pairs / finding.n_clusters) if finding.n_clusters else 0
        plural = "" if clusters == 1 else "s"
        still = f"about {numbers.count(clusters)} more cluster{plural}"
        still += f" ({numbers.count(pairs)} pairs)" if pairs > 1 else ""
        still += " would settle it, if the harm is what it looks like now"
    elif finding.status is Status.INCONCLUSIVE:
        still = "no realistic number would settle it"
    return _Rule(finding, row_of(finding), tuple(notes), still, anchor_of(finding.method_link))


def _pair(example: Example) -> _ShownPair:
    lines = lined_up(
        example.view.champion,
        example.view.challenger,
        most_lines=MOST_LINES,
        longest_line=LONGEST_LINE,
    )
    return _ShownPair(example, tuple((line, *_marked(line)) for line in lines[: 2 * MOST_LINES]))


def _marked(line: Line) -> tuple[Markup, Markup]:
    """Both sides of a line, what differs in `del` and `ins`."""
    champion, challenger = pieces(line)
    return (
        Markup("").join(
            Markup("<del>{}</del>").format(one.text) if one.differs else one.text
            for one in champion
        ),
        Markup("").join(
            Markup("<ins>{}</ins>").format(one.text) if one.differs else one.text
            for one in challenger
        ),
    )


def _said_of(values: Iterable[str]) -> tuple[str, ...]:
    """What there is to filter by, each once, in order."""
    return tuple(sorted(dict.fromkeys(values)))[:80]


def _config_lines(config: str) -> str:
    lines = config[:LONGEST_CONFIG].split("\n")
    said = "\n".join(printable(line, longest=LONGEST_LINE) for line in lines)
    return said + ("\n…" if len(config) > LONGEST_CONFIG else "")

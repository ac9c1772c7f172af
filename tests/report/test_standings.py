from __future__ import annotations

import doctest
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import harness.report.standings
from harness.report.standings import OWN_CHAMPION, Standing, notes_on, sparkline
from harness.report.standings_forms import as_markdown, as_record, on_screen
from tests.report.hostile import ATTACK, hostile
from tests.report.samples import SAMPLES

NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)


def standing(sample, day=0, **change):
    (judged,) = SAMPLES[sample].challengers
    run_id = f"2025060{day + 1}T120000Z-7f3a"
    judged = replace(judged, **change)
    return Standing(run_id, NOON + timedelta(days=day), "digits", "c1", "p1", judged)


THREE = [standing("hold"), standing("promote", 1), standing("reject", 2)]


def test_examples_in_the_docstrings_are_true():
    """What the page shows is what comes out."""
    assert doctest.testmod(harness.report.standings).failed == 0


def test_runs_stand_beside_each_other_rule_by_rule():
    """A line for each, then each rule with its harm, interval and status in every run."""
    text = on_screen(THREE, width=130, colour=False)

    lines = text.splitlines()
    assert lines[0] == "3 runs, 1 challenger"
    assert lines[3].split()[:8] == [
        "1", "20250601T120000Z-7f3a", "2025-06-01", "12:00", "digits-knn", "?", "hold", "899",
    ]  # fmt: skip
    at = lines.index(next(line for line in lines if line.startswith("not_worse latency_s.p95")))
    assert [line.split()[:2] for line in lines[at + 1 : at + 4]] == [
        ["?", "1"], ["✓", "2"], ["✗", "3"],
    ]  # fmt: skip
    assert lines[at].split()[-1] == "▂▁█"  # one challenger's, from run to run
    assert "+54 % [+45, +63]" in lines[at + 3]


def test_what_does_not_hang_together_is_said():
    """Other margins, other champions, rules that are not asked of all."""
    (first, *rest) = THREE[0].judged.findings
    other = replace(first, margin=0.5)
    arms = tuple(replace(arm, deployment="old") for arm in THREE[0].judged.arms)
    two = [THREE[0], standing("hold", 1, findings=(other, *rest[1:]), arms=arms)]

    assert list(notes_on(two)) == [
        OWN_CHAMPION,
        "The runs have different champions: champion, old.",
        "not_worse failure_rate was judged by different margins: 2 pp, 50 pp.",
        "not_worse latency_s.p95 is no rule for 1 of 2.",
    ]
    assert "no such rule" in on_screen(two, width=130, colour=False)
    assert "no such rule" in as_markdown(two)


def test_markdown_has_a_table_of_each_rule():
    """And how the harm went, where there are enough runs to see it go."""
    text = as_markdown(THREE)

    assert "| 3 | digits-knn | 12.3 ms | 18.9 ms | +54 % [+45, +63] | &lt; 10 % | ✗ fail |" in text
    assert "Harm from run to run: digits-knn ▂▁█" in text
    assert "Harm from run to run" not in as_markdown(THREE[:2])


def test_json_has_what_a_script_needs():
    """Where it comes from, the decision, every finding, both arms."""
    record = json.loads(as_record(THREE))

    first = record["standings"][0]
    assert (record["format"], len(record["standings"])) == (1, 3)
    assert (first["run_id"], first["decision"]) == (THREE[0].run_id, "hold")
    assert first["started_at"] == "2025-06-01T12:00:00+00:00"
    assert len(first["findings"]) == len(THREE[0].judged.findings)


def test_names_that_others_chose_are_text():
    """In every form."""
    (judged,) = hostile().challengers
    two = [Standing(ATTACK, NOON, ATTACK, "c", "p", judged)] * 2

    for text in (on_screen(two, width=130, colour=False), as_markdown(two), as_record(two)):
        assert not set(text) & set("\x1b\x07\x00\u202e\ud800")
    assert "<script>" not in as_markdown(two)
    assert "\n::set-output" not in on_screen(two, width=130, colour=False)


def test_a_sparkline_of_one_value_is_in_the_middle():
    """There is no smallest and largest."""
    assert (sparkline([3.0, 3.0]), sparkline([None]), sparkline([])) == ("▅▅", "", "")

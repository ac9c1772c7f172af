"""Segments through the real program: a protected one rejects, an unknown one holds."""

import json

import pytest

POLICY = "  segments: {{protect: [{}]}}\n"


@pytest.fixture
def replayed(harness, serve, log, config):
    """Replay a log against two servers with a policy for segments."""

    def run(segments, *, n=150, challenger="right", change=lambda text: text):
        log(n=n, users=n)
        config(serve("right"), serve(challenger), segments, change=change)
        ended = harness("replay", "harness.yaml", "--run", "run", "--json")
        (judged,) = ended.verdict["challengers"]
        return ended, judged

    return run


def test_a_protected_segment_that_never_came_holds(replayed):
    """No request of it: nobody knows, and the next step says how many are missing."""
    ended, judged = replayed(POLICY.format("source=tv"))

    assert ended.code == 11
    assert judged["next_steps"][0].startswith("source=tv: 30 more")
    assert judged["segment_scan"]["n_tested"] == 4


def test_a_protected_segment_without_harm_lets_the_challenger_pass(replayed):
    """Fifty mobile users who fare alike."""
    ended, judged = replayed(POLICY.format("source=mobile"))

    assert (ended.code, judged["decision"]) == (0, "promote")
    parts = [one for one in judged["findings"] if one["segment"] == "source=mobile"]
    assert [one["status"] for one in parts] == ["pass", "pass"]
    assert judged["segment_scan"]["flagged"] == []


def test_a_protected_segment_that_suffers_is_in_every_form(replayed, harness, tmp_path):
    """Wrong everywhere: the part fails too; JSON, Markdown, JUnit and screen say so."""
    ended, judged = replayed(POLICY.format("source=mobile"), challenger="wrong")

    forms = {suffix: tmp_path / f"verdict.{suffix}" for suffix in ("json", "md", "xml")}
    outputs = [word for path in forms.values() for word in ("-o", path)]
    shown = harness("gate", "run", *outputs)

    assert ended.code == shown.code == 10
    assert "not_worse accuracy in source=mobile" in judged["segment_scan"]["flagged"]
    assert "source=mobile" in shown.out
    assert "source=mobile" in forms["md"].read_text()
    assert "not_worse accuracy [source=mobile]" in forms["xml"].read_text()
    assert json.loads(forms["json"].read_text())["challengers"][0]["segment_scan"]


def test_a_run_looked_at_again_and_again_remembers_its_rules_alone(replayed, harness):
    """Findings about parts leave nothing that a next look would stumble over."""
    ended, judged = replayed(POLICY.format("source=mobile") + "  sequential: true\n")

    again = harness("gate", "run", "--json")

    assert judged["segment_scan"]["method"] == "e-BH"
    assert again.code == ended.code


def test_a_protected_segment_has_to_be_configured(harness, serve, log, config):
    """`check` says so before anything is sent."""
    log()
    config(serve(), serve(), POLICY.format("country=fr"))

    ended = harness("check", "harness.yaml")

    assert ended.code == 2
    assert "policy.segments.protect[0]: speaks of the segment 'country'" in ended.err

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from harness.report.terminal import render
from harness.verdict import Decision, Verdict
from tests.report.hostile import hostile
from tests.report.samples import SAMPLES


@pytest.mark.parametrize("name", SAMPLES)
def test_a_verdict_fits_one_screen(name):
    """100 columns and 40 lines, for one challenger and for four with four rules each."""
    lines = render(SAMPLES[name], width=100, colour=False).splitlines()

    assert len(lines) <= 40
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize("width", [10, 60, 79, 80, 100, 200])
@pytest.mark.parametrize("name", ["hold", "several"])
def test_a_narrow_screen_loses_neither_interval_nor_status(name, width):
    """Numbers are never cut; both sides' own levels are what goes first."""
    text = render(SAMPLES[name], width=width, colour=False)

    assert "+0.11 pp [−0.24, +0.47]  < 2 pp  pass" in text
    assert "+7 % [+1, +12]           < 10 %  open" in text


def test_without_colour_there_is_no_escape_sequence():
    """A file, a pipe or NO_COLOR gets plain text."""
    assert "\x1b" not in render(SAMPLES["several"], width=100, colour=False)


@pytest.mark.parametrize("name", SAMPLES)
def test_colour_only_repeats_what_is_written(name):
    """Without the escape sequences both renderings are the same words and signs."""
    coloured = render(SAMPLES[name], width=100, colour=True)

    assert "\x1b[" in coloured
    bare = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    stripped = "\n".join(line.rstrip() for line in bare.splitlines()) + "\n"
    assert stripped == render(SAMPLES[name], width=100, colour=False)


def test_model_output_cannot_steer_the_terminal():
    """Escapes, bidi controls and runner commands are shown, not obeyed; nor is rich's markup."""
    verdict = hostile()
    (judged,) = verdict.challengers
    marked = replace(judged, reason="[red]not markup[/red] :smile:")

    text = render(verdict, width=100, colour=False)
    literal = render(replace(verdict, challengers=(marked,)), width=100, colour=False)

    assert not set(text) & set("\x1b\x07\x00\r\u202e\ud800")
    assert not any(line.lstrip().startswith("::") for line in text.splitlines())
    assert "##[" not in text
    assert "[red]not markup[/red] :smile:" in literal


def test_the_conservation_line_adds_up():
    """Received, paired, lost by reason."""
    text = render(SAMPLES["promote"], width=120, colour=False)

    assert (
        "1,000 received = 899 paired + 101 lost (sampled_out 92, too_large 5, shed_link 4)" in text
    )


def test_cancelled_and_pending_requests_are_said():
    """Pairs the client gave up are paired and not judged; pending ones are still out."""
    (judged,) = SAMPLES["promote"].challengers
    judged = replace(judged, n_pairs=890, received=1007, pending=7)
    verdict = replace(SAMPLES["promote"], challengers=(judged,))

    text = render(verdict, width=200, colour=False)

    assert (
        "1,007 received = 899 paired, 9 left out (cancelled by the client, or erased) + 101 lost"
        in text
    )
    assert "+ 7 pending" in text


def test_a_run_without_challengers_still_says_its_decision():
    """Nothing to show is shown as such."""
    text = render(Verdict(("r1",), "d", Decision.INVALID, ()), width=100, colour=False)

    assert text.startswith("! INVALID  0 challengers")


def test_a_run_nobody_checked_does_not_look_sound():
    """`All 0 pass` would be a pass by silence."""
    (judged,) = SAMPLES["promote"].challengers
    verdict = replace(SAMPLES["promote"], challengers=(replace(judged, validity=()),))

    assert "checks    ✗ none were made" in render(verdict, width=100, colour=False)


def test_pooled_runs_are_counted_not_listed():
    """A fleet of replicas is one line."""
    pooled = replace(SAMPLES["promote"], run_ids=tuple(f"replica-{i}" for i in range(40)))

    text = render(pooled, width=100, colour=False)

    assert "run       replica-0, replica-1, replica-2 and 37 more" in text


def test_at_most_five_disagreements_are_listed():
    """The list is a taste; `harness show` has them all."""
    text = render(SAMPLES["promote"], width=100, colour=False)

    assert "r-000655" in text
    assert "r-000012" not in text

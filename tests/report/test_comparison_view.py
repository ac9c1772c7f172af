from __future__ import annotations

import doctest
from dataclasses import replace

import harness.report.comparison_view
from harness.report.comparison_view import BothSides, PairView, as_text, render_list, render_pair
from tests.report.hostile import ATTACK
from tests.report.samples import DISAGREEMENTS

VIEW = PairView(
    request_id="r-000417",
    request="POST /v1/predict",
    about="2025-06-01 12:00:00Z · user u-17 · digits-knn",
    facts=(
        BothSides("outcome", "ok 200", "ok 200"),
        BothSides("latency", "12.3 ms", "18.9 ms"),
        BothSides("cost", "–", "0.00031 USD"),
    ),
    differences=(
        ("$.label", "3 → 8"),
        ("$.scores[3]", "0.91 → 0.12 (−0.79, allowed 0.02)"),
    ),
    champion=as_text({"label": 3, "scores": [0.0, 0.01, 0.02, 0.91, 0.03, 0.01, 0.01, 0, 0, 0.01]}),
    challenger=as_text(
        {"scores": [0.0, 0.01, 0.02, 0.12, 0.03, 0.01, 0.01, 0, 0, 0.01], "label": 8}
    ),
)

EXPECTED = """\
r-000417  POST /v1/predict
2025-06-01 12:00:00Z · user u-17 · digits-knn

          champion   challenger
outcome   ok 200     ok 200
latency   12.3 ms    18.9 ms
cost      –          0.00031 USD

differs in
$.label       3 → 8
$.scores[3]   0.91 → 0.12 (−0.79, allowed 0.02)

champion                                challenger
{                                       {
  "label": 3,                         ≠   "label": 8,
  "scores": [                             "scores": [
    0.0,                                    0.0,
    0.01,                                   0.01,
    0.02,                                   0.02,
    0.91,                             ≠     0.12,
    0.03,                                   0.03,
    0.01,                                   0.01,
    0.01,                                   0.01,
… 5 equal lines                         … 5 equal lines
"""


def test_examples_in_the_docstrings_are_true():
    """What the page shows is what comes out."""
    assert doctest.testmod(harness.report.comparison_view).failed == 0


def test_a_pair_is_shown_side_by_side_with_what_differs():
    """The whole screen: key order does not matter, equal stretches are folded."""
    assert render_pair(VIEW, width=78, colour=False) == EXPECTED


def test_a_side_without_an_answer_says_so():
    """A timeout has nothing to line up with."""
    text = render_pair(replace(VIEW, challenger=None), width=80, colour=False)

    assert "(no answer)" in text


def test_one_side_saying_more_is_marked():
    """Lines only one side has are < or >."""
    view = replace(VIEW, champion="a\nb\r\nc", challenger="a\nc\nd")

    lines = render_pair(view, width=80, colour=False).splitlines()[-4:]

    assert [line.split() for line in lines] == [["a", "a"], ["b", "<"], ["c", "c"], [">", "d"]]


def test_equal_answers_are_one_line():
    """Nothing to see is said in a line."""
    view = replace(VIEW, champion="a\nb\nc", challenger="a\nb\nc", differences=())

    assert "… 3 equal lines" in render_pair(view, width=80, colour=False)


def test_what_models_answered_cannot_steer_the_terminal():
    """Escapes and bidi controls are shown, and a huge answer is cut and says so."""
    view = replace(VIEW, request=ATTACK, champion=ATTACK, challenger="x\n" * 5000)

    text = render_pair(view, width=100, colour=False)

    assert not set(text) & set("\x1b\x07\x00\r\u202e\ud800")
    assert "… 4,001 more lines" in text


def test_long_lines_fold_and_lose_nothing():
    """A chat answer is one long line; it is read, not cut."""
    words = " ".join(f"word{i}" for i in range(80))
    view = replace(VIEW, champion=words, challenger=words + " more")

    text = render_pair(view, width=100, colour=False)

    assert all(f"word{i}" in text for i in range(80))


def test_the_list_is_a_line_each_in_the_order_given():
    """Request, size, where, and both answers, cut to the screen."""
    lines = render_list(DISAGREEMENTS, width=100, colour=False).splitlines()

    assert lines[0].split() == ["request", "size", "differs", "in", "champion", "challenger"]
    assert [line.split()[0] for line in lines[1:]] == [pair.request_id for pair in DISAGREEMENTS]
    assert max(map(len, lines)) <= 100


def test_an_empty_list_says_so():
    """Not a blank screen."""
    assert render_list((), width=80, colour=False) == "No disagreements are stored for this run.\n"

from __future__ import annotations

from dataclasses import replace

from harness.report.listing import ListedPair, Listing, render_listing
from tests.report.hostile import ATTACK

PAIR = ListedPair("r1", 2.5, "challenger-wrong", ("body", "$.a"), ("source=web",), "7", "8", 0.0162)
LISTING = Listing(
    "knn: 812 disagreements, 2 shown, worst first",
    (PAIR, ListedPair("r2", 1.2, "both-answered", ("label",), (), "7", "7", -0.25)),
    {"field": {"$.a": 800, "label": 12}, "segment": {}, "outcome": {"both-answered": 1, "x": 2}},
    frozenset({"segment", "latency"}),
)

EXPECTED = """\
knn: 812 disagreements, 2 shown, worst first
field    $.a 800 · label 12
outcome  both-answered 1 · x 2

request  size   latency  outcome           segment     differs in     champion  challenger
r1        2.5  +16.2 ms  challenger-wrong  source=web  $.a            7         8
r2        1.2   −250 ms  both-answered                 label          7         7
"""


def test_a_list_says_what_there_is_to_choose_by_and_then_each_pair():
    """Paths are named rather than the comparison that found them."""
    assert render_listing(LISTING, width=90, colour=False) == EXPECTED


def test_what_is_the_same_for_all_has_no_column():
    """One outcome is said once, above."""
    listing = replace(LISTING, counts={"outcome": {"both-answered": 2}}, shows=frozenset())

    titles = render_listing(listing, width=90, colour=False).splitlines()[3]

    assert titles.split() == ["request", "size", "differs", "in", "champion", "challenger"]


def test_long_answers_are_cut_to_the_screen():
    """A line each, also where a model wrote a book."""
    listing = replace(LISTING, pairs=(replace(PAIR, champion="word " * 1_000_000),))

    lines = render_listing(listing, width=90, colour=False).splitlines()

    assert len(lines) == 6
    assert max(map(len, lines)) <= 90


def test_what_models_answered_cannot_steer_the_terminal():
    """Nor what anybody else wrote."""
    pair = ListedPair(ATTACK, 1.0, ATTACK, (ATTACK,), (ATTACK,), ATTACK, ATTACK)

    text = render_listing(
        Listing(ATTACK, (pair,), {"field": {ATTACK: 1}}, frozenset({"segment"})),
        width=200,
        colour=False,
    )

    assert not set(text) & set("\x1b\x07\x00\r\u202e\ud800")
    assert "\n::set-output" not in text


def test_nothing_to_list_is_one_line():
    """And what there would be."""
    assert render_listing(Listing("knn: none", (), {}), width=90, colour=False) == "knn: none\n"

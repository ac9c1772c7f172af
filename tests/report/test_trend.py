from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser

import pytest

from harness.report.standings import Standing
from harness.report.trend import MOST_BYTES, as_page
from tests.report.hostile import ATTACK, hostile
from tests.report.test_standings import NOON, THREE


class Outline(HTMLParser):
    """Tags, ids, and where links lead."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.ids, self.links = [], set(), set()
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.tags.append(tag)
        self.ids |= {given["id"]} if "id" in given else set()
        self.links |= {given["href"]} if "href" in given else set()
        assert not {"src", "style", "onload", "onclick"} & given.keys()


def test_a_page_shows_each_rule_over_the_runs():
    """Newest decision first; a drawing for both widths and a table of numbers for each rule."""
    page = as_page(THREE)

    outline = Outline(page)
    rules = len({one.rule for one in THREE[0].judged.findings if one.segment is None})
    assert outline.tags.count("svg") == 2 * rules
    assert outline.tags.count("details") == rules
    assert "3 runs, and what the last one says" in page
    assert THREE[2].judged.reason.partition(":")[0] in page
    assert "+54 % [+45, +63]" in page


def test_links_lead_within_the_page():
    """It has no other page to lead to."""
    outline = Outline(as_page(THREE))

    assert {link[1:] for link in outline.links} <= outline.ids


def test_a_rule_that_came_later_is_said_to_be_missing_before():
    """A policy may change; a gap is no pass."""
    (_, *rest) = THREE[0].judged.findings
    judged = replace(THREE[0].judged, findings=tuple(rest))

    page = as_page([replace(THREE[0], judged=judged), *THREE[1:]])

    assert "no such rule" in page


@pytest.mark.parametrize("n_runs", [1, 500])
def test_a_page_is_small_and_harmless(n_runs):
    """However many runs, and whatever they are called."""
    (judged,) = hostile().challengers
    runs = [
        Standing(
            f"{ATTACK}{i}",
            NOON + timedelta(days=i),
            ATTACK,
            ATTACK,
            "p",
            replace(judged, challenger=f"{i % 6}", findings=THREE[0].judged.findings),
        )
        for i in range(n_runs)
    ]

    page = as_page(runs)

    assert len(page.encode()) < MOST_BYTES
    assert ("runs are shown" in page) == (n_runs == 500)
    assert Outline(page).tags.count("script") == 1
    assert not set(page) & set("\x1b\x07\x00\u202e\ud800")


def test_an_empty_history_is_a_page():
    """There may be no challengers at all."""
    assert "0 runs" in as_page([])

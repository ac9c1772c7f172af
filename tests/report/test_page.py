"""The page as text; `test_html_browser.py` opens it."""

from __future__ import annotations

import math
import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser

import pytest

from harness.report.material import Dossier, Material, Provenance
from harness.report.page import MOST_BYTES, render
from tests.report import dossiers
from tests.report.hostile import ATTACK, hostile
from tests.report.samples import SAMPLES

VOID = {"meta", "br", "img", "input", "link", "hr"}


class Outline(HTMLParser):
    """Elements and attributes of a page, which has to close what it opens."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.attributes, self._open = [], [], []
        self.feed(page)
        self.close()
        assert not self._open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *attr) for attr in attrs]
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *attr) for attr in attrs]

    def handle_endtag(self, tag):
        assert self._open.pop() == tag


@pytest.fixture(scope="module")
def page():
    return render(dossiers.verdict(), dossiers.dossier())


@pytest.mark.parametrize("name", SAMPLES)
def test_every_verdict_has_a_page_without_anything_beside_it(name):
    """A reason for each challenger, and well-formed, also where nothing could be measured."""
    page = render(SAMPLES[name])

    Outline(page)
    for judged in SAMPLES[name].challengers:
        assert judged.challenger in page


@pytest.mark.parametrize("copies", [1, 60, 300])
def test_a_page_is_small_and_harmless_whatever_is_in_it(copies):
    """Hostile names and answers by the thousand: below 1 MB, and no element of theirs."""
    verdict = hostile(copies=copies, size=100)
    examples = tuple(dossiers.example(f"r{i}", ATTACK * 200, ATTACK * 300) for i in range(30))
    one = replace(dossiers.dossier().materials["small-model"], examples=examples)
    everything = Dossier({verdict.challengers[0].challenger: one}, Provenance((), ATTACK * 50_000))

    page = render(verdict, everything)

    assert len(page.encode()) < MOST_BYTES
    outline = Outline(page)
    assert outline.tags.count("script") == outline.tags.count("style") == 1
    assert not {"img", "iframe", "object", "embed", "link", "base"} & set(outline.tags)
    assert not set(page) & set("\x1b\x07\x00\u202e\ud800")


def test_nothing_on_a_page_has_an_address_or_runs(page):
    """No URL but that of the SVG's own name space, no handler, no style beside the one."""
    outline = Outline(page)

    for tag, name, value in outline.attributes:
        assert not name.startswith("on"), (tag, name)
        assert name not in {"src", "style", "action", "srcset"}, (tag, name)
        if name == "href":
            assert value.startswith("#")
    without_answers = re.sub(r"<(td|code)[^>]*>.*?</\1>", "", page, flags=re.DOTALL)
    addresses = set(re.findall(r"[a-z]+://[^\s\"'<]+", without_answers))
    assert addresses <= {"http://www.w3.org/2000/svg", "http://evil.example/x.png)"}


@pytest.mark.parametrize("tag", ["style", "script"])
def test_the_policy_names_what_it_allows_by_its_hash(page, tag):
    """`default-src 'none'`, and this style and this script to the byte."""
    (text,) = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', page)

    digest = b64encode(sha256(text.encode()).digest()).decode()
    assert policy.startswith("default-src 'none';")
    assert f"{tag}-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy


def test_a_reader_meets_things_in_the_order_of_their_questions(page):
    """What, which rules, what now, how fast, how many, where, since when, which pairs, whence."""
    headings = re.findall(r"<h[123][^>]*>([^<]+)</h[123]>", page)

    assert headings == [
        "Rules",
        "What would change the verdict",
        "Time and cost",
        "Where the requests went",
        "What differs",
        "Parts of the traffic",
        "Evidence over time",
        "Look at the pairs",
        "Where this comes from",
        "Methods",
    ]


def test_harm_that_the_whole_hides_is_flagged(page):
    """Better on the whole, worse on mobile: in words, beside the cell."""
    assert re.search(r"source=mobile.*?masked harm", page, re.DOTALL)
    assert page.count("masked harm") == 1


def test_the_same_run_gives_the_same_bytes(page):
    """No date of today, no order of a hash."""
    assert render(dossiers.verdict(), dossiers.dossier()) == page


def test_numbers_that_are_none_leave_their_place_empty():
    """An interval without ends, a distribution without values."""
    (judged,) = SAMPLES["hold"].challengers
    odd = replace(judged.findings[0], harm_low=-math.inf, harm_high=math.inf, margin=None)
    verdict = replace(
        SAMPLES["hold"], challengers=(replace(judged, findings=(odd,), received=None),)
    )

    page = render(verdict, Dossier({judged.challenger: Material()}))

    assert "nan" not in re.sub(r"[a-z]nan|nan[a-z]", "", page.lower())
    assert "Time and cost" not in page

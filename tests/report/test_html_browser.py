"""The page in a real browser: Chromium, without a network."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from harness.report.page import render
from harness.report.trend import as_page
from tests.report import dossiers
from tests.report.test_standings import THREE, standing

sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright")

screenshots = pytest.importorskip("harness.testing.screenshots", reason="needs playwright")

ROOT = Path(__file__).parents[2]
CHROMIUM = screenshots.chromium()
AXE_OF_NPM = ".cache/axe/node_modules/axe-core/axe.min.js"
AXE = Path(os.environ.get("HARNESS_AXE", ROOT / AXE_OF_NPM))

OTHER = [standing("hold", day, challenger="other") for day in range(3)]

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium"),
]


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=list(screenshots.QUIET))
        yield started
        started.close()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The page of one challenger, of two, and of three runs of two."""
    folder = tmp_path_factory.mktemp("pages")
    pages = {
        "one": render(dossiers.verdict(), dossiers.dossier()),
        "two": render(*dossiers.several()),
        "trend": as_page([*THREE, *OTHER]),
    }
    for name, page in pages.items():
        (folder / f"{name}.html").write_text(page, encoding="utf-8")
    return folder


@pytest.fixture
def opened(browser, files):
    """Opens a page; in the end nothing was asked of a network and nothing complained."""
    contexts, said, asked = [], [], []

    def open_(name, *, width=1200, scheme="light"):
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.on("dialog", lambda dialog: said.append(dialog.message))
        page.goto((files / f"{name}.html").as_uri())
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not said
    assert all(url.startswith("file:") for url in asked)
    assert len(asked) == len(contexts)


@pytest.mark.parametrize("width", [390, 1200])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_opens_quietly_and_fits_its_screen(opened, width, scheme):
    """No request, no complaint, nothing beyond the edge, and the colours that were asked for."""
    page = opened("one", width=width, scheme=scheme)

    assert page.evaluate("document.documentElement.scrollWidth") == width
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(15, 19, 23)") is (scheme == "dark")
    drawn = page.locator("svg:visible")
    assert drawn.count() >= 10
    assert page.locator(".narrow svg:visible").count() > 6 if width == 390 else True


def test_a_history_fits_a_phone_and_shows_one_challenger_at_a_time(opened):
    """As the page of one run does."""
    page = opened("trend", width=390)

    page.locator("a.choose", has_text="other").click()

    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert page.locator(".chapter:visible h2").all_inner_texts() == ["other"]
    assert page.locator(".narrow svg:visible").count() == 4


def test_what_models_answered_is_text(opened):
    """No payload ran, no element came of one, no link leads anywhere but within the page."""
    page = opened("one")

    page.locator("details").evaluate_all("all => all.forEach(one => one.open = true)")

    assert page.title() != "owned"
    assert page.locator("img, iframe, object, embed, base, link").count() == 0
    assert page.locator("script").count() == 1
    links = page.locator("a").evaluate_all("all => all.map(one => one.getAttribute('href'))")
    assert links
    assert all(link.startswith("#") for link in links)
    assert "<script>document.title='owned'</script>" in page.locator(".diff").all_inner_texts()[3]


def test_every_link_leads_to_its_place(opened):
    """Numbers link to their methods; each of them is there, once."""
    page = opened("two")

    lost = page.evaluate(
        "[...document.querySelectorAll('a')].filter("
        "one => document.querySelectorAll(one.getAttribute('href')).length !== 1).length"
    )

    assert lost == 0


def test_pairs_are_filtered_and_counted(opened):
    """By kind, field, part and outcome; what is left is said aloud."""
    page = opened("one")
    form, pairs = page.locator("form.filters"), page.locator("details.pair:visible")
    said = form.locator("output")
    assert said.inner_text() == "5 of 5 shown"

    form.get_by_label("outcome").select_option("challenger wrong")
    assert (pairs.count(), said.inner_text()) == (1, "1 of 5 shown")

    form.get_by_label("outcome").select_option("")
    form.get_by_label("differs in").select_option("answer")
    assert pairs.count() == 2

    form.get_by_label("part").select_option("source=mobile")
    assert "r-000102" in pairs.all_inner_texts()[0]
    assert pairs.count() == 1


def test_challengers_are_chosen_and_colours_turned_with_the_keyboard(opened):
    """Links and a button, in the order of the page; nothing is kept anywhere."""
    page = opened("two")
    shown = page.locator("article.chapter:visible")
    assert shown.get_attribute("id") == "challenger-1"

    for _ in range(2):
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "theme"
    page.keyboard.press("Enter")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"

    page.locator("a.choose", has_text="other-model").focus()
    page.keyboard.press("Enter")
    page.locator("#challenger-2").wait_for()  # the browser tells of a new address afterwards
    assert shown.get_attribute("id") == "challenger-2"
    assert page.locator("a.choose[aria-current]").inner_text() == "other-model"


def test_paper_has_all_challengers_in_dark_ink(opened):
    """Whatever was chosen on the screen."""
    page = opened("two", scheme="dark")

    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")

    assert page.locator("article.chapter:visible").count() == 2
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


@pytest.mark.skipif(not AXE.exists(), reason="needs axe-core (npm)")
@pytest.mark.parametrize("name", ["two", "trend"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_audit_finds_no_barrier(opened, scheme, name):
    """axe-core: contrast, names, roles, order of headings, what can be scrolled."""
    page = opened(name, scheme=scheme)
    page.locator("details").evaluate_all("all => all.forEach(one => one.open = true)")

    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run().then(result => JSON.stringify(result.violations))")

    barriers = [
        f"{one['impact']} {one['id']}: {one['nodes'][0]['html'][:200]}" for one in json.loads(found)
    ]
    assert not barriers

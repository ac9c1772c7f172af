"""The pages on statistics: every word the code can say is explained, every link leads somewhere."""

import ast
import re
from dataclasses import fields
from pathlib import Path

import pytest

from harness.gate.method_link import link_of
from harness.testing.figures import charts, svg
from harness.verdict import Finding

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "statistics"
FINDING = (PAGES / "reading-a-finding.md").read_text(encoding="utf-8")

# Pages that link to others: with their own anchors, and those of the page linked to.
LINKING = [*sorted(PAGES.glob("*.md")), ROOT / "docs" / "planning.md"]


def methods_in(module):
    """Every text a module of harness.stats can put into `method`, without its variable parts."""
    for node in ast.walk(module):
        match node:
            case ast.keyword(arg="method" | "kind", value=value):
                yield from texts(value)
            case ast.Assign(targets=[ast.Name(id="METHOD" | "kind")], value=value):
                yield from texts(value)
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(text))):
                if name.isupper() and "always valid" in text:
                    yield text


def texts(node):
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value


def pieces():
    """The words that methods are put together from."""
    found = set()
    for path in sorted((ROOT / "harness" / "stats").glob("*.py")):
        for text in methods_in(ast.parse(path.read_text(encoding="utf-8"))):
            for piece in text.split(", "):
                found.add(re.sub(r"^ ?of (means|quantiles)$", "", piece).strip(" ,"))
    # Arguments of scipy, and the two halves that "of quantiles" is said of.
    others = {"bh", "by", "wilson", "exact", "log ratio", "difference", "stable", ""}
    return sorted(found - others)


def test_there_are_methods_to_explain():
    """The search finds what the gate is known to say."""
    assert {"clustered t", "CR2", "Tango score", "Rao-Scott", "Clopper-Pearson"} <= set(pieces())


@pytest.mark.parametrize("piece", pieces())
def test_every_method_has_an_anchor(piece):
    """A row in the table of methods, whose link leads to a heading."""
    assert re.search(rf"^\| `{re.escape(piece)}` \|.*\]\(methods\.md#[a-z-]+\)", FINDING, re.M)


@pytest.mark.parametrize(
    ("method", "word"),
    [
        ("mean difference, clustered t, CR2, and sign flips", "mean difference"),
        ("log ratio of means, clustered t, CR2", "log ratio of means"),
        ("mean, cluster sign flips", "mean"),
        ("clustered t, CR2", "clustered t"),
        ("no difference seen, rule of three", "no difference seen"),
        ("log ratio of quantiles, Woodruff density, clustered t, CR2", "log ratio of quantiles"),
        ("binomial quantile bounds, Rao-Scott", "binomial quantile bounds"),
        ("Tango score, Rao-Scott", "Tango score"),
        ("Clopper-Pearson", "Clopper-Pearson"),
        ("mean difference, always valid: normal mixture, CR2", "always valid: normal mixture"),
        ("always valid: bets, one per cluster", "one per cluster"),
        ("post-stratified, mean difference, clustered t, CR2", "post-stratified"),
    ],
)
def test_a_finding_links_to_its_method(method, word):
    """The link of a verdict leads to a page, and to the heading that the table of methods names."""
    page, _, heading = link_of(method).partition("#")

    (row,) = (line for line in FINDING.splitlines() if line.startswith(f"| `{word}` |"))
    assert ROOT / page == PAGES / "methods.md"
    assert heading in anchors(ROOT / page)
    assert f"methods.md#{heading})" in row


def test_a_method_of_somebody_else_has_no_link():
    """A plug-in explains its own."""
    assert link_of("Welch, unpaired") is None


def test_every_field_of_a_finding_is_explained():
    """What a reader of the JSON sees is in the table."""
    assert [one.name for one in fields(Finding) if f"`{one.name}`" not in FINDING] == []


def slug(heading):
    """How GitHub makes an anchor of a heading."""
    kept = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return kept.replace(" ", "-")


def anchors(page):
    return {slug(title) for title in re.findall(r"^#+ (.*)$", page.read_text(), re.M)}


@pytest.mark.parametrize("page", LINKING, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    """To a file that is there, and to a heading in it."""
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.is_file(), f"{page.name}: {target}"
        if anchor:
            assert anchor in anchors(file), f"{page.name}: {target}"


@pytest.mark.parametrize("name", charts())
def test_pictures_are_those_that_are_drawn(name):
    """Run `python -m harness.testing.figures` when this fails."""
    drawn = (PAGES / "figures" / name).read_text(encoding="utf-8")

    assert drawn == svg(charts()[name])


def test_a_picture_says_what_the_gate_would():
    """Pairs settle what two samples leave open; users leave open what requests would settle."""
    said = {name: [bar.note for bar in chart.bars] for name, chart in charts().items()}

    assert said["pairs.svg"] == ["open", "pass"]
    assert said["clusters.svg"] == ["pass", "open"]
    assert said["inconclusive.svg"] == ["open"] * 4 + ["pass"] * 2

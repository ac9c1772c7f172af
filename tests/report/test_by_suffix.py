from __future__ import annotations

from pathlib import PurePath

import pytest

from harness.errors import UsageError
from harness.report import json_form, junit, markdown
from harness.report.by_suffix import is_page, renderer_for


@pytest.mark.parametrize(
    ("path", "render"),
    [("out/v.json", json_form.render), ("v.xml", junit.render), ("V.MD", markdown.render)],
)
def test_the_suffix_tells_the_form(path, render):
    """Case aside."""
    assert renderer_for(PurePath(path)) is render


@pytest.mark.parametrize(("path", "page"), [("v.html", True), ("V.HTML", True), ("v.xml", False)])
def test_a_page_is_told_by_its_suffix_too(path, page):
    """It is rendered from more than a verdict, so that it has no renderer here."""
    assert is_page(PurePath(path)) is page


@pytest.mark.parametrize(("path", "named"), [("v.pdf", ".pdf"), ("v", "(no suffix)")])
def test_an_unknown_suffix_is_a_usage_error(path, named):
    """Never a silent default."""
    with pytest.raises(UsageError) as caught:
        renderer_for(PurePath(path))

    known = ".json, .md, .xml, .html"
    assert str(caught.value) == f"-o {path}: unknown type {named}. Use one of {known}"

from __future__ import annotations

from pathlib import PurePath

import pytest

from harness.errors import UsageError
from harness.report import json_form, junit, markdown
from harness.report.by_suffix import renderer_for


@pytest.mark.parametrize(
    ("path", "render"),
    [("out/v.json", json_form.render), ("v.xml", junit.render), ("V.MD", markdown.render)],
)
def test_the_suffix_tells_the_form(path, render):
    """Case aside."""
    assert renderer_for(PurePath(path)) is render


@pytest.mark.parametrize(("path", "named"), [("v.html", ".html"), ("v", "(no suffix)")])
def test_an_unknown_suffix_is_a_usage_error(path, named):
    """Never a silent default."""
    with pytest.raises(UsageError) as caught:
        renderer_for(PurePath(path))

    assert str(caught.value) == f"-o {path}: unknown type {named}. Use one of .json, .md, .xml"

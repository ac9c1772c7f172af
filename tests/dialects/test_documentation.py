"""The page on dialects says what there is."""

import re
from pathlib import Path

import pytest

from harness import plugins
from harness.dialects import Refusing, Streaming, volatile_of
from harness.measure.catalog import STREAM_QUANTITIES

PAGE = (Path(__file__).parents[2] / "docs" / "dialects.md").read_text()
ROWS = dict(re.findall(r"^\| `(\w+)` \|.*\| ([^|]*) \|$", PAGE, re.MULTILINE))


@pytest.mark.parametrize("name", plugins.names(plugins.DIALECTS))
def test_every_dialect_is_listed_with_what_it_ignores(name):
    """The volatile parts of the page are those of the code."""
    dialect = plugins.make(plugins.DIALECTS, name)

    assert tuple(re.findall(r"`([^`]+)`", ROWS[name])) == volatile_of(dialect)


def test_what_only_some_dialects_know_is_explained():
    """Every metric of streams, and each dialect's way to say no."""
    refusals = PAGE.partition("## Refusals")[2].partition("\n## ")[0]
    able = [
        name
        for name in plugins.names(plugins.DIALECTS)
        if isinstance(dialect := plugins.make(plugins.DIALECTS, name), Refusing)
        and isinstance(dialect, Streaming)
    ]

    assert len(able) == 3
    assert all(f"`{name}`" in refusals for name in able)
    assert all(f"`{name}`" in PAGE for name in STREAM_QUANTITIES)

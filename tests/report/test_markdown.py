from __future__ import annotations

import re

import pytest

from harness.report.markdown import MOST_BYTES, render
from tests.report.hostile import hostile
from tests.report.samples import SAMPLES

OURS = re.compile(r"</?code>|</?details>|</?summary>")


@pytest.mark.parametrize("copies", [1, 30, 300])
def test_a_summary_is_never_too_large_for_github(copies):
    """Megabytes of hostile rows and answers stay below 1 MiB, and the cut is said."""
    text = render(hostile(copies=copies, size=1000))

    assert len(text.encode()) <= MOST_BYTES + 1000 < 2**20
    if copies == 300:
        assert text.rstrip().endswith("The rest is left out here; the JSON form has everything.")


def test_model_output_is_text_and_nothing_else():
    """No tag, mention, link, image, command, control or stray column."""
    text = render(hostile(copies=2))

    foreign = OURS.sub("", text)
    assert "<" not in foreign
    assert "@" not in foreign
    assert "](" not in foreign
    assert "http:" not in foreign
    assert not any(line.lstrip().startswith(("::", "##[")) for line in text.splitlines())
    assert not set(text) & set("\x1b\x07\x00\r\u202e\ud800")


def test_every_table_row_has_as_many_cells_as_its_head():
    """A pipe in an answer must not open a column."""
    lines = render(hostile(copies=2)).splitlines()

    tables = "\n".join(line if line.startswith("|") else "" for line in lines).split("\n\n")
    for table in filter(str.strip, tables):
        assert len({row.count("|") for row in table.strip().splitlines()}) == 1


def test_folded_parts_are_closed_even_where_the_rest_is_cut():
    """An open <details> would swallow what other steps write below."""
    text = render(hostile(copies=300, size=1000))

    assert text.count("<details>") == text.count("</details>")


def test_several_challengers_get_a_summary_first():
    """The run's decision in the heading, a row per challenger, then each of them."""
    text = render(SAMPLES["several"])

    assert text.startswith("## ✓ promote: 4 challengers\n\n| challenger | decision |")
    assert "### ✗ reject: digits-forest" in text

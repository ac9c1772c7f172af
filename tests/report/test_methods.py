from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.gate.method_link import link_of
from harness.report.methods import METHODS, anchor_of

ROOT = Path(__file__).parents[2]


def anchors(page):
    """Headings of a page as a forge links them."""
    headings = re.findall(r"^#+ (.+)$", (ROOT / page).read_text(), re.MULTILINE)
    return {re.sub(r"[^a-z0-9 -]", "", text.lower()).replace(" ", "-") for text in headings}


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.anchor)
def test_every_explanation_names_a_heading_that_is_there(method):
    """The page says where there is more."""
    page, _, heading = method.more.partition("#")

    assert heading in anchors(page)


@pytest.mark.parametrize(
    "method", ["Tango score", "mean", "log ratio of quantiles", "always valid", "sign flips"]
)
def test_every_method_of_the_gate_is_explained(method):
    """By its own explanation, not the general one."""
    assert anchor_of(link_of(method)) != "harm"

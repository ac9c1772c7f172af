"""The table of metrics in the documentation."""

from pathlib import Path

from harness.watch.families import FAMILIES
from harness.watch.page import PAGE, table, with_table

DOCS = Path(__file__).parents[2] / "docs"


def test_the_table_is_that_of_the_metrics():
    """Run `python -m harness.watch.page` when this fails."""
    page = (DOCS / PAGE).read_text()

    assert with_table(page) == page
    assert table() in page


def test_a_metric_has_one_row():
    """With its full name."""
    assert all(table().count(f"| `harness_{family.name}` |") == 1 for family in FAMILIES)

"""The documentation's column table is in step with the schema."""

from pathlib import Path

import pytest

from harness.store.describe import column_tables, described
from harness.store.schema import columns

DOCUMENT = Path(__file__).parents[2] / "docs" / "runs.md"


def test_the_documented_columns_are_those_of_the_schema():
    """After a change of the schema: python -m harness.store.describe docs/runs.md"""
    document = DOCUMENT.read_text(encoding="utf-8")

    assert described(document) == document


def test_every_column_is_in_the_tables():
    """Side columns once, with an X."""
    tables = column_tables()

    for column in columns(["source"]):
        name = column.name.replace("champion_", "X_").replace("challenger_", "X_")
        assert f"| `{name}` |" in tables


def test_a_document_without_marks_is_not_touched():
    """Writing into the wrong file is an error."""
    with pytest.raises(ValueError, match="has no <!-- columns"):
        described("# Something else\n")

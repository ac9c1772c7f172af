"""Which rows belong to which segment."""

import polars as pl

from harness.measure.segments import segments
from tests.measure.tables import values


def table(**columns):
    return pl.DataFrame(
        {name: pl.Series(column, dtype=pl.String) for name, column in columns.items()}
    )


def test_segments_come_by_frequency_and_the_rest_together():
    """Names are `segment=value`; a row without a value is in none."""
    parts = table(
        source=["web", "mobile", "web", None, "tv", "fax"], plan=["a", "a", "a", "a", "a", "b"]
    )

    found = {
        part.name: part.rows.tolist()
        for part in segments(parts.select(segments=pl.struct("source", "plan")), most_values=2)
    }

    assert list(found) == ["source=web", "source=fax", "source=(other)", "plan=a", "plan=b"]
    assert found["source=web"] == [True, False, True, False, False, False]
    assert found["source=(other)"] == [False, True, False, False, True, False]


def test_without_segments_there_are_none():
    """A config need not have any."""
    assert list(segments(values({}))) == []


def test_what_is_asked_for_by_name_stands_by_itself():
    """However rare, also without a row, also where the table knows no such segment."""
    parts = table(source=list("aaabbc")).select(segments=pl.struct("source"))
    named = ("source=c", "source=d", "country=fr")

    found = {part.name: part.rows.sum() for part in segments(parts, most_values=1, always=named)}

    assert found == {
        "source=a": 3,
        "source=c": 1,
        "source=d": 0,
        "source=(other)": 2,
        "country=fr": 0,
    }

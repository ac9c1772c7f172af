"""The column table of the documentation, from the schema.

    python -m harness.store.describe docs/runs.md

rewrites what stands between the two marks in that file.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from harness.store import disk
from harness.store.schema import SIDE_COLUMNS, Column, request_columns

BEGIN = "<!-- columns: made by python -m harness.store.describe -->"
END = "<!-- end of columns -->"


def column_tables() -> str:
    """Two Markdown tables: columns of the request, and columns of each side."""
    return (
        f"{_table(request_columns(['NAME']))}\n\n"
        f"And for each side, with `champion` and `challenger` in the place of `X`:\n\n"
        f"{_table(SIDE_COLUMNS)}"
    )


def described(document: str) -> str:
    """The document with its tables made anew.

    Raises:
        ValueError: When the marks are not there.
    """
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"the document has no {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{column_tables()}\n\n{END}{after}"


def _table(columns: Sequence[Column]) -> str:
    rows = [
        f"| `{column.name}` | {_type(column)} | {column.unit or '–'} | {column.meaning} |"
        for column in columns
    ]
    return "\n".join(["| column | type | unit | meaning |", "|---|---|---|---|", *rows])


def _type(column: Column) -> str:
    return _name(column.type) + ("?" if column.optional else "")


def _name(kind: pa.DataType) -> str:
    if pa.types.is_list(kind):
        return f"list of {_name(kind.value_type)}"
    if pa.types.is_struct(kind):
        return "{" + ", ".join(f"{field.name}: {_name(field.type)}" for field in kind) + "}"
    if pa.types.is_timestamp(kind):
        return f"timestamp[{kind.unit}, {kind.tz}]"
    return {"double": "float64", "bool": "boolean"}.get(str(kind), str(kind))


def main(paths: Sequence[str]) -> None:
    for path in map(Path, paths):
        document = described(path.read_text(encoding="utf-8"))
        with disk.translated(path, "write"):
            path.write_text(document, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])

"""The table of metrics in the documentation, made from the metrics there are.

`python -m harness.watch.page` writes it anew.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from harness.watch.families import FAMILIES
from harness.watch.prometheus import PREFIX

PAGE = "operating.md"

_TABLE = re.compile(r"(<!-- metrics -->\n).*?(<!-- end of metrics -->)", re.DOTALL)


def table() -> str:
    """One row for each metric."""
    rows = ["| metric | kind | labels | meaning |", "|---|---|---|---|"]
    for family in FAMILIES:
        labels = ", ".join(f"`{label}`" for label in family.labels) or "–"
        rows.append(f"| `{PREFIX}{family.name}` | {family.kind} | {labels} | {family.help} |")
    return "\n".join(rows) + "\n"


def with_table(page: str) -> str:
    """The page with the table as it is now."""
    return _TABLE.sub(lambda match: match[1] + table() + match[2], page)


def main(directory: Path) -> None:
    """Write the table."""
    page = directory / PAGE
    page.write_text(with_table(page.read_text()))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs"))

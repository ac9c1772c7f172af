"""First floor: how two answers differ.

A comparator is registered under the entry-point group `harness.comparators` and made by calling the
entry with the options of the config. It is a frozen, configured callable whose `repr` is how it was
made.
"""

from __future__ import annotations

from typing import Protocol

from harness.compare.comparison import Comparison
from harness.output import JsonValue


class Comparator(Protocol):
    """Compares the champion's value with the challenger's.

    A value always agrees with itself, so that answers equal byte for byte need not be compared.
    """

    def __call__(self, champion: JsonValue, challenger: JsonValue) -> Comparison: ...

"""What synthetic users ask: a task with a right answer that can be read off the request.

A request carries a few numbers; right is the last digit of their sum. So a synthetic deployment
can know the right answer from the request alone, and be as wrong as its truth says.
"""

from __future__ import annotations

from collections.abc import Iterable

TARGET = "/v1/predict"
USER_HEADER = "X-User-Id"


def right_label(numbers: Iterable[int]) -> int:
    """The right answer."""
    return sum(numbers) % 10

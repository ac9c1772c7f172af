"""What the challenger differs beyond the champion's own noise, a line for each comparison."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.quantity import difference_scale, say_interval
from harness.report import numbers
from harness.report.sanitize import one_line
from harness.verdict import NoiseFloor

MOST_LINES = 20


def noise_lines(floors: Sequence[NoiseFloor] | None) -> Iterator[str]:
    """Lines such as `body differs 12.0 % from itself, 14.1 % from the challenger: +2.1 pp [...]`.

    Args:
        floors: None where nobody was asked twice.
    """
    for floor in (floors or ())[:MOST_LINES]:
        other = f"{numbers.share(floor.raw)} from the challenger"
        if floor.challenger_floor is not None:
            other += f" (which differs {numbers.share(floor.challenger_floor)} from itself)"
        yield (
            f"{one_line(floor.comparison, longest=40)} differs {numbers.share(floor.floor)} from "
            f"itself, {other}: {_excess(floor)}; "
            f"{numbers.count(floor.n_pairs)} requests asked twice"
        )


def _excess(floor: NoiseFloor) -> str:
    if floor.excess_low is None or floor.excess_high is None:
        scale = difference_scale("fraction", floor.excess)
        return f"{scale.digits(floor.excess, 2, signed=True)}{scale.suffix}"
    parts = (floor.excess, floor.excess_low, floor.excess_high)
    return say_interval(*parts, difference_scale("fraction", *parts), signed=True)

"""What each factor of a grid does, in a few lines."""

from __future__ import annotations

from collections.abc import Iterator

from harness.quantity import difference_scale, say_interval
from harness.report import numbers
from harness.verdict import FactorEffect, Verdict

MOST_LINES = 12


def effect_lines(verdict: Verdict) -> Iterator[str]:
    """One line for each level and metric; nothing where there is no grid."""
    for one in verdict.effects[:MOST_LINES]:
        yield f"{one.factor}={one.level} against {one.against}: {one.metric} {effect(one)}"
    more = len(verdict.effects) - MOST_LINES
    if more > 0:
        yield f"{numbers.count(more)} more are in the JSON form"


def effect(one: FactorEffect) -> str:
    """The harm with its interval and p-value; above zero is worse."""
    if one.harm is None or one.harm_low is None or one.harm_high is None:
        return numbers.NOTHING
    parts = (one.harm, one.harm_low, one.harm_high)
    said = say_interval(*parts, difference_scale(one.unit, *parts), signed=True)
    return f"{said}, p = {numbers.p_value(one.p_value)}"

"""What a harm has to be surely below for a rule to pass."""

from __future__ import annotations

from dataclasses import dataclass

from harness.gate.policy import AtLeast, AtMost, Improves, NotWorse, Rule


@dataclass(frozen=True, slots=True)
class Bound:
    """The largest harm a rule accepts.

    Attributes:
        value: In the unit of the harm, or a fraction of the champion where `relative`. Below zero
            a gain is demanded.
    """

    value: float
    relative: bool = False


def bound_of(rule: Rule) -> Bound:
    """The bound of a rule, on the axis of the harm its estimate is about.

    An `improves` wants the harm below minus its gain. An `at_most` is judged by the value itself,
    which is a harm already; an `at_least` by minus the value, since there more is better.
    """
    match rule:
        case NotWorse(margin=margin):
            return Bound(margin.value, margin.relative)
        case Improves(by=by):
            return Bound(0.0 - by.value, by.relative)  # -0.0 would be shown as such
        case AtMost(value=value):
            return Bound(value)
        case AtLeast(value=value):
            return Bound(0.0 - value)

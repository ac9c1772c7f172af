"""What a rule asks for, as a verdict will say it."""

from __future__ import annotations

from harness.gate.bound import bound_of
from harness.gate.policy import AtLeast, AtMost, Improves, NotWorse, Rule
from harness.metric import Metric
from harness.quantity import say_bound, say_margin


def demand(rule: Rule, metric: Metric) -> str:
    """Of the challenger's own level, or of the harm."""
    match rule:
        case AtMost(value=value):
            return f"< {say_bound(value, metric.unit)}"
        case AtLeast(value=value):
            return f"> {say_bound(value, metric.unit)}"
        case NotWorse() | Improves():
            bound = bound_of(rule)
            return f"< {say_margin(bound.value, metric.unit, bound.relative)}"

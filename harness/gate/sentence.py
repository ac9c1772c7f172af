"""What a finding says: the numbers seen, their units, and how they stand to the rule."""

from __future__ import annotations

from harness.gate.bound import bound_of
from harness.gate.policy import AtLeast, AtMost, Improves, NotWorse, Rule
from harness.quantity import (
    difference_scale,
    level_scale,
    say_bound,
    say_e_value,
    say_interval,
    say_margin,
)
from harness.verdict import Estimate, Status

NOTHING_MEASURED = "no data: nothing was measured for this rule"


def sentence(rule: Rule, estimate: Estimate, status: Status, *, n_family: int) -> str:
    """One line for a person, for instance `harm +0.4 ms [−0.2, +1.1], below the margin of 3 ms`.

    Args:
        n_family: How many rules share the Holm correction that this one went through.
    """
    return _standing_of(rule, estimate, status, n_family) + _evidence(rule, estimate, status)


def measured(rule: Rule, estimate: Estimate) -> str:
    """What a guardrail saw: its harm, or the level it is about, with its interval."""
    bound = bound_of(rule).value
    match rule:
        case AtMost():
            return _level(estimate, bound)
        case AtLeast():
            return _turned_level(estimate, bound)
        case _:
            return _harm(estimate, bound)


def _standing_of(rule: Rule, estimate: Estimate, status: Status, n_family: int) -> str:
    bound = bound_of(rule).value
    match rule:
        case NotWorse(margin=margin):
            limit = f"the margin of {say_margin(margin.value, estimate.unit, margin.relative)}"
            return f"{_harm(estimate, bound)}, " + _standing(
                estimate, bound, status, n_family, words=(f"below {limit}", f"above {limit}")
            )
        case AtMost(value=value):
            limit = f"the {say_bound(value, estimate.unit)} allowed"
            return f"{_level(estimate, bound)}, " + _standing(
                estimate, bound, status, n_family, words=(f"below {limit}", f"above {limit}")
            )
        case AtLeast(value=value):
            limit = f"the {say_bound(value, estimate.unit)} demanded"
            return f"{_turned_level(estimate, bound)}, " + _standing(
                estimate, bound, status, n_family, words=(f"above {limit}", f"below {limit}")
            )
        case Improves():
            return f"{_harm(estimate, bound)}, {_gain(rule, estimate, status, n_family)}"


def _evidence(rule: Rule, estimate: Estimate, status: Status) -> str:
    """How much an estimate that may be looked at any time has gathered; empty for others."""
    if estimate.e_value is None or estimate.memory is None:
        return ""
    needed = 1 / (1 - estimate.confidence)
    if status is Status.FAIL and not isinstance(rule, Improves):
        at = "" if estimate.harm_low > estimate.null else " at an earlier look"
        return (
            f"; e-value of harm {say_e_value(estimate.memory.e_harm)}{at}, {needed:.3g} is an alarm"
        )
    return f"; e-value {say_e_value(estimate.e_value)}, {needed:.3g} needed"


def _harm(estimate: Estimate, bound: float) -> str:
    harms = (estimate.harm, estimate.harm_low, estimate.harm_high)
    scale = difference_scale(estimate.unit, *harms, bound, relative=estimate.relative)
    return f"harm {say_interval(*harms, scale, signed=True, beside=(bound,))}"


def _level(estimate: Estimate, bound: float) -> str:
    levels = (estimate.harm, estimate.harm_low, estimate.harm_high)
    return say_interval(*levels, level_scale(estimate.unit, *levels), beside=(bound,))


def _turned_level(estimate: Estimate, bound: float) -> str:
    levels = (-estimate.harm, -estimate.harm_high, -estimate.harm_low)
    return say_interval(*levels, level_scale(estimate.unit, *levels), beside=(-bound,))


def _standing(
    estimate: Estimate, bound: float, status: Status, n_family: int, *, words: tuple[str, str]
) -> str:
    """How a guardrail's interval lies; `words` say it for a pass and for a fail."""
    passing, failing = words
    match status:
        case Status.PASS:
            return passing
        case Status.FAIL:
            return failing
        case _ if estimate.harm_low > bound:
            return f"{failing}, but not surely so as one of {n_family} guardrails"
        case _:
            return f"not surely {passing}"


def _gain(rule: Improves, estimate: Estimate, status: Status, n_family: int) -> str:
    asked = say_margin(rule.by.value, estimate.unit, rule.by.relative)
    better = f"better by more than {asked}" if rule.by.value else "better"
    match status:
        case Status.PASS:
            return f"surely {better}"
        case Status.FAIL:
            worth = say_margin(rule.worth, estimate.unit, estimate.relative)
            return f"a gain of {worth} is ruled out"
        case _ if estimate.harm_high < -rule.by.value:
            return f"{better}, but not surely so as one of {n_family} goals"
        case _ if estimate.harm_low > -rule.by.value:
            return f"surely not {better}"
        case _:
            return f"not surely {better}"

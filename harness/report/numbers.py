"""A finding's numbers as a report shows them; the units and digits are those of its sentence."""

from __future__ import annotations

from harness.quantity import difference_scale, level_scale, say, say_bound, say_interval, say_margin
from harness.verdict import Finding, Status

NOTHING = "–"
AMONG_FAILURES = "failed"


def count(n: int) -> str:
    """A number of things, thousands separated by commas."""
    return f"{n:,}"


def p_value(p: float | None) -> str:
    """Two significant digits; what is below 0.0001 is said to be so, never zero.

    Examples:
        >>> p_value(0.01234), p_value(3e-9), p_value(None)
        ('0.012', '<0.0001', '–')
    """
    if p is None or p != p:
        return NOTHING
    return "<0.0001" if p < 0.0001 else f"{p:.2g}"


def share(value: float) -> str:
    """A fraction as percent."""
    return say(value, "fraction")


def size(value: float) -> str:
    """How far apart two answers are, three significant digits."""
    return say(value, "distance")


def champion(finding: Finding) -> str:
    """The champion's own value."""
    return say(finding.champion, finding.unit)


def challenger(finding: Finding) -> str:
    """The challenger's own value, or the pair's.

    A rule that fails without one is about a quantile that lies among the failures.
    """
    if finding.challenger is None and finding.status is Status.FAIL:
        return AMONG_FAILURES
    return say(finding.challenger, finding.unit)


def harm(finding: Finding) -> str:
    """The harm with its interval; of a rule about a level, that level with its interval."""
    if finding.harm is None or finding.harm_low is None or finding.harm_high is None:
        return NOTHING
    parts = (finding.harm, finding.harm_low, finding.harm_high)
    margin = finding.margin if finding.margin is not None else 0.0
    match kind(finding):
        case "at_most":
            scale = level_scale(finding.unit, *parts)
            return say_interval(*parts, scale, beside=(margin,))
        case "at_least":
            middle, low, high = -finding.harm, -finding.harm_high, -finding.harm_low
            scale = level_scale(finding.unit, *parts)
            return say_interval(middle, low, high, scale, beside=(-margin,))
        case _:
            scale = difference_scale(finding.unit, *parts, margin, relative=finding.relative)
            return say_interval(*parts, scale, signed=True, beside=(margin,))


def demand(finding: Finding) -> str:
    """What the rule asks of the harm, or of the level, for instance `< 3 ms` or `> 95 %`."""
    if finding.margin is None:
        return NOTHING
    match kind(finding):
        case "at_most":
            return f"< {say_bound(finding.margin, finding.unit)}"
        case "at_least":
            return f"> {say_bound(-finding.margin, finding.unit)}"
        case _:
            return f"< {say_margin(finding.margin, finding.unit, finding.relative)}"


def kind(finding: Finding) -> str:
    """The verb of the rule: `not_worse`, `improves`, `at_most` or `at_least`."""
    return finding.rule.partition(" ")[0]

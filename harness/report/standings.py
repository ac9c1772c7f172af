"""Several runs or challengers beside each other: what each rule found of each of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from harness.quantity import say, say_margin
from harness.report import numbers
from harness.report.sanitize import printable
from harness.verdict import Arm, ChallengerVerdict, Finding

BARS = "▁▂▃▄▅▆▇█"

LEAST_RUNS = 3
"""With fewer there is no course to see."""

OWN_CHAMPION = (
    "Each harm is against the champion of its own run, on that run's requests. Whether two runs "
    "differ from each other is not tested here."
)


@dataclass(frozen=True, slots=True)
class Standing:
    """What one run says of one challenger.

    Attributes:
        config: The config's name; `config_digest` tells whether two are the same.
        policy_digest: Of everything the verdict depends on besides the pairs.
    """

    run_id: str
    started_at: datetime
    config: str
    config_digest: str
    policy_digest: str
    judged: ChallengerVerdict


@dataclass(frozen=True, slots=True)
class Sides:
    """One challenger's arms in a few words each, `champion → challenger`."""

    failed: str
    p50: str
    p95: str
    cost: str


def rules_in(standings: Sequence[Standing]) -> tuple[str, ...]:
    """Every rule that was judged of the whole traffic, in the order of the policies."""
    found = (one.rule for standing in standings for one in _whole(standing))
    return tuple(dict.fromkeys(found))


def finding_of(standing: Standing, rule: str) -> Finding | None:
    """What was found of a rule; None where that run was not judged by it."""
    return next((one for one in _whole(standing) if one.rule == rule), None)


def challengers_in(standings: Sequence[Standing]) -> tuple[str, ...]:
    """Names, in the order in which they first appear."""
    return tuple(dict.fromkeys(one.judged.challenger for one in standings))


def sides_of(standing: Standing) -> Sides:
    """Failures, latency of answered requests, and cost for each request."""
    match standing.judged.arms:
        case [champion, challenger]:
            arms = (champion, challenger)
        case _:
            return Sides(*[numbers.NOTHING] * 4)
    failed = [_failed_share(arm) for arm in arms]
    costs = [_cost_of_one(arm) for arm in arms]
    return Sides(
        failed=_arrow(*(say(share, "fraction") for share in failed)),
        p50=_arrow(*(say(arm.latency_s.get("p50"), "s") for arm in arms)),
        p95=_arrow(*(say(arm.latency_s.get("p95"), "s") for arm in arms)),
        cost=_arrow(*(say(cost, "usd") for cost in costs)),
    )


def notes_on(standings: Sequence[Standing]) -> Iterator[str]:
    """What somebody who reads numbers beside each other should know of them."""
    yield OWN_CHAMPION
    champions = sorted({one.judged.arms[0].deployment for one in standings if one.judged.arms})
    if len(champions) > 1:
        names = ", ".join(printable(name, longest=60) for name in champions)
        yield f"The runs have different champions: {names}."
    for rule in rules_in(standings):
        found = [one for one in (finding_of(standing, rule) for standing in standings) if one]
        margins = {(one.margin, one.relative): one for one in found if one.margin is not None}
        if len(margins) > 1:
            said = ", ".join(_margin(one) for one in margins.values())
            yield f"{rule} was judged by different margins: {said}."
        if len(found) < len(standings):
            missing = len(standings) - len(found)
            yield f"{rule} is no rule for {numbers.count(missing)} of {len(standings)}."


def sparkline(values: Sequence[float | None], *, beside: Sequence[float] = ()) -> str:
    """One bar for each value; a gap where there is none.

    Args:
        beside: What else lies between the lowest and the highest bar: no harm and the margin, so
            that noise far from both looks as small as it is.

    Examples:
        >>> sparkline([0.0, 1.0, None, 2.0, 4.0])
        '▁▃ ▅█'
        >>> sparkline([1.0, 1.2, 1.1], beside=(0.0, 3.0))
        '▃▄▄'
    """
    known = [value for value in values if value is not None]
    if not known:
        return ""
    low, high = min(*known, *beside, known[0]), max(*known, *beside, known[0])
    step = (high - low) / (len(BARS) - 1)
    return "".join(
        " " if value is None else BARS[round((value - low) / step) if step else len(BARS) // 2]
        for value in values
    )


def course(standings: Sequence[Standing], rule: str, challenger: str) -> str:
    """How a challenger's harm went from run to run, as bars; empty below three runs."""
    found = [finding_of(one, rule) for one in standings if one.judged.challenger == challenger]
    if len(found) < LEAST_RUNS:
        return ""
    margins = [one.margin for one in found if one is not None and one.margin is not None]
    harms = [one.harm if one is not None else None for one in found]
    return sparkline(harms, beside=(0.0, *margins))


def _whole(standing: Standing) -> Iterator[Finding]:
    return (one for one in standing.judged.findings if one.segment is None)


def _margin(finding: Finding) -> str:
    assert finding.margin is not None
    return say_margin(finding.margin, finding.unit, finding.relative)


def _failed_share(arm: Arm) -> float | None:
    n = sum(arm.outcomes.values())
    return 1 - arm.outcomes.get("ok", 0) / n if n else None


def _cost_of_one(arm: Arm) -> float | None:
    n = sum(arm.outcomes.values())
    return arm.cost_usd / n if n and arm.cost_usd is not None else None


def _arrow(champion: str, challenger: str) -> str:
    if champion == challenger == numbers.NOTHING:
        return numbers.NOTHING
    return f"{champion} → {challenger}"

"""Which part of the traffic the cheaper challenger may take over, in a few lines."""

from __future__ import annotations

from collections.abc import Iterator

from harness.report import numbers
from harness.verdict import ChallengerVerdict, Route, RouteTo

MOST_ROUTES = 6

WORDS = {
    RouteTo.CHALLENGER: "send to the challenger",
    RouteTo.CHAMPION: "keep on the champion",
    RouteTo.OPEN: "open",
}


def route_lines(judged: ChallengerVerdict) -> Iterator[str]:
    """One line for each part, the largest first; nothing where no rule is about cost."""
    for route in judged.routes[:MOST_ROUTES]:
        yield f"{route.segment}: {WORDS[route.to]}, {route.reason}; cost {cost_change(route)}"
    more = len(judged.routes) - MOST_ROUTES
    if more > 0:
        yield f"{numbers.count(more)} more parts are in the JSON form"


def cost_change(route: Route) -> str:
    """By how much calls are dearer or cheaper there."""
    if route.cost_change is None:
        return numbers.NOTHING
    sign = "+" if route.cost_change > 0 else "\N{MINUS SIGN}" if route.cost_change < 0 else ""
    return f"{sign}{abs(route.cost_change) * 100:.3g} %"

"""Where the cheaper challenger is good enough: by part of the traffic.

A challenger that cannot take over everything may take over a part: the short prompts, say. Of each
part it is asked what the whole is asked: whether every guardrail is surely within its own margin
there, and whether calls are surely cheaper.

    surely within every margin, surely cheaper     the challenger
    surely beyond a margin, or surely dearer       the champion
    anything else                                  open, with what is not shown

A part must be surely within *all* margins, so that no correction is due for several rules
(intersection-union; Berger 1982, Technometrics 24:295). Each part is said at the policy's own
confidence; of many parts some are lucky. Who means to route by a part checks it on traffic that
was not looked at to find it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from harness.gate.bound import bound_of
from harness.gate.policy import Improves
from harness.gate.segments import MIN_CLUSTERS, PartEvidence
from harness.verdict import Estimate, Route, RouteTo

_COST = "cost_usd."


def routes(parts: Sequence[PartEvidence]) -> tuple[Route, ...]:
    """Whom each part may be sent to; nothing where no rule is about cost.

    Args:
        parts: What was seen of every rule within every part.
    """
    by_part = sorted(parts, key=lambda one: one.part)
    found = (_route(part, list(seen)) for part, seen in groupby(by_part, lambda one: one.part))
    return tuple(sorted((one for one in found if one is not None), key=lambda one: -one.n_pairs))


def _route(part: str, seen: Sequence[PartEvidence]) -> Route | None:
    costs = [one.seen for one in seen if one.rule.metric.startswith(_COST)]
    if not costs:
        return None
    guards = [
        one
        for one in seen
        if not one.rule.metric.startswith(_COST) and not isinstance(one.rule, Improves)
    ]
    n_pairs = max(one.seen.n_pairs for one in seen)
    n_clusters = max(one.seen.n_clusters for one in seen)
    cost = next((one for one in costs if isinstance(one, Estimate)), None)
    to, reason = _judged(guards, cost, n_clusters)
    return Route(
        segment=part,
        to=to,
        reason=reason,
        n_pairs=n_pairs,
        n_clusters=n_clusters,
        cost_change=None if cost is None else _change(cost),
    )


def _judged(
    guards: Sequence[PartEvidence], cost: Estimate | None, n_clusters: int
) -> tuple[RouteTo, str]:
    worse = [one.rule.title for one in guards if _is_beyond(one)]
    if worse:
        return RouteTo.CHAMPION, f"surely beyond its margin: {', '.join(worse)}"
    if cost is not None and cost.harm_low > 0:
        return RouteTo.CHAMPION, "the challenger is surely dearer"
    if n_clusters < MIN_CLUSTERS:
        return RouteTo.OPEN, f"{n_clusters} clusters are too few, {MIN_CLUSTERS} are needed"
    lacking = list(_not_shown(guards, cost))
    if lacking:
        return RouteTo.OPEN, f"not shown: {', '.join(lacking)}"
    rules = "the guardrail" if len(guards) == 1 else f"all {len(guards)} guardrails"
    return RouteTo.CHALLENGER, f"within the margins of {rules}, and cheaper"


def _not_shown(guards: Sequence[PartEvidence], cost: Estimate | None) -> Iterator[str]:
    for one in guards:
        seen = one.seen
        if not isinstance(seen, Estimate) or not seen.harm_high < bound_of(one.rule).value:
            yield one.rule.title
    if not guards:
        yield "any guardrail besides cost"
    if cost is None or not cost.harm_high < 0:
        yield "cheaper"


def _is_beyond(one: PartEvidence) -> bool:
    if not isinstance(one.seen, Estimate):
        return one.seen.certain_harm
    return one.seen.harm_low > bound_of(one.rule).value


def _change(cost: Estimate) -> float | None:
    if not cost.champion or cost.challenger is None:
        return None
    return cost.challenger / cost.champion - 1

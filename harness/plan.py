"""A policy and what is known of the traffic in, how much data each rule needs out.

For each rule of a challenger:

    pilot values or assumptions -> a footing: the prospects of its test, the harm taken for true
    footing + level + power     -> clusters needed                             (stats.prospects)
    footing + clusters at hand  -> what these could show                       (stats.prospects)

A promotion needs every guardrail and one goal. With `G` rules to pass, each is planned with power
`1 - (1 - power) / G`, so that all of them pass together with at least `power` (Bonferroni on the
misses). Its level is what the gate will really ask of it: with several challengers of which one
alone is good, Holm's first step, and with several goals likewise; where gate runs against one log
share the error, what is left for the one planned.

References:
    Schultzberg, Ankargren & Frånberg (2024), arXiv 2402.11609, for power with guardrails.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.footing import Footing
from harness.gate.bound import bound_of
from harness.gate.ledger import alpha_of
from harness.gate.policy import Improves, NotWorse, Policy, Rule, Sequential
from harness.gate.segments import MIN_CLUSTERS
from harness.metric import Metric
from harness.stats.planning import POWER
from harness.stats.prospects import clusters_for, provable_harm, smallest_margin
from harness.stats.stopping import PATIENCE

NEEDS_WORTH = "nobody said what gain is worth shipping: set `worth:` to plan for it"


@dataclass(frozen=True, slots=True)
class AtHand:
    """How much data there is, or will be."""

    n_pairs: int
    n_clusters: int


@dataclass(frozen=True, slots=True)
class Aim:
    """What a plan is for.

    Attributes:
        n_challengers: How many share the level.
        power: Chance that everything passes when what is assumed is true.
        sequential: Whether the gate may be asked at any time.
        pairs_per_cluster: Requests per cluster, 1 or more.
        gate_run: Which gate run against its log this is for, where these share one error
            (`alpha_ledger`).
    """

    n_challengers: int = 1
    power: float = POWER
    sequential: bool = False
    pairs_per_cluster: float = 1.0
    gate_run: int | None = None


@dataclass(frozen=True, slots=True)
class PartPlan:
    """How much data a protected part of the traffic needs: without it the gate holds.

    Attributes:
        part: `source=mobile`.
        clusters_share: Of all clusters, those with a pair in it.
        clusters_needed: In all, so that the part has enough; None where it has none.
    """

    part: str
    clusters_share: float
    clusters_needed: int | None
    is_enough: bool | None


@dataclass(frozen=True, slots=True)
class RulePlan:
    """How much data one rule needs. Harms are as in a finding: positive is worse.

    Attributes:
        margin: What the harm has to be surely below.
        assumed: The harm taken for true.
        alpha: One-sided error that a promotion leaves this rule.
        power: Of this rule alone.
        clusters_needed: None where no number can be given; `why` says so.
        expected_clusters: Where the gate may be asked at any time, when it is expected to stop.
        clusters_to_budget: And how long to be ready for.
        provable: The largest true harm that the data at hand would show to be below the margin.
        smallest_margin: Of a `not_worse`: what margin they could bear if there is no true harm.
            Both are for one look, also where more are allowed.
        is_enough: Whether the data at hand are, and to be ready for where they may be looked at
            any time; None where that is not known.
        why: Why something is missing here, one sentence; empty if nothing is.
    """

    rule: Rule
    metric: Metric
    margin: float
    relative: bool
    basis: str
    why: str
    alpha: float
    power: float
    assumed: float | None = None
    clusters_needed: int | None = None
    pairs_needed: int | None = None
    expected_clusters: int | None = None
    expected_pairs: int | None = None
    clusters_to_budget: int | None = None
    pairs_to_budget: int | None = None
    provable: float | None = None
    smallest_margin: float | None = None
    is_enough: bool | None = None


def plan_rules(
    policy: Policy,
    metrics: Sequence[Metric],
    footings: Sequence[Footing | str],
    at_hand: AtHand | None,
    aim: Aim,
) -> tuple[RulePlan, ...]:
    """Plan every rule of a policy.

    Args:
        metrics: Of the policy's rules, in their order, as are `footings`.
        footings: What each rule's plan stands on, or one sentence why there is no plan.
        at_hand: None where nobody knows.
    """
    return tuple(
        _planned(rule, metric, footing, at_hand, aim, policy)
        for rule, metric, footing in zip(policy.rules, metrics, footings, strict=True)
    )


def plan_parts(shares: Mapping[str, float], at_hand: AtHand | None) -> tuple[PartPlan, ...]:
    """Plan the protected parts.

    Args:
        shares: Of each, the share of clusters that have a pair in it.
    """
    needed = {
        part: math.ceil(MIN_CLUSTERS / share - 1e-9) if share > 0 else None
        for part, share in shares.items()
    }
    return tuple(
        PartPlan(part, share, needed[part], _is_enough(at_hand, needed[part]))
        for part, share in shares.items()
    )


def bottleneck(plans: Sequence[RulePlan]) -> RulePlan | None:
    """The rule that needs the most; None where none could be planned."""
    counted = [one for one in plans if one.clusters_needed is not None]
    return max(counted, key=lambda one: one.clusters_needed or 0, default=None)


def _planned(
    rule: Rule,
    metric: Metric,
    footing: Footing | str,
    at_hand: AtHand | None,
    aim: Aim,
    policy: Policy,
) -> RulePlan:
    bound, (alpha, power) = bound_of(rule), _level(rule, policy, aim)
    if isinstance(footing, str):
        return RulePlan(rule, metric, bound.value, bound.relative, "", footing, alpha, power)
    if policy.sequential is Sequential.STRICT:
        footing = footing.one_per_cluster()
    needed = _clusters(footing, alpha, power)
    expected = _expected(footing, alpha, needed) if aim.sequential else None
    to_budget = _to_budget(needed, expected) if aim.sequential else None
    provable, margin = _shown(rule, footing, at_hand, alpha, power)

    def pairs(n_clusters: int | None) -> int | None:
        return None if n_clusters is None else math.ceil(n_clusters * aim.pairs_per_cluster)

    return RulePlan(
        rule,
        metric,
        bound.value,
        bound.relative,
        footing.basis,
        _lacking(rule, footing, needed),
        alpha,
        power,
        assumed=footing.as_harm(footing.harm),
        clusters_needed=needed,
        pairs_needed=pairs(needed),
        expected_clusters=expected,
        expected_pairs=pairs(expected),
        clusters_to_budget=to_budget,
        pairs_to_budget=pairs(to_budget),
        provable=footing.as_harm(provable),
        smallest_margin=footing.as_harm(margin),
        is_enough=_is_enough(at_hand, to_budget or needed),
    )


def _is_enough(at_hand: AtHand | None, wanted: int | None) -> bool | None:
    return None if at_hand is None or wanted is None else at_hand.n_clusters >= wanted


def _level(rule: Rule, policy: Policy, aim: Aim) -> tuple[float, float]:
    """One-sided error and power of one rule on the way to a promotion."""
    n_goals = sum(isinstance(one, Improves) for one in policy.rules)
    n_to_pass = len(policy.rules) - n_goals + min(1, n_goals)
    n_sharing = aim.n_challengers * (n_goals if isinstance(rule, Improves) else 1)
    alpha = 1 - policy.confidence
    if aim.gate_run is not None:
        alpha = alpha_of(alpha, aim.gate_run)
    return alpha / n_sharing, 1 - (1 - aim.power) / n_to_pass


def _clusters(footing: Footing, alpha: float, power: float) -> int | None:
    if footing.harm is None:
        return None
    needed = clusters_for(
        footing.prospect, harm=footing.harm, alpha=alpha, power=power, least=footing.least
    )
    return None if needed is None else math.ceil(needed / footing.usable)


def _expected(footing: Footing, alpha: float, needed: int | None) -> int | None:
    if needed is None or footing.harm is None:
        return None
    stop = footing.prospect.stop(footing.harm, alpha=alpha, planned=needed * footing.usable)
    return math.ceil(stop / footing.usable) if math.isfinite(stop) else None


def _to_budget(needed: int | None, expected: int | None) -> int | None:
    if needed is None:
        return None
    return max(math.ceil(PATIENCE * needed), expected or 0)


def _shown(
    rule: Rule, footing: Footing, at_hand: AtHand | None, alpha: float, power: float
) -> tuple[float | None, float | None]:
    """What the data at hand could show: the largest harm below the margin, the smallest margin."""
    if at_hand is None:
        return None, None
    n_clusters = math.floor(at_hand.n_clusters * footing.usable)
    if n_clusters < footing.least:
        return None, None
    provable = provable_harm(footing.prospect, n_clusters=n_clusters, alpha=alpha, power=power)
    if not isinstance(rule, NotWorse):
        return provable, None
    return provable, smallest_margin(
        footing.prospect, n_clusters=n_clusters, alpha=alpha, power=power
    )


def _lacking(rule: Rule, footing: Footing, needed: int | None) -> str:
    if needed is not None:
        return ""
    if footing.harm is None:
        return NEEDS_WORTH
    if isinstance(rule, NotWorse) and bound_of(rule).value == 0:
        return "with a margin of 0 no amount of data shows that two equals are not worse"
    return "what is assumed for true lies at the limit or beyond: no amount of data would do"

"""Estimates, observations and a reference Holm for the tests of the gate."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

from harness.gate.bound import bound_of
from harness.gate.judge import judge
from harness.gate.policy import AtMost, Improves, Margin, NotWorse, Policy, Rule
from harness.gate.validity import Observed, validate
from harness.pair import Conservation, LossReason
from harness.stats.planning import clusters_needed
from harness.verdict import Estimate, Finding, Unavailable, ValidityCheck

FAILURES = NotWorse("failure_rate", Margin(0.02))
LATENCY = NotWorse("latency_s.mean", Margin(0.003))
ACCURACY = Improves("accuracy")
UNITS = {"latency_s": "s", "cost_usd": "usd", "failure_rate": "fraction", "accuracy": "fraction"}


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm 1979, step down, written from the definition."""
    adjusted = [0.0] * len(p_values)
    running = 0.0
    for rank, i in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = running
    return adjusted


def estimate(
    rule: Rule, harm: float, error: float, *, n_pairs: int = 900, n_clusters: int = 600
) -> Estimate:
    """A normal estimate of `harm` with standard error `error`, tested against the rule's bound."""
    bound = bound_of(rule)
    z = NormalDist().inv_cdf(0.95)
    p_value = NormalDist().cdf((harm - bound.value) / error)
    return Estimate(
        metric=rule.metric,
        unit="fraction"
        if isinstance(rule, AtMost)
        else UNITS.get(rule.metric.split(".")[0], "score"),
        champion=None,
        challenger=None,
        harm=harm,
        harm_low=harm - z * error,
        harm_high=harm + z * error,
        confidence=0.95,
        null=bound.value,
        p_value=p_value,
        p_harm=1 - p_value,
        method="normal",
        n_pairs=n_pairs,
        n_clusters=n_clusters,
        relative=bound.relative,
    )


def judged(
    rules: Sequence[Rule], evidence: Sequence[Estimate | Unavailable | None]
) -> tuple[Finding, ...]:
    return judge(rules, evidence, confidence=0.95, holm=holm, clusters_needed=clusters_needed)


def observed(**changes: object) -> Observed:
    """A sound collection of 900 pairs from 1000 requests, one in ten sampled out."""
    sound: dict[str, object] = {
        "conservation": Conservation(1000, 900, {LossReason.SAMPLED_OUT: 100}),
        "n_pairs": 900,
        "n_clusters": 600,
        "n_champion_failed": 3,
        "n_challenger_failed": 4,
    }
    return Observed(**{**sound, **changes})  # type: ignore[arg-type]  # fields are named above


def checked(seen: Observed) -> tuple[ValidityCheck, ...]:
    return validate(seen, Policy(rules=()))

"""Which rules of a config can get evidence from a log, before anything is asked.

Nothing here is a verdict. It says what is certain beforehand: a cost rule without prices has no
data, a p99 cannot be known from three hundred requests, and a rate cannot be shown to be below 1 %
by fifty. What passes here can still turn out inconclusive.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from statistics import NormalDist

import numpy as np

from harness.config.model import Config
from harness.gate.policy import AtLeast, AtMost, NotWorse, Policy, Rule
from harness.measure.catalog import STREAM_QUANTITIES
from harness.metric import Exceedance, Metric, Quantile, Rate, Sides
from harness.stats import sequential_quantile
from harness.stats.arrival import FIRST_CHECKPOINT
from harness.stats.quantile import MIN_EXCEEDANCES
from harness.stats.sufficiency import MIN_CLUSTERS
from harness.stats.wager import Wager


@dataclass(frozen=True, slots=True)
class LogSummary:
    """What a log holds, as far as it matters to the rules.

    Attributes:
        n_rejected: Entries that could not be read.
        n_with_answer: Entries whose recorded answer is known.
        n_with_latency: Of those, how many have a latency.
        n_with_truth: Entries whose right label is known, in the place the config names.
        n_with_cluster: Entries that name their user or conversation.
        n_clusters: Different ones among them; entries without one are not counted.
        first_at_ns: None in a log without times.
        resolution_ns: How fine the format's times are.
    """

    where: str
    format_name: str
    n_entries: int
    n_rejected: int = 0
    first_rejection: str | None = None
    n_with_answer: int = 0
    n_with_latency: int = 0
    n_with_truth: int = 0
    n_with_cluster: int = 0
    n_clusters: int = 0
    first_at_ns: int | None = None
    last_at_ns: int | None = None
    resolution_ns: int = 1

    @property
    def duration_s(self) -> float | None:
        if self.first_at_ns is None or self.last_at_ns is None:
            return None
        return (self.last_at_ns - self.first_at_ns) / 1e9


class Evidence(StrEnum):
    """What a rule can count on."""

    POSSIBLE = "possible"
    NONE = "no_data"  # whatever the deployments do, the rule has nothing to judge
    TOO_LITTLE = "too_little"  # the best answers imaginable would not be enough of them
    UNKNOWN = "unknown"  # without a log nobody can tell


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What one rule can expect.

    Attributes:
        why: One sentence; empty when evidence is possible.
    """

    rule: Rule
    metric: Metric
    evidence: Evidence
    why: str = ""


def n_pairs(config: Config, log: LogSummary) -> int:
    """How many pairs each challenger will have, if nothing is lost."""
    recorded = config.champion_answers == "recorded"
    return max(0, (log.n_with_answer if recorded else log.n_entries) - config.warm_up)


def n_clusters(config: Config, log: LogSummary) -> int:
    """How many independent groups they are, at most; an entry without a name is its own."""
    return min(n_pairs(config, log), log.n_clusters + log.n_entries - log.n_with_cluster)


def foresee(config: Config, challenger: str, log: LogSummary | None) -> tuple[Foreseen, ...]:
    """What each rule of a challenger's policy can expect, in the policy's order."""
    policy = config.policy_for(challenger)
    return tuple(
        _foreseen(config, challenger, policy, rule, metric, log)
        for rule, metric in zip(policy.rules, config.metrics_for(challenger), strict=True)
    )


def obstacles(config: Config, log: LogSummary) -> tuple[str, ...]:
    """Why this log cannot be replayed with this config, a sentence each; empty when it can."""
    if log.n_entries == 0:
        return (f"The log holds no request that can be read ({log.n_rejected} that cannot).",)
    found = []
    if log.n_rejected > config.max_rejected_rate * (log.n_entries + log.n_rejected):
        share = f"{config.max_rejected_rate:.0%}"
        found.append(f"More than {share} of the log cannot be read: a replay refuses it.")
    if config.pacing.mode == "recorded" and log.first_at_ns is None:
        found.append("The log has no times to keep: replay it with `pacing: {mode: closed, ...}`.")
    if config.champion_answers == "recorded" and log.n_with_answer == 0:
        found.append("The log has no answers: `champion_answers: recorded` has nothing to take.")
    elif n_pairs(config, log) == 0:
        found.append(f"Nothing is left after {config.warm_up} requests to warm up.")
    return tuple(found)


def cautions(config: Config, log: LogSummary | None) -> tuple[str, ...]:
    """What to know before running this, the gravest first, a sentence each."""
    return tuple(_cautions(config, log))


def _foreseen(
    config: Config,
    challenger: str,
    policy: Policy,
    rule: Rule,
    metric: Metric,
    log: LogSummary | None,
) -> Foreseen:
    if why := _without_data(config, challenger, metric):
        return Foreseen(rule, metric, Evidence.NONE, why)
    if log is None:
        return Foreseen(rule, metric, Evidence.UNKNOWN)
    if why := _absent_from_log(config, metric, log):
        return Foreseen(rule, metric, Evidence.NONE, why)
    if why := _too_little(config, policy, rule, metric, log):
        return Foreseen(rule, metric, Evidence.TOO_LITTLE, why)
    return Foreseen(rule, metric, Evidence.POSSIBLE)


def _without_data(config: Config, challenger: str, metric: Metric) -> str:
    """Why the config alone rules out evidence; empty if it does not."""
    if metric.quantity in STREAM_QUANTITIES and config.champion_answers == "recorded":
        return "a log does not say when the tokens of its answers came"
    measured = metric.quantity in ("latency_s", "first_byte_s", "cost_usd")
    if measured and config.champion_answers == "recorded" and config.baseline != "recorded":
        return "the champion's was measured elsewhere; `baseline: recorded` accepts it"
    if metric.quantity == "cost_usd":
        asked = next(one for one in config.challengers if one.name == challenger)
        sides = (("champion", config.champion), ("challenger", asked))
        unpriced = [f"the {side}" for side, one in sides if one.price is None]
        if unpriced:
            return f"no `price` for {' and '.join(unpriced)}"
    return ""


def _absent_from_log(config: Config, metric: Metric, log: LogSummary) -> str:
    is_later = config.has_later_truth
    if metric.quantity in ("correct", "negative_flip") and not is_later and log.n_with_truth == 0:
        place = f"at {config.truth} of its request" if config.truth else "in its `truth` field"
        return f"no entry of the log has the right label {place}"
    recorded = config.champion_answers == "recorded"
    if metric.quantity == "latency_s" and recorded and log.n_with_latency == 0:
        return "the log has no latencies"
    return ""


def _too_little(config: Config, policy: Policy, rule: Rule, metric: Metric, log: LogSummary) -> str:
    pairs, clusters = n_pairs(config, log), n_clusters(config, log)
    least = _least_clusters(policy, rule, metric)
    if clusters < least:
        return f"{clusters} independent users or requests are too few, {least} are needed"
    if metric.name.endswith(".excess") and (n_twice := _n_asked_twice(config, pairs)) < least:
        return f"about {n_twice} requests are asked twice, and {least} are needed: raise `repeat`"
    if isinstance(metric.statistic, Quantile):
        tail = min(metric.statistic.p, 1 - metric.statistic.p)
        beyond = sequential_quantile.MIN_EXCEEDANCES if policy.sequential else MIN_EXCEEDANCES
        needed = math.ceil(beyond / tail - 1e-9)
        if pairs < needed:
            return (
                f"{pairs} pairs have {pairs * tail:.0f} values beyond the quantile; "
                f"{needed:,} pairs are needed, or a rule on .exceedance"
            )
    if isinstance(metric.statistic, Rate | Exceedance):
        fewest = fewest_for_rate(
            rule, metric, confidence=policy.confidence, sequential=policy.sequential is not None
        )
        if fewest is not None and clusters < fewest:
            return (
                f"{clusters} independent users or requests cannot show it, even without a single "
                f"one against it; {fewest:,} are needed"
            )
    return ""


def _n_asked_twice(config: Config, pairs: int) -> int:
    """Of how many pairs an excess is known: where challengers are asked twice, it needs both."""
    repeat = config.repeat_challenger or config.repeat
    return round(pairs * repeat.rate) if repeat is not None else 0


def _least_clusters(policy: Policy, rule: Rule, metric: Metric) -> int:
    """A bound that is looked at again and again has a burn-in; a bet on a share has none."""
    is_bet = isinstance(metric.statistic, Rate | Exceedance) or (
        isinstance(metric.statistic, Quantile) and isinstance(rule, AtMost | AtLeast)
    )
    return FIRST_CHECKPOINT if policy.sequential and not is_bet else MIN_CLUSTERS


def fewest_for_rate(
    rule: Rule, metric: Metric, *, confidence: float, sequential: bool = False
) -> int | None:
    """Observations that would be enough if all were as good as can be; None if none is.

    For one sample that is Clopper-Pearson without an event, `n >= ln(alpha) / ln(1 - value)`; for
    two paired ones Tango's score without a discordant pair, `n >= z^2 (1 - margin) / margin`.

    Examples:
        >>> from harness.metric import Better, Unit
        >>> failed = Metric("failure_rate", "failed", Rate(), Unit.FRACTION, Better.LOWER)
        >>> fewest_for_rate(AtMost("failure_rate", 0.01), failed, confidence=0.95)
        299
    """
    match rule:
        case AtMost(value=value):
            allowed = value
        case AtLeast(value=value):
            allowed = 1 - value
        case NotWorse(margin=margin):
            allowed = margin.value
        case _:
            return None
    if not 0 < allowed < 1:
        return None
    if sequential:
        return _fewest_for_bet(allowed, confidence)
    if isinstance(rule, NotWorse) and metric.sides is Sides.BOTH:
        z = NormalDist().inv_cdf(confidence)
        return math.ceil(z**2 * (1 - allowed) / allowed)
    return math.ceil(math.log(1 - confidence) / math.log(1 - allowed))


def _fewest_for_bet(allowed: float, confidence: float) -> int:
    """Observations of nothing until a bet on a share below `allowed` pays `1 / alpha`."""
    goal = math.log(1 / (1 - confidence))
    silent = Wager(np.zeros(1), np.ones(1), -1.0, 1.0)
    low, high = 0, 1
    while silent.times(high).log_e(allowed) < goal:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if silent.times(middle).log_e(allowed) >= goal else (middle, high)
    return high


def _cautions(config: Config, log: LogSummary | None) -> Iterator[str]:
    if config.champion_answers == "recorded" and config.baseline != "recorded":
        yield (
            "The champion's answers are recorded: rules on latency and cost have no data. "
            "`baseline: recorded` accepts what was measured elsewhere."
        )
    if not config.challengers:
        yield "There is no challenger: nothing will be compared."
    if log is not None:
        yield from _about_log(config, log)


def _about_log(config: Config, log: LogSummary) -> Iterator[str]:
    if log.n_rejected:
        yield (
            f"{log.n_rejected} of {log.n_entries + log.n_rejected} entries cannot be read "
            f"(first: {log.first_rejection})."
        )
    if config.pacing.mode == "recorded" and log.resolution_ns >= 1_000_000_000:
        yield "The log's times are whole seconds: requests of one second go out together."
    if config.champion_answers == "recorded" and 0 < log.n_with_answer < log.n_entries:
        yield f"{log.n_entries - log.n_with_answer} entries have no recorded answer: left out."
    if log.n_with_cluster == 0:
        place = f"`{config.cluster}` is in no entry" if config.cluster else "No `cluster` is named"
        yield f"{place}: requests are taken to be independent, which makes intervals too narrow."
    elif log.n_with_cluster < log.n_entries:
        alone = log.n_entries - log.n_with_cluster
        yield f"{alone} of {log.n_entries} entries name no user: each is taken for one of its own."
    for challenger in config.challengers:
        policy = config.policy_for(challenger.name)
        planned = None if policy.sequential else policy.planned_pairs
        if planned is not None and planned > n_pairs(config, log):
            yield (
                f"{challenger.name}: the gate holds before {planned} pairs, and the log gives "
                f"{n_pairs(config, log)}."
            )

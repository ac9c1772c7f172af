"""Whether a run can be evidence at all.

A rule asks how the challenger did; a check asks whether we were in a position to see it. A failed
check makes the run invalid for that challenger, whatever the rules say: numbers from a run that
lost its slow requests, or that was late itself, are precise and wrong.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from harness.gate.policy import Policy
from harness.pair import Conservation
from harness.quantity import say, say_bound, say_margin
from harness.verdict import Status, ValidityCheck

INTEGRITY_ERROR = 0.001
"""Error of each check that is itself a test: a sound run is called invalid once in a thousand."""

LARGEST_IMBALANCE = 0.1
"""Standardized difference of lost and paired requests that we call the same; the usual limit for
balance of covariates (Austin 2009)."""

LEAST_ORDER_SLACK = 0.05
"""How far the share of champion-first calls may lie from one half in a large run."""

LEAST_ONE_SIDED = 0.005
"""As many requests more that lack a value on one side than on the other are of no account."""


@dataclass(frozen=True, slots=True)
class Missingness:
    """How what one side alone has no value for differs from the rest, by what is known of both.

    Attributes:
        p_value: Two-sided, of no difference; of several that were asked about the smallest,
            multiplied by their number.
        standardized_difference: Difference of means in standard deviations.
        rule: The rule whose values are missing.
        known: In what they differ: `champion's latency`, `source=mobile`.
    """

    p_value: float
    standardized_difference: float
    rule: str = ""
    known: str = ""


@dataclass(frozen=True, slots=True)
class OneSided:
    """How often one side alone has no value, or no answer in its log.

    Attributes:
        n_champion: Requests for which the champion alone lacks it; likewise `n_challenger`.
        n_requests: Of which these are.
        p_value: Two-sided, of "either side lacks it as often"; for several, as in `Missingness`.
        what: `a value of not_worse cost_usd.mean`, or `an answer in the log`.
    """

    n_champion: int
    n_challenger: int
    n_requests: int
    p_value: float
    what: str


@dataclass(frozen=True, slots=True)
class Unlabelled:
    """A combination of answers that nobody gave a truth for.

    Attributes:
        n_pairs: Pairs with just these two answers, none of them with a truth.
        label_share: Share of all other pairs that have one.
        p_value: Of none here by chance, multiplied by the combinations that were asked about.
        n_asked: That number.
    """

    champion: str
    challenger: str
    n_pairs: int
    label_share: float
    p_value: float
    n_asked: int


@dataclass(frozen=True, slots=True)
class Sampled:
    """What sampling drew, beside what it was to draw.

    Attributes:
        n_drawn: Requests drawn; `n_eligible` of which they were drawn.
        share: To be drawn, 0 to 1.
        p_value: Two-sided, of that share; where the run may be looked at any time, 1 over the
            e-value against it.
    """

    n_drawn: int
    n_eligible: int
    share: float
    p_value: float


@dataclass(frozen=True, slots=True)
class Observed:
    """What there is to know about how one challenger's pairs were collected.

    Attributes:
        conservation: Where its requests went; an import counts its records.
        n_pairs: Pairs that reach the statistics.
        n_clusters: Users, sessions or conversations among them.
        n_champion_failed: Pairs in which the champion gave no usable answer.
        n_challenger_failed: Pairs in which the challenger gave none.
        n_duplicate_ids: Request ids beyond the first of their kind.
        n_negative_latencies: Latencies below zero, on either side.
        lag_p99_s: 99th percentile of our own lateness; None where no rule is about latency, or
            nothing was sent by a clock.
        n_champion_first: Pairs in which the champion was called first; None where the order was
            not ours to alternate (live, recorded answers, both at once).
        missingness: None where too few are missing on one side alone to tell; likewise `one_sided`.
        unlabelled: The combination of answers that most surely lacks labels for being what it is;
            None where no rule is about labels, every pair has one, or none has.
        sampled: None where every request was to be asked.
    """

    conservation: Conservation
    n_pairs: int
    n_clusters: int
    n_champion_failed: int = 0
    n_challenger_failed: int = 0
    n_duplicate_ids: int = 0
    n_negative_latencies: int = 0
    lag_p99_s: float | None = None
    n_champion_first: int | None = None
    missingness: Missingness | None = None
    one_sided: OneSided | None = None
    unlabelled: Unlabelled | None = None
    sampled: Sampled | None = None

    @property
    def challenger_always_failed(self) -> bool:
        return self.n_pairs > 0 and self.n_challenger_failed >= self.n_pairs


def validate(observed: Observed, policy: Policy) -> tuple[ValidityCheck, ...]:
    """Every check that applies, in the order a reader would ask them."""
    checks = [
        _pairs(observed),
        _conservation(observed.conservation),
        _pairing_rate(observed.conservation, policy.min_pairing_rate),
        _champion_answered(observed),
        _none_of("duplicate_request_ids", observed.n_duplicate_ids, "request ids that occur twice"),
        _none_of("negative_latencies", observed.n_negative_latencies, "latencies below zero"),
    ]
    if observed.lag_p99_s is not None:
        checks.append(_schedule_lag(observed.lag_p99_s, policy.max_lag_s))
    if observed.sampled is not None:
        checks.append(_sampling_ratio(observed.sampled))
    if observed.one_sided is not None:
        checks.append(_missing_by_side(observed.one_sided))
    if observed.missingness is not None:
        checks.append(_missing_at_random(observed.missingness))
    if observed.unlabelled is not None:
        checks.append(_labels_everywhere(observed.unlabelled))
    if observed.n_champion_first is not None and observed.n_pairs > 0:
        checks.append(_call_order(observed.n_champion_first, observed.n_pairs))
    return tuple(checks)


def unchecked(observed: Observed) -> dict[str, str]:
    """The checks that do not apply to a run, and why: one that is not named was not forgotten."""
    reasons = {
        "schedule_lag_p99_s": (
            observed.lag_p99_s,
            "no rule is about time, or nothing was sent by a clock",
        ),
        "sampling_ratio": (observed.sampled, "every request was to be asked, at one share at most"),
        "missing_by_side": (
            observed.one_sided,
            "next to no value is missing on one side alone, or the champion's are from a log",
        ),
        "missing_at_random": (
            observed.missingness,
            "too few values are missing on one side alone to be compared with the others",
        ),
        "labels_everywhere": (
            observed.unlabelled,
            "no rule needs labels, or there is no frequent combination of answers without them",
        ),
        "call_order": (observed.n_champion_first, "the order of calls was not ours to alternate"),
    }
    return {check: why for check, (seen, why) in reasons.items() if seen is None}


def _pairs(observed: Observed) -> ValidityCheck:
    n = observed.n_pairs
    text = f"{n:,} pairs" if n else "there is not one pair"
    return _check("pairs", n > 0, float(n), 1.0, text)


def _conservation(conservation: Conservation) -> ValidityCheck:
    accounted = conservation.paired + sum(conservation.losses.values()) + conservation.pending
    gap = conservation.received - accounted
    text = f"{conservation.received:,} requests received, {accounted:,} accounted for"
    return _check("conservation", conservation.holds, float(gap), 0.0, text)


def _pairing_rate(conservation: Conservation, least: float) -> ValidityCheck:
    rate = conservation.pairing_rate
    if rate is None:
        text = "no request was due to be paired"
        return ValidityCheck("pairing_rate", Status.FAIL, None, least, text)
    text = (
        f"{conservation.paired:,} of {conservation.due:,} requests due became pairs "
        f"({say(rate, 'fraction')}), {say_bound(least, 'fraction')} needed"
    )
    return _check("pairing_rate", rate >= least, rate, least, text)


def _champion_answered(observed: Observed) -> ValidityCheck:
    n, failed = observed.n_pairs, observed.n_champion_failed
    rate = failed / n if n else None
    text = f"the champion failed on {failed:,} of {n:,} requests"
    return _check("champion_answered", failed < n, rate, 1.0, text)


def _none_of(check: str, n: int, what: str) -> ValidityCheck:
    return _check(check, n == 0, float(n), 0.0, f"{what}: {n:,}")


def _schedule_lag(lag_p99_s: float, most_s: float) -> ValidityCheck:
    text = f"our own lateness has a p99 of {say(lag_p99_s, 's')}, {say_margin(most_s, 's')} allowed"
    return _check("schedule_lag_p99_s", lag_p99_s <= most_s, lag_p99_s, most_s, text)


def _sampling_ratio(sampled: Sampled) -> ValidityCheck:
    share = sampled.n_drawn / sampled.n_eligible if sampled.n_eligible else 0.0
    text = (
        f"{sampled.n_drawn:,} of {sampled.n_eligible:,} requests were drawn "
        f"({say(share, 'fraction')}), {say(sampled.share, 'fraction')} were to be "
        f"(p = {sampled.p_value:.2g})"
    )
    return _check("sampling_ratio", _likely(sampled.p_value), share, sampled.share, text)


def _missing_by_side(one_sided: OneSided) -> ValidityCheck:
    gap = abs(one_sided.n_challenger - one_sided.n_champion) / max(1, one_sided.n_requests)
    sound = _likely(one_sided.p_value) or gap <= LEAST_ONE_SIDED
    text = (
        f"{one_sided.what} is missing on the champion's side alone {one_sided.n_champion:,} times, "
        f"on the challenger's {one_sided.n_challenger:,} times of {one_sided.n_requests:,} "
        f"(p = {one_sided.p_value:.2g})"
    )
    return _check("missing_by_side", sound, gap, LEAST_ONE_SIDED, text)


def _missing_at_random(missing: Missingness) -> ValidityCheck:
    size = abs(missing.standardized_difference)
    # What is not a number was not seen to be harmless.
    small = size <= LARGEST_IMBALANCE and not math.isnan(missing.p_value)
    sound = small or (_likely(missing.p_value) and not math.isnan(size))
    what = f"values of {missing.rule} missing on one side" if missing.rule else "missing values"
    text = (
        f"requests with {what} differ from the others by {size:.2f} standard deviations"
        f"{f' of {missing.known}' if missing.known else ''} "
        f"(p = {missing.p_value:.2g}), {LARGEST_IMBALANCE:g} allowed"
    )
    return _check("missing_at_random", sound, size, LARGEST_IMBALANCE, text)


def _labels_everywhere(unlabelled: Unlabelled) -> ValidityCheck:
    """Where the champion's own action decides whether a truth ever comes, the labelled pairs are
    those it did well on (statisticians say: the metric is not identified)."""
    text = (
        f"none of the {unlabelled.n_pairs:,} pairs where the champion says "
        f"{unlabelled.champion} and the challenger {unlabelled.challenger} has a truth, "
        f"{say(unlabelled.label_share, 'fraction')} of the others do "
        f"(p = {unlabelled.p_value:.2g})"
    )
    sound = _likely(unlabelled.p_value)
    return _check("labels_everywhere", sound, unlabelled.p_value, INTEGRITY_ERROR, text)


def _likely(p_value: float) -> bool:
    return p_value >= INTEGRITY_ERROR


def _call_order(n_champion_first: int, n_pairs: int) -> ValidityCheck:
    """Alternating or drawn order puts each side first about half the time.

    The allowed distance is that of a fair coin at the integrity error, or `LEAST_ORDER_SLACK`.
    """
    share = n_champion_first / n_pairs
    slack = max(LEAST_ORDER_SLACK, 3.29 * 0.5 / math.sqrt(n_pairs))
    text = f"the champion was called first in {say(share, 'fraction')} of the pairs, half expected"
    return _check("call_order", abs(share - 0.5) <= slack, share, 0.5 + slack, text)


def _check(check: str, sound: bool, value: float | None, limit: float, text: str) -> ValidityCheck:
    return ValidityCheck(check, Status.PASS if sound else Status.FAIL, value, limit, text)

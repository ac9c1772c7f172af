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


@dataclass(frozen=True, slots=True)
class Missingness:
    """How the requests without a pair differ from those with one, by what the champion did.

    Attributes:
        p_value: Two-sided, of no difference.
        standardized_difference: Difference of means in standard deviations.
    """

    p_value: float
    standardized_difference: float


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
        missingness: None where too few are missing to tell.
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
    if observed.missingness is not None:
        checks.append(_missing_at_random(observed.missingness))
    if observed.n_champion_first is not None and observed.n_pairs > 0:
        checks.append(_call_order(observed.n_champion_first, observed.n_pairs))
    return tuple(checks)


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


def _missing_at_random(missing: Missingness) -> ValidityCheck:
    size = abs(missing.standardized_difference)
    differs = size > LARGEST_IMBALANCE and missing.p_value < INTEGRITY_ERROR
    # What is not a number was not seen to be harmless.
    sound = not differs and not (math.isnan(size) or math.isnan(missing.p_value))
    text = (
        f"requests without a pair differ from the others by {size:.2f} standard deviations "
        f"(p = {missing.p_value:.2g}), {LARGEST_IMBALANCE:g} allowed"
    )
    return _check("missing_at_random", sound, size, LARGEST_IMBALANCE, text)


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

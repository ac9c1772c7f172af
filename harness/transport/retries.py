"""Whether and when a request is sent once more: the deployment's declared production policy.

What a deployment's callers do in production is part of what is compared, so that latency and cost
are totals over attempts. Without a policy nothing is sent twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

from harness.exchange import Failure, FailureKind, Headers, Outcome, Response

_CONNECTING = frozenset({FailureKind.CONNECT_ERROR})


@dataclass(frozen=True, slots=True)
class Retries:
    """When to send again, and after how long.

    Attributes:
        n: How many times more, 0 or more.
        statuses: Answers that are asked for again.
        kinds: Failures after which to ask again. A timeout is none: the deadline is spent by then.
        back_off_s: Pause before the first retry; each further one doubles it.
        max_back_off_s: Longest pause of our own; a longer `Retry-After` counts.
    """

    n: int = 0
    statuses: frozenset[int] = frozenset({429, 502, 503, 504})
    kinds: frozenset[FailureKind] = _CONNECTING
    back_off_s: float = 0.1
    max_back_off_s: float = 5.0


NO_RETRIES = Retries()


def next_pause_s(
    retries: Retries,
    outcome: Outcome,
    *,
    n_tries: int,
    draw: Callable[[], float],
    wall_ns: Callable[[], int],
) -> float | None:
    """Seconds until this outcome should be tried again, after `n_tries`; None to let it stand.

    Args:
        draw: Gives a number uniform in [0, 1).
        wall_ns: Gives the time, for a `Retry-After` that is a date.
    """
    if n_tries > retries.n or not _is_wanted(retries, outcome):
        return None
    response = outcome.response if isinstance(outcome, Failure) else outcome
    asked_s = retry_after_s(response.headers, wall_ns) if response is not None else None
    return max(back_off_s(retries, n_tries, draw()), asked_s or 0.0)


def back_off_s(retries: Retries, n_tries: int, draw: float) -> float:
    """Seconds to wait by ourselves after `n_tries`.

    Half of the exponential pause is fixed and half is drawn (equal jitter, Brooker 2015), so that
    requests that failed together do not come back together.

    Examples:
        >>> policy = Retries(n=3, back_off_s=0.1)
        >>> back_off_s(policy, 1, 0.0), back_off_s(policy, 3, 0.5)
        (0.05, 0.30000000000000004)
    """
    doublings = min(n_tries - 1, 60)  # floats end at 1024 of them
    full = min(retries.back_off_s * 2.0**doublings, retries.max_back_off_s)
    return full * (0.5 + 0.5 * draw)


def _is_wanted(retries: Retries, outcome: Outcome) -> bool:
    match outcome:
        case Response(status) | Failure(FailureKind.HTTP_ERROR, _, Response(status)):
            return status in retries.statuses
        case Failure(kind):
            return kind in retries.kinds


def retry_after_s(headers: Headers, wall_ns: Callable[[], int]) -> float | None:
    """What `Retry-After` asks for, in seconds from now; None when absent or not understood.

    Both forms of RFC 9110 section 10.2.3: a number of seconds, or a date.
    """
    for name, value in headers:
        if name.lower() == "retry-after":
            text = value.strip()
            if text.isascii() and text.isdigit():
                return float(text[:9])
            return _seconds_until(text, wall_ns())
    return None


def _seconds_until(date: str, wall_ns: int) -> float | None:
    try:
        at = parsedate_to_datetime(date)
    except ValueError:
        return None
    if at.tzinfo is None:  # "-0000": UTC by RFC 5322
        at = at.replace(tzinfo=UTC)
    return max(0.0, at.timestamp() - wall_ns / 1e9)

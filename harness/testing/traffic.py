"""Synthetic requests: what users ask of `harness.testing.task`, and when, from a seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import orjson

from harness.exchange import Recorded, Request
from harness.readers import harness_log
from harness.testing.clock import NOON_NS
from harness.testing.task import TARGET, USER_HEADER, right_label

_N_NUMBERS = 3


@dataclass(frozen=True, slots=True)
class Traffic:
    """Who asks how much, and when.

    Attributes:
        n_users: Among how many users the requests are divided, evenly by chance.
        talkative_share: Share of all requests that `user-0` makes beyond their turn.
        per_s: Mean arrivals a second; gaps are exponential.
        sources: Shares of where users come from; each keeps to one.
    """

    n_requests: int
    n_users: int = 200
    talkative_share: float = 0.0
    per_s: float = 200.0
    sources: Mapping[str, float] = field(
        default_factory=lambda: MappingProxyType({"mobile": 0.6, "web": 0.4})
    )


def recorded_requests(traffic: Traffic, seed: int) -> list[Recorded]:
    """Entries of a log without answers, in the order of time. The first arrives at noon."""
    dice = np.random.default_rng(seed)
    n_requests = traffic.n_requests
    users = dice.integers(0, traffic.n_users, n_requests)
    users[dice.random(n_requests) < traffic.talkative_share] = 0
    home = dice.choice(list(traffic.sources), traffic.n_users, p=list(traffic.sources.values()))
    numbers = dice.integers(0, 100, (n_requests, _N_NUMBERS)).tolist()
    at_s = np.cumsum(dice.exponential(1 / traffic.per_s, n_requests))
    return [
        _entry(number, f"user-{user}", str(home[user]), numbers[number], float(moment))
        for number, (user, moment) in enumerate(zip(users, at_s - at_s[0], strict=True))
    ]


def _entry(number: int, user: str, source: str, numbers: list[int], at_s: float) -> Recorded:
    # The id keeps two requests with the same numbers apart: chance hangs on the body.
    body = orjson.dumps({"id": number, "source": source, "numbers": numbers})
    headers = (
        ("Host", "synthetic.example"),
        ("Content-Type", "application/json"),
        (USER_HEADER, user),
        ("Content-Length", str(len(body))),
    )
    return Recorded(
        entry_id=f"entry-{number}",
        position=f"line {number + 1}",
        at_ns=NOON_NS + round(at_s * 1e9),
        request=Request("POST", TARGET, headers, body),
        truth=str(right_label(numbers)),
    )


def log_of(traffic: Traffic, seed: int) -> bytes:
    """The requests as a harness log."""
    return b"".join(harness_log.encode(entry) for entry in recorded_requests(traffic, seed))

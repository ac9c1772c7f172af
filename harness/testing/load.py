"""Users: requests at a steady rate, whatever the server does, and how each of them went.

    python -m harness.testing.load http://127.0.0.1:8080 --rate-per-s 500 --seconds 3

Requests are due by chance (Poisson, from the seed) and go out when they are due, however many are
still unanswered, over connections that are kept alive. Each carries a body of its own, and the
right answer is that body again: an answer with anything else in it is a wrong one. Latency counts
from when a request was due, without what this process itself was late.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import random
import resource
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field

import uvloop

from harness.exchange import DeploymentName, Exchange, Failure, Request, RequestId
from harness.http1.limits import Limits
from harness.transport.clock import MonotonicClock
from harness.transport.sender import HttpSender
from harness.transport.target import Target

TARGET = "/predict"

_MARGIN_S = 60.0
_AT_ONCE = 4096


@dataclass(frozen=True, slots=True)
class Schedule:
    """What is asked.

    Attributes:
        rate_per_s: Mean number of requests; of bursts, which come evenly.
        burst: Requests that are due at the same moment.
        body_bytes: Of each request, and of its answer.
        timeout_s: How long a user waits.
        tag: Begins every body, so that two schedules never send the same.
    """

    rate_per_s: float = 500.0
    seconds: float = 3.0
    burst: int = 1
    body_bytes: int = 1024
    timeout_s: float = 10.0
    seed: int = 0
    tag: str = "load"

    def due_s(self) -> Iterator[float]:
        """When requests are due, seconds from the start."""
        draw = random.Random(self.seed)
        at_s = 0.0
        while at_s < self.seconds:
            for _ in range(self.burst):
                yield at_s
            at_s += 1 / self.rate_per_s if self.burst > 1 else draw.expovariate(self.rate_per_s)

    def body(self, number: int) -> bytes:
        """JSON of `body_bytes` bytes at least."""
        start = f'{{"tag": "{self.tag}", "n": {number}, "text": "'
        return f'{start}{"x" * max(0, self.body_bytes - len(start) - 2)}"}}'.encode()


@dataclass(frozen=True, slots=True)
class Seen:
    """How it went for the users.

    Attributes:
        n_sent: Requests.
        latencies_us: Of those that were answered right.
        problems: What users saw instead of the right answer, with how often.
    """

    n_sent: int
    latencies_us: tuple[int, ...]
    problems: Mapping[str, int] = field(default_factory=dict)

    @property
    def n_right(self) -> int:
        return len(self.latencies_us)

    def quantile_us(self, share: float) -> float:
        """The latency that this share of the right answers does not exceed; infinite for none."""
        if not self.latencies_us:
            return math.inf
        ordered = sorted(self.latencies_us)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Seen:
        raw = json.loads(text)
        return cls(raw["n_sent"], tuple(raw["latencies_us"]), raw["problems"])


async def ask(url: str, schedule: Schedule) -> Seen:
    """Ask by the schedule; returns when the last request has ended, however it did."""
    clock = MonotonicClock()
    limits = Limits(max_body_bytes=schedule.body_bytes + 1024)
    target = Target(
        DeploymentName("users"),
        url,
        timeout_s=schedule.timeout_s,
        max_in_flight=_AT_ONCE,
        limits=limits,
    )
    sender = HttpSender(target, clock)
    latencies_us: list[int] = []
    problems: Counter[str] = Counter()
    n_sent = n_ended = 0
    all_ended = asyncio.Event()

    def ended(number: int, exchange: Exchange) -> None:
        nonlocal n_ended
        n_ended += 1
        outcome, timing = exchange.outcome, exchange.timing
        if isinstance(outcome, Failure):
            problems[outcome.kind.value] += 1
        elif outcome.body != schedule.body(number):
            problems["wrong answer"] += 1
        elif timing is not None:
            late_s = (timing.wait_s or 0.0) - (timing.sender_lag_s or 0.0)
            latencies_us.append(round((late_s + timing.latency_s) * 1e6))
        all_ended.set()

    def send(number: int, due_s: float) -> None:
        body = schedule.body(number)
        headers = (
            ("Host", target.endpoint.authority),
            ("Content-Type", "application/json"),
            ("X-User-Id", f"user-{number % 97}"),
            ("Content-Length", str(len(body))),
        )
        request = Request("POST", TARGET, headers, body)
        name = RequestId(f"{schedule.tag}-{number}")
        sender.submit(name, request, due_s=due_s, call_order=0, done=lambda one: ended(number, one))

    start_s = clock.now_s() + 0.01
    for after_s in schedule.due_s():
        due_s = start_s + after_s
        if due_s > clock.now_s():
            await clock.sleep_until(due_s)
        send(n_sent, due_s)
        n_sent += 1
    while n_ended < n_sent:
        all_ended.clear()
        await all_ended.wait()
    await sender.close()
    clock.close()
    return Seen(n_sent, tuple(latencies_us), dict(problems))


def asked(url: str, schedule: Schedule) -> Seen:
    """`ask` in a process of its own, so that what else this one does is nobody's latency."""
    return answered(asking(url, schedule), schedule)


def asking(url: str, schedule: Schedule, *, before: Sequence[str] = ()) -> subprocess.Popen[str]:
    """Begin to ask in a process of its own; `answered` waits for how it went.

    Args:
        before: Words that the command begins with, such as `taskset -c 1`.
    """
    words = [f"--{name.replace('_', '-')}={value}" for name, value in asdict(schedule).items()]
    return subprocess.Popen(
        [*before, sys.executable, "-m", "harness.testing.load", url, *words],
        stdout=subprocess.PIPE,
        text=True,
    )


def answered(process: subprocess.Popen[str], schedule: Schedule) -> Seen:
    """How it went, once all have ended."""
    try:
        printed, _ = process.communicate(timeout=schedule.seconds + schedule.timeout_s + _MARGIN_S)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
    if process.returncode:
        raise RuntimeError(f"the load ended with exit code {process.returncode}")
    return Seen.from_json(printed)


def pooled(many: Sequence[Seen]) -> Seen:
    """What all of them saw, put together."""
    problems: Counter[str] = Counter()
    for one in many:
        problems.update(one.problems)
    latencies_us = tuple(latency for one in many for latency in one.latencies_us)
    return Seen(sum(one.n_sent for one in many), latencies_us, dict(problems))


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of `python -m harness.testing.load`: prints what users saw as one JSON line."""
    parser = argparse.ArgumentParser(
        prog="python -m harness.testing.load",
        description="Ask a server that echoes bodies, at a steady rate, and print how it went.",
        epilog="example: python -m harness.testing.load http://127.0.0.1:8080 --rate-per-s 500",
    )
    parser.add_argument("url", help="where to, for instance http://127.0.0.1:8080")
    for name, default in asdict(Schedule()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default)
    chosen = vars(parser.parse_args(arguments))
    url = chosen.pop("url")
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    print(uvloop.run(ask(url, Schedule(**chosen))).to_json())
    return 0


if __name__ == "__main__":
    sys.exit(main())

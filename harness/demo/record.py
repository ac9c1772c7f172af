"""Make the demo's log: put made-up users' requests to the real champion, and write both sides down.

    python -m harness.demo.record fixtures/logs/digits.jsonl

Requests are sent at the times of `harness.demo.visits`, by the sender that a replay uses, to a
champion started for it, so arrival times, answers and latencies are what happened. Users, images
and their order are the same each time; times and latencies are those of the machine it ran on.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import orjson

from harness.demo.config import name_of
from harness.demo.dataset import split
from harness.demo.models import CHAMPION
from harness.demo.servers import running
from harness.demo.visits import Asked, visits
from harness.errors import HarnessError, UnreachableError
from harness.exchange import (
    DeploymentName,
    Exchange,
    Recorded,
    RecordedAnswer,
    Request,
    RequestId,
    Response,
)
from harness.ports import Clock, Sender
from harness.readers import harness_log
from harness.transport.clock import MonotonicClock
from harness.transport.sender import HttpSender
from harness.transport.target import Target

VISITS_SEED = 1
TARGET = "/v1/predict"
_TIMEOUT_S = 2.0
_WARM_UP = 20  # asked first and not written down: a server's first answers are its slowest
_SOON_S = 0.1


async def record_visits() -> list[Recorded]:
    """Start the champion, put every visit to it at its time, and give the log's entries.

    Raises:
        UnreachableError: The champion did not start, or left a request without an answer.
    """
    clock = MonotonicClock()
    asked = visits(split().asked, VISITS_SEED)
    async with running([CHAMPION]) as urls:
        target = Target(DeploymentName(name_of(CHAMPION)), urls[CHAMPION], _TIMEOUT_S)
        sender = HttpSender(target, clock)
        for visit in asked[:_WARM_UP]:
            await submitted(sender, visit, clock.now_s())
        exchanges = await put(asked, sender, clock)
        await sender.close()
    clock.close()
    return [
        entry(number, visit, exchange)
        for number, (visit, exchange) in enumerate(zip(asked, exchanges, strict=True), start=1)
    ]


async def put(asked: Sequence[Asked], sender: Sender, clock: Clock) -> list[Exchange]:
    """Put each visit to a deployment at its time; return when all are answered."""
    start_s = clock.now_s() + _SOON_S
    answers = []
    for visit in asked:
        await clock.sleep_until(start_s + visit.at_s)
        answers.append(submitted(sender, visit, start_s + visit.at_s))
    return [await answer for answer in answers]


def submitted(sender: Sender, visit: Asked, due_s: float) -> asyncio.Future[Exchange]:
    """Send one request; the future holds what became of it."""
    answer: asyncio.Future[Exchange] = asyncio.get_running_loop().create_future()
    sender.submit(
        RequestId(visit.user),
        request_of(visit),
        due_s=due_s,
        call_order=0,
        done=answer.set_result,
    )
    return answer


def request_of(visit: Asked) -> Request:
    """The request as its user's browser would send it."""
    body = orjson.dumps({"source": visit.source, "pixels": visit.pixels})
    headers = (
        ("Host", "digits.example"),
        ("Content-Type", "application/json"),
        ("X-User-Id", visit.user),
        ("Content-Length", str(len(body))),
    )
    return Request("POST", TARGET, headers, body)


def entry(number: int, visit: Asked, exchange: Exchange) -> Recorded:
    """One exchange as an entry of a log.

    Raises:
        UnreachableError: It has no answer. A log with holes is no fixture.
    """
    if not isinstance(exchange.outcome, Response) or exchange.timing is None:
        raise UnreachableError(f"harness.demo.record: request {number}: {exchange.outcome}")
    return Recorded(
        entry_id=f"digits-{number:04d}",
        position=f"line {number}",
        at_ns=exchange.timing.due_at_ns,
        request=request_of(visit),
        answer=RecordedAnswer(
            exchange.outcome,
            latency_s=round(exchange.timing.latency_s, 6),
            first_byte_s=round(exchange.timing.first_byte_s or 0.0, 6),
        ),
        truth=str(visit.label),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of `python -m harness.demo.record`."""
    parser = argparse.ArgumentParser(
        prog="python -m harness.demo.record",
        description="Record the demo's log: a minute and a half of requests to the champion.",
        epilog="example: python -m harness.demo.record fixtures/logs/digits.jsonl",
    )
    parser.add_argument("out", type=Path, help="the log to write, JSON Lines")
    out: Path = parser.parse_args(arguments).out
    try:
        entries = asyncio.run(record_visits())
    except HarnessError as exc:
        print(exc, file=sys.stderr)
        return 2
    out.write_bytes(b"".join(map(harness_log.encode, entries)))
    print(f"{out}: {len(entries)} exchanges with {name_of(CHAMPION)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
